"""The implicit policy: an energy of (observation, action), whose least energetic action is taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ibc_gym.contracts import CanonicalFrame, PolicySpec
from ibc_gym.errors import ConfigError
from ibc_gym.records import Float32

from .base import Batch, WindowPolicy, action_errors, check_finite, evaluating
from .inputs import InputConfig
from .losses import GradientPenaltyConfig, gradient_penalty, info_nce
from .negatives import Counts, NegativesConfig, anchored
from .networks.energy import EnergyNetwork
from .networks.factory import (
    JointConfig,
    LateFusionConfig,
    joint_network,
    late_fusion_network,
)
from .noise import Noise, SharedNoise
from .optimisers import dfo, langevin
from .optimisers.box import Box, Search
from .optimisers.dfo import DFOConfig
from .optimisers.langevin import LangevinConfig


@dataclass(frozen=True, kw_only=True)
class EBMConfig(InputConfig):
    """An energy-based policy."""

    network: Literal["late_fusion", "joint"] = "late_fusion"
    """Encode the observation once and judge actions by a small network, or put both through one, as published."""
    late_fusion: LateFusionConfig = field(default_factory=LateFusionConfig)
    """Sizes of the late-fusion network."""
    joint: JointConfig = field(default_factory=JointConfig)
    """Sizes of the joint network."""
    negatives: NegativesConfig = field(default_factory=NegativesConfig)
    """Counter-examples in training."""
    gradient_penalty: GradientPenaltyConfig = field(default_factory=GradientPenaltyConfig)
    """Bound on the slope of the energy."""
    temperature: float = 1.0
    """Of the softmax in the loss."""
    optimiser: Literal["dfo", "langevin"] = "dfo"
    """How the least energetic action is found; it also chooses the kind of counter-examples where those are not said."""
    dfo: DFOConfig = field(default_factory=DFOConfig)
    """Constants of the derivative-free optimiser."""
    langevin: LangevinConfig = field(default_factory=LangevinConfig)
    """Constants of Langevin dynamics."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.temperature <= 0:
            raise ConfigError(f"temperature is {self.temperature}, but must be positive.")
        if self.network == "joint" and self.image_inputs:
            raise ConfigError(
                "The joint network takes no pictures: every candidate would cost a convolution. "
                "Use network='late_fusion'."
            )
        self.negatives.resolved(self.optimiser)
        if self.network == "joint" and self.joint.dropout and self.penalty_weight:
            raise ConfigError(
                f"joint.dropout is {self.joint.dropout} and the gradient penalty weighs {self.penalty_weight}, but the "
                "penalty would be on the slope of another network than the one that is trained, since it takes the "
                "gradient without dropout. Set joint.dropout=0 (dropout hurts energies), or gradient_penalty.weight=0."
            )

    @property
    def penalty_weight(self) -> float:
        """Factor of the gradient penalty; where it is not said, 1 with Langevin counter-examples and 0 without."""
        if self.gradient_penalty.weight is not None:
            return self.gradient_penalty.weight
        return float(self.negatives.resolved(self.optimiser).langevin > 0)


