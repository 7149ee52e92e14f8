"""The implicit policy for many dimensions: an energy for each, found one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import torch
from torch import Tensor

from ibc_gym.checks import owner, require_at_least, require_temperature
from ibc_gym.contracts import CanonicalFrame, PolicySpec
from ibc_gym.errors import ConfigError

from .base import Batch, check_finite
from .implicit import ImplicitPolicy
from .inputs import InputConfig
from .losses import info_nce
from .networks.factory import JointConfig, LateFusionConfig
from .noise import Noise, SharedNoise
from .optimisers import autoregressive
from .optimisers.autoregressive import AutoregressiveDFOConfig
from .optimisers.box import Search
from .optimisers.pick import pick
from .prefix_energies import PrefixEnergies


@dataclass(frozen=True, kw_only=True)
class AutoregressiveConfig(InputConfig):
    """An energy-based policy with one energy per dimension of the action."""

    network: Literal["late_fusion", "joint"] = "late_fusion"
    """Encode the observation once and judge actions by a small network, or put both through one, as published."""
    late_fusion: LateFusionConfig = field(default_factory=LateFusionConfig)
    """Sizes of each late-fusion network."""
    joint: JointConfig = field(default_factory=JointConfig)
    """Sizes of each joint network."""
    shared_trunk: bool = False
    """Whether one encoder of the observation serves all dimensions, instead of one each as published; it needs
    late fusion."""
    counter_examples: int = 64
    """Per demonstrated action and dimension; 1024 as published."""
    temperature: float = 1.0
    """Of the softmax in the loss."""
    autoregressive: AutoregressiveDFOConfig = field(default_factory=AutoregressiveDFOConfig)
    """Constants of the optimiser, in training and when acting."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_temperature(self, "temperature")
        require_at_least(self, 1, "counter_examples")
        if self.network == "joint" and (self.image_inputs or self.shared_trunk):
            raise ConfigError(
                f"{owner(self)}.network is 'joint', but joint networks take no pictures and have no trunk of the observation "
                "to share: it goes through them with every candidate. Use 'late_fusion'."
            )
        if self.network == "joint" and self.joint.dropout:
            raise ConfigError(
                f"{owner(self)}.joint.dropout is {self.joint.dropout}, but candidates are drawn by the energies that are trained, "
                "and those must not flicker: set it to 0 (it hurts energies anyway)."
            )


class Autoregressive(ImplicitPolicy):
    """An implicit policy by autoregressive derivative-free optimisation (Florence et al. 2021, §B.2).

    The published loop changes the weights after every weighing of a dimension. Here all losses of the loop are of the
    same weights, and are descended together.
    """

    Config: ClassVar[type[InputConfig]] = AutoregressiveConfig

    def __init__(
        self,
        config: AutoregressiveConfig,
        spec: PolicySpec,
        frame: CanonicalFrame | None = None,
    ) -> None:
        """Make an untrained policy; see `WindowPolicy`."""
        super().__init__(config, spec, frame)
        self._own = config
        self.network = PrefixEnergies(
            config.network,
            config.late_fusion,
            config.joint,
            features=self._codec.feature_size,
            pictures=self._codec.picture_shapes,
            actions=self.action_size,
            shared_trunk=config.shared_trunk,
        )

    def loss(self, batch: Batch, generator: torch.Generator) -> tuple[Tensor, Mapping[str, Tensor]]:
        """InfoNCE of every dimension, meant over the iterations and summed over the dimensions.

        Args:
            batch: As `TensorWindows.batch` gives it.
            generator: Source of the counter-examples.

        Raises:
            TrainingDiverged: An energy is not finite; it says where that began.
        """
        batch = self._augmented(batch, generator)
        demonstrated = batch["action"][:, None]  # (B, 1, A)
        context = self.network.encode(self._prepared(batch))
        losses: list[Tensor] = []
        right: list[Tensor] = []
        gaps: list[Tensor] = []
        first = torch.zeros(len(demonstrated), dtype=torch.long, device=self.device)

        def energy(dimension: int, prefixes: Tensor) -> Tensor:
            candidates = torch.cat([demonstrated[..., : dimension + 1], prefixes], dim=1)
            energies = self.network(context, dimension, candidates)  # (B, 1 + N)
            check_finite("energy", energies, batch, self)
            losses.append(info_nce(energies, first, self._own.temperature))
            right.append((energies[:, 0] < energies[:, 1:].amin(dim=1)).float().mean().detach())
            others: Tensor = energies[:, 1:].detach()
            gaps.append(others.mean() - energies[:, 0].detach().mean())
            return others

        autoregressive.search(
            energy,
            self.box,
            SharedNoise(generator, self.device),
            self._own.autoregressive,
            rows=len(demonstrated),
            samples=self._own.counter_examples,
        )
        self._passed()
        each = torch.stack(losses).reshape(-1, self.action_size).mean(dim=0)  # (A,)
        parts = {"info_nce": each.mean(), "info_nce_worst": each.max()}
        return each.sum(), {
            **{name: part.detach() for name, part in parts.items()},
            "energy_gap": torch.stack(gaps).mean(),
            "accuracy": torch.stack(right).mean(),
        }

    def _context_of(self, inputs: Batch) -> Tensor:
        return self.network.encode(inputs)

    def _judge(self, context: Tensor, actions: Tensor) -> Tensor:
        """By the last dimension's energy or by the sum of all, as the search judges in the end."""
        first = self.action_size - 1 if self._own.autoregressive.judge == "last" else 0
        each = [
            self._weigh(context, dimension, actions[..., : dimension + 1])
            for dimension in range(first, self.action_size)
        ]
        return torch.stack(each).sum(dim=0)

    def _weigh(self, context: Tensor, dimension: int, prefixes: Tensor) -> Tensor:
        return self._checked(self.network.judge(context, dimension, prefixes))

    def _pick(self, found: Search, noise: Noise) -> Tensor:
        config = self._own.autoregressive
        return pick(found, noise, config, config.temperature)

    def _search(self, context: Tensor, noise: Noise, *, validating: bool) -> Search:
        config = self._own.autoregressive
        return autoregressive.search(
            lambda dimension, prefixes: self._weigh(context, dimension, prefixes),
            self.box,
            noise,
            config,
            rows=len(context),
            samples=config.validation_samples if validating else config.samples,
        )
