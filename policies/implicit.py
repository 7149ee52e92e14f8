"""What implicit policies share: they act by a search for little energy, and can be looked at."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Final

import torch
from numpy.typing import NDArray
from torch import Tensor

from ibc_gym.contracts import CanonicalFrame, PolicySpec
from ibc_gym.errors import ConfigError
from ibc_gym.records import Float32

from .base import Batch, WindowPolicy, check_finite, evaluating
from .doubt import doubts, evenly_spread
from .inputs import InputConfig
from .noise import Noise, SharedNoise
from .optimisers.box import Box, Search

VITAL_SIGNS: Final = {
    "validation/on_boundary_excess": (-math.inf, 0.5),
    "validation/demonstration_above_least": (-math.inf, 1e3),
    "train/energy_gap": (-1e3, 1e4),
}
"""How much oftener than demonstrations the least energetic actions may lie at an edge of the box, how far below the
demonstrations' their energy may be, and how far above it that of counter-examples, of which 60 is usual where little is
left to be learned. Not the entropy: a sharp energy of many dimensions rightly has next to none."""


class ImplicitPolicy(WindowPolicy):
    """A policy that has an energy of actions under an observation, and takes the least energetic one it finds."""

    def __init__(
        self, config: InputConfig, spec: PolicySpec, frame: CanonicalFrame | None = None
    ) -> None:
        """Make an untrained policy; see `WindowPolicy`."""
        super().__init__(config, spec, frame)
        self._context: Tensor | None = None
        self._found: Search | None = None
        self._chosen: Tensor | None = None
        self._states: Tensor | None = None
        even = evenly_spread(self.action_size)
        self.register_buffer("even", even, persistent=False)

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
        weights = torch.softmax(-found.energies / self.config.temperature, dim=1)
        entropy = -(weights * weights.clamp_min(1e-30).log()).sum(dim=1).mean()
        least, above = found.least(), judged[:, 0] - found.energies.amin(dim=1)
        on_boundary = self._on_boundary(least)
        return {
            **self._action_errors(least, demonstrated),
            "loss": float(total),
            "entropy": float(entropy),
            "on_boundary": on_boundary,
            "on_boundary_excess": on_boundary - self._on_boundary(demonstrated),
            "demonstration_above_least": float(above.mean()),
            **{name: float(part) for name, part in parts.items()},
        }

    @property
    def vital_signs(self) -> Mapping[str, tuple[float, float]]:
        """As `ibc_gym.offers.Monitored` says: energies neither run away nor drift apart, and searches end where data are."""
        return VITAL_SIGNS

    def _on_boundary(self, actions: Tensor) -> float:
        """Share of actions (B, A) at an edge of the box."""
        margin = 1e-3 * (self.box.high - self.box.low)
        outside = (actions < self.box.low + margin) | (actions > self.box.high - margin)
        return float(outside.any(dim=1).float().mean())

    def energies(self, actions: Float32) -> Float32:
        """Energies of actions under the observations that were last acted on: the landscape of a report.

        Of a policy that says chunks, they are energies of the chunk under way, with an action in the place of the one
        that was carried out last, under the observation that the chunk was said for.

        Args:
            actions: (B, N, A), in the task's units.

        Returns:
            (B, N); lower is better, and only differences within a row mean something.

        Raises:
            ConfigError: `act` has not been called yet.
        """
        if self._context is None or self._chosen is None:
            raise ConfigError("Call act() before energies(): there is no observation yet.")
        normalised = torch.from_numpy(self._codec.actions_in(actions, self._framed_by())).to(
            self.device
        )
        chunks = self._chosen[:, None].expand(-1, actions.shape[1], -1)
        chunks = chunks.scatter(2, self._carried_out(actions.shape[1]), normalised)
        energies: Float32 = self._judge(self._context, chunks).cpu().numpy()
        return energies

    def candidates(self) -> Float32:
        """Where the last search ended, (B, N, A), in the task's units; for a report as well.

        Of chunks it gives the action that was carried out last.

        Raises:
            ConfigError: `act` has not been called yet.
        """
        if self._found is None:
            raise ConfigError("Call act() before candidates(): nothing has been searched yet.")
        candidates = self._found.candidates
        normalised = candidates.gather(2, self._carried_out(candidates.shape[1])).cpu().numpy()
        return self._codec.actions_out(normalised, self._framed_by())

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
        context = self._context_of(inputs)
        found = self._search(context, noise, validating=False)
        chosen = self._pick(found, noise)
        self._context = self._kept(self._context, context)
        self._chosen = self._kept(self._chosen, chosen)
        self._found = Search(
            self._kept(self._found.candidates if self._found else None, found.candidates),
            self._kept(self._found.energies if self._found else None, found.energies),
        )
        return chosen

    def _doubts(self, inputs: Batch) -> dict[str, Tensor]:
        """What `doubt.doubts` says of the last search, and the novelty."""
        context, found, chosen = self._context, self._found, self._chosen
        assert context is not None and found is not None and chosen is not None
        taken = Search(chosen[:, None], self._judge(context, chosen[:, None]))
        others = self._alternatives(context, found)
        temperature = self.config.temperature
        return {
            **super()._doubts(inputs),
            **doubts(
                taken, others, found, self.box, temperature=temperature, alone=self._least_excess
            ),
        }

    @property
    def _least_excess(self) -> float:
        """Energy that actions which nobody looks at have above the chosen one, at least; 0 where nothing is known of them."""
        return 0.0

    def _alternatives(self, context: Tensor, found: Search) -> Search:
        """What the chosen action is held against: points spread evenly over the box."""
        points = self.box.low + self.get_buffer("even") * (self.box.high - self.box.low)
        points = points.expand(len(context), -1, -1)
        return Search(points, self._judge(context, points))

    def _predict(self, windows: Mapping[str, NDArray[Any]]) -> Float32:
        if self._codec.frame is not None:
            states = torch.from_numpy(windows["state"].copy())
            self._states = self._kept(self._states, states)
        return super()._predict(windows)

    def _framed_by(self) -> dict[str, NDArray[Any]]:
        """The states whose canonical frame the chunks are in, (B, T, O), by the name of their input."""
        return {} if self._states is None else {"state": self._states.numpy()}

    def _carried_out(self, samples: int) -> Tensor:
        """Where in chunks (B, N, H A) the action stands that each row carried out last, (B, N, A)."""
        size = self.action_size // self._config.horizon
        first = torch.from_numpy(self._queue.position * size).to(self.device)
        index = first[:, None, None] + torch.arange(size, device=self.device)
        return index.expand(-1, samples, -1)
