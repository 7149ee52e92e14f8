"""What implicit policies share: they act by a search for little energy, and can be looked at."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ibc_gym.contracts import CanonicalFrame, PolicySpec
from ibc_gym.errors import ConfigError
from ibc_gym.records import Float32

from .base import Batch, WindowPolicy, action_errors, check_finite, evaluating
from .inputs import InputConfig
from .noise import Noise, SharedNoise
from .optimisers.box import Box, Search

VITAL_SIGNS: Final = {
    "validation/on_boundary_excess": (-math.inf, 0.5),
    "validation/demonstration_above_least": (-math.inf, 1e3),
}
"""How much oftener than demonstrations the least energetic actions may lie at an edge of the box, and how far below the
demonstrations' their energy may be. Not the entropy: a sharp energy of many dimensions rightly has next to none."""


class ImplicitPolicy(WindowPolicy):
    """A policy that has an energy of actions under an observation, and takes the least energetic one it finds."""

    def __init__(
        self, config: InputConfig, spec: PolicySpec, frame: CanonicalFrame | None = None
    ) -> None:
        """Make an untrained policy; see `WindowPolicy`."""
        super().__init__(config, spec, frame)
        self._context: Tensor | None = None
        self._candidates: Tensor | None = None

    @property
    def box(self) -> Box:
        """The normalised box that actions are sampled in."""
        return Box(self.get_buffer("low"), self.get_buffer("high"))

    def validate(self, batch: Batch, generator: torch.Generator) -> Mapping[str, float]:
        """Loss, and how far the least energetic action found is from the demonstrated one, on held-out windows.

        That is so where a draw by weight is taken, too: how far a draw is tells how wide the density is, and little of
        whether the energy is least in the right place.
        """
        noise, demonstrated = SharedNoise(generator, self.device), batch["action"]
        with evaluating(self), torch.no_grad():
            total, parts = self.loss(batch, generator)
            context = self._context_of(self._prepared(batch))
            found = self._search(context, noise, validating=True)
            judged = self._judge(context, demonstrated[:, None])
        weights = torch.softmax(-found.energies, dim=1)
        entropy = -(weights * weights.clamp_min(1e-30).log()).sum(dim=1).mean()
        least, above = found.least(), judged[:, 0] - found.energies.amin(dim=1)
        on_boundary = self._on_boundary(least)
        return {
            **action_errors(least, demonstrated),
            "loss": float(total),
            "entropy": float(entropy),
            "on_boundary": on_boundary,
            "on_boundary_excess": on_boundary - self._on_boundary(demonstrated),
            "demonstration_above_least": float(above.mean()),
            **{name: float(part) for name, part in parts.items()},
        }

    @property
    def vital_signs(self) -> Mapping[str, tuple[float, float]]:
        """As `ibc_gym.contracts.Monitored` says: energies do not run away, and searches do not end where no data are."""
        return VITAL_SIGNS

    def _on_boundary(self, actions: Tensor) -> float:
        """Share of actions (B, A) at an edge of the box."""
        margin = 1e-3 * (self.box.high - self.box.low)
        outside = (actions < self.box.low + margin) | (actions > self.box.high - margin)
        return float(outside.any(dim=1).float().mean())

    def energies(self, actions: Float32) -> Float32:
        """Energies of actions under the observations that were last acted on: the landscape of a report.

        Args:
            actions: (B, N, A), in the task's units.

        Returns:
            (B, N); lower is better, and only differences within a row mean something.

        Raises:
            ConfigError: `act` has not been called yet.
        """
        if self._context is None:
            raise ConfigError("Call act() before energies(): there is no observation yet.")
        rows, samples = actions.shape[:2]
        windows = self._windows_per_sample(samples)
        flat = self._codec.actions_in(actions.reshape(rows * samples, -1), windows)
        normalised = torch.from_numpy(flat.reshape(actions.shape)).to(self.device)
        energies: Float32 = self._judge(self._context, normalised).cpu().numpy()
        return energies

    def candidates(self) -> Float32:
        """Where the last search ended, (B, N, A), in the task's units; for a report as well.

        Raises:
            ConfigError: `act` has not been called yet.
        """
        if self._candidates is None:
            raise ConfigError("Call act() before candidates(): nothing has been searched yet.")
        rows, samples, size = self._candidates.shape
        flat = self._candidates.reshape(rows * samples, size).cpu().numpy()
        actions = self._codec.actions_out(flat, self._windows_per_sample(samples))
        return actions.reshape(rows, samples, size)

    @abstractmethod
    def _context_of(self, inputs: Batch) -> Tensor:
        """What all candidates of an observation share, (B, ...), of prepared inputs."""

    @abstractmethod
    def _judge(self, context: Tensor, actions: Tensor) -> Tensor:
        """Energies (B, N) of normalised actions (B, N, A), without gradients.

        Raises:
            TrainingDiverged: One is not finite; it says where that began.
        """

    @abstractmethod
    def _search(self, context: Tensor, noise: Noise, *, validating: bool) -> Search:
        """The last candidates of the optimiser."""

    @abstractmethod
    def _pick(self, found: Search, noise: Noise) -> Tensor:
        """The action to take, normalised, (B, A)."""

    def _checked(self, energies: Tensor, batch: Batch | None = None) -> Tensor:
        """Energies as they are; a search would take the least of the finite ones and say nothing of the others."""
        check_finite("energy", energies, batch or {}, self)
        return energies

    def _choose(self, inputs: Batch, noise: Noise) -> Tensor:
        self._context = self._context_of(inputs)
        found = self._search(self._context, noise, validating=False)
        self._candidates = found.candidates
        return self._pick(found, noise)

    def _windows_per_sample(self, samples: int) -> dict[str, NDArray[Any]]:
        """The windows that were last acted on, each as often as there are samples: (B N, T, O)."""
        return {
            name: np.repeat(window, samples, axis=0)
            for name, window in self._history.windows.items()
            if name in self._codec.config.feature_inputs
        }