class EBM(WindowPolicy):
    """An implicit policy (Florence et al. 2021): contrastive training, acting by optimisation."""

    Config: ClassVar[type[InputConfig]] = EBMConfig

    def __init__(
        self, config: EBMConfig, spec: PolicySpec, frame: CanonicalFrame | None = None
    ) -> None:
        """Make an untrained policy; see `WindowPolicy`."""
        super().__init__(config, spec, frame)
        self._ebm = config
        self._counts: Counts = config.negatives.resolved(config.optimiser)
        self._share = config.joint.dropout if config.network == "joint" else 0.0
        codec = self._codec
        self.network: EnergyNetwork = (
            joint_network(config.joint, codec.feature_size, self.action_size)
            if config.network == "joint"
            else late_fusion_network(
                config.late_fusion, codec.feature_size, codec.picture_shapes, self.action_size
            )
        )
        self._context: Tensor | None = None
        self._candidates: Tensor | None = None

    def loss(self, batch: Batch, generator: torch.Generator) -> tuple[Tensor, Mapping[str, Tensor]]:
        """InfoNCE of every group of counter-examples, and the gradient penalty.

        Args:
            batch: As `TensorWindows.batch` gives it.
            generator: Source of the counter-examples.

        Raises:
            TrainingDiverged: An energy is not finite; it says where that began.
        """
        batch = self._augmented(batch, generator)
        noise = SharedNoise(generator, self.device)
        demonstrated = batch["action"]
        context = self.network.encode(self._prepared(batch))
        pooled, near = self._counter_examples(context.detach(), demonstrated, noise)
        candidates = torch.cat([demonstrated[:, None], pooled, near], dim=1).detach()
        with self._dropout(self._share, generator):
            energies = self.network(context, candidates)  # (B, 1 + N), the demonstration first
        check_finite("energy", energies, batch, self)
        total, parts = self._contrast(energies)
        if weight := self._ebm.penalty_weight:
            first = 0 if self._ebm.gradient_penalty.include_positive else 1
            points = candidates[:, first : 1 + self._counts.pooled]
            gradients = self.network.action_gradient(context, points)
            penalty = gradient_penalty(
                gradients,
                margin=self._ebm.gradient_penalty.margin,
                norm=self._ebm.gradient_penalty.norm,
            )
            total = total + weight * penalty
            parts["gradient_penalty"] = penalty.detach()
            parts["gradient_norm"] = gradients.detach().abs().amax(dim=-1).mean()
        self._passed()
        return total, parts

    def validate(self, batch: Batch, generator: torch.Generator) -> Mapping[str, float]:
        """Loss, and how far the action that would be taken is from the demonstrated one, on held-out windows."""
        noise = SharedNoise(generator, self.device)
        with evaluating(self), torch.no_grad():
            total, parts = self.loss(batch, generator)
            context = self.network.encode(self._prepared(batch))
            found = self._search(context, noise, validating=True)
        weights = torch.softmax(-found.energies, dim=1)
        entropy = -(weights * weights.clamp_min(1e-30).log()).sum(dim=1).mean()
        chosen = self._pick(found, noise)
        margin = 1e-3 * (self.box.high - self.box.low)
        outside = (chosen < self.box.low + margin) | (chosen > self.box.high - margin)
        return {
            **action_errors(chosen, batch["action"]),
            "loss": float(total),
            "entropy": float(entropy),
            "on_boundary": float(outside.any(dim=1).float().mean()),
            **{name: float(part) for name, part in parts.items()},
        }

    @property
    def box(self) -> Box:
        """The normalised box that actions are sampled in."""
        return Box(self.get_buffer("low"), self.get_buffer("high"))

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
        energies: Float32 = self.network.judge(self._context, normalised).cpu().numpy()
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

    def _windows_per_sample(self, samples: int) -> dict[str, NDArray[Any]]:
        """The windows that were last acted on, each as often as there are samples: (B N, T, O)."""
        return {
            name: np.repeat(window, samples, axis=0)
            for name, window in self._history.windows.items()
            if name in self._codec.config.feature_inputs
        }

    def _choose(self, inputs: Batch, noise: Noise) -> Tensor:
        self._context = self.network.encode(inputs)
        found = self._search(self._context, noise, validating=False)
        self._candidates = found.candidates
        return self._pick(found, noise)

    def _pick(self, found: Search, noise: Noise) -> Tensor:
        if self._ebm.optimiser == "dfo":
            return dfo.pick(found, noise, self._ebm.dfo)
        return found.least()

    def _search(self, context: Tensor, noise: Noise, *, validating: bool) -> Search:
        config = self._ebm.dfo if self._ebm.optimiser == "dfo" else self._ebm.langevin
        samples = config.validation_samples if validating else config.samples
        if self._ebm.optimiser == "dfo":
            return self._dfo(context, noise, samples)
        chains = langevin.inference_chains(self._ebm.langevin)
        ends = self._walk(context, noise, samples, chains)
        return Search(ends, self.network.judge(context, ends))

    def _dfo(self, context: Tensor, noise: Noise, samples: int) -> Search:
        return dfo.search(
            lambda actions: self.network.judge(context, actions),
            self.box,
            noise,
            self._ebm.dfo,
            rows=len(context),
            samples=samples,
        )

    def _walk(
        self, context: Tensor, noise: Noise, samples: int, chains: tuple[langevin.Chain, ...]
    ) -> Tensor:
        """End points of Langevin chains that begin uniformly in the box, (B, samples, A)."""
        rows, box = len(context), self.box
        ends = context.new_empty(rows, samples, self.action_size)
        for part in langevin.chunks(rows, samples):
            own, own_noise = context[part[0]], noise.part(part[0])
            actions = box.sample(own_noise, len(own), ends[part].shape[1])
            for chain in chains:
                actions = langevin.walk(
                    lambda a, own=own: self.network.action_gradient(own, a),  # type: ignore[misc]
                    actions,
                    box,
                    own_noise,
                    chain,
                    delta_clip=self._ebm.langevin.delta_clip,
                )
            ends[part] = actions
        return ends

    def _counter_examples(
        self, context: Tensor, demonstrated: Tensor, noise: Noise
    ) -> tuple[Tensor, Tensor]:
        """Those that share a softmax (B, pooled, A), and the anchored ones (B, anchored, A)."""
        counts, rows = self._counts, len(demonstrated)
        pooled = [self.box.sample(noise, rows, counts.uniform)]
        with evaluating(self), torch.no_grad():
            if counts.langevin:
                chain = langevin.training_chain(self._ebm.langevin)
                pooled.append(self._walk(context, noise, counts.langevin, (chain,)))
            if counts.dfo:
                pooled.append(self._dfo(context, noise, counts.dfo).candidates)
        near = anchored(demonstrated, counts.anchored, noise, self._ebm.negatives.anchor_scale)
        return torch.cat(pooled, dim=1), near

    def _contrast(self, energies: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Sum of the groups' losses, and what they look like, from energies (B, 1 + pooled + anchored)."""
        own, others = energies[:, :1], energies[:, 1:]
        groups = {
            "info_nce": others[:, : self._counts.pooled],
            "info_nce_anchored": others[:, self._counts.pooled :],
        }
        first = torch.zeros(len(energies), dtype=torch.long, device=energies.device)
        losses = {
            name: info_nce(torch.cat([own, group], dim=1), first, self._ebm.temperature)
            for name, group in groups.items()
            if group.shape[1]
        }
        with torch.no_grad():
            parts = {name: loss.detach() for name, loss in losses.items()}
            parts["energy_positive"] = own.mean()
            parts["energy_gap"] = others.mean() - own.mean()
            parts["accuracy"] = (own[:, 0] < others.amin(dim=1)).float().mean()
        return torch.stack(tuple(losses.values())).sum(), parts
