"""A learned density of actions: where counter-examples are drawn, and where a search may begin.

Counter-examples of a known density can be told from demonstrations without bias (`losses.ranking_nce`), however near to
them they lie. The density is trained beside the energy, by maximum likelihood, and not against it (Singh, Tu and
Sindhwani 2023).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from ibc_gym.checks import owner, require_at_least, require_finite
from ibc_gym.errors import ConfigError

from .flow import LEAST_SHARE, AutoregressiveSplines, Flow
from .mixture import Mixture
from .networks.observation import DenseTrunk
from .noise import Noise
from .optimisers.box import Box, gather, resample

_LEAST_SCALE = 0.01
"""Least deviation of a component [normalised action units]: a spike would draw the demonstrations themselves."""


@dataclass(frozen=True, kw_only=True)
class ProposalConfig:
    """A density whose numbers follow from the observation, and a share that is uniform."""

    kind: Literal["mixture", "flow"] = "mixture"
    """A mixture of normal densities with independent dimensions, or an autoregressive flow of splines in the box."""
    components: int = 8
    """Normal densities of a mixture."""
    pieces: int = 16
    """Of each spline of a flow."""
    width: int = 128
    """Units per layer of the network that gives their numbers."""
    depth: int = 2
    """Dense layers inside its residual blocks."""
    uniform_share: float = 0.1
    """Part of the density that is uniform in the sampling box, so that it is positive wherever an action may lie."""
    starts: bool = False
    """Whether a search begins at draws from the proposal instead of uniform ones."""

    def __post_init__(self) -> None:
        require_finite(self)
        require_at_least(self, 1, "components", "width")
        if not 2 <= self.pieces < 1 / LEAST_SHARE:
            raise ConfigError(
                f"{owner(self)}.pieces is {self.pieces}, but must be at least 2 and less than {1 / LEAST_SHARE:.0f}."
            )
        if self.depth < 0 or self.depth % 2:
            raise ConfigError(
                f"{owner(self)}.depth is {self.depth}, but residual blocks have 2 layers each."
            )
        if not 0 <= self.uniform_share < 1:
            raise ConfigError(
                f"{owner(self)}.uniform_share is {self.uniform_share}, but must be in [0, 1)."
            )


class Learned(Protocol):
    """The part of a density that is learned."""

    def log_density(self, actions: Tensor) -> Tensor:
        """Logarithm of the density of actions (B, N, A), (B, N)."""

    def sample(self, noise: Noise, samples: int) -> Tensor:
        """Draws (B, samples, A)."""


@dataclass(frozen=True, eq=False)
class Normals:
    """Mixtures of normal densities; they reach beyond the box."""

    mixture: Mixture
    """One per observation, B."""

    def log_density(self, actions: Tensor) -> Tensor:
        """As `Learned` says."""
        rows, samples, _ = actions.shape
        each = Mixture(
            log_weights=self.mixture.log_weights.repeat_interleave(samples, dim=0),
            means=self.mixture.means.repeat_interleave(samples, dim=0),
            log_scales=self.mixture.log_scales.repeat_interleave(samples, dim=0),
        )
        return each.log_density(actions.flatten(0, 1)).reshape(rows, samples)

    def sample(self, noise: Noise, samples: int) -> Tensor:
        """As `Learned` says."""
        rows, _, size = self.mixture.means.shape
        chosen = resample(self.mixture.log_weights.exp(), noise.uniform(rows, samples))
        means = gather(self.mixture.means, chosen)
        scales = gather(self.mixture.log_scales, chosen).exp()
        return means + scales * noise.normal(rows, samples, size)


@dataclass(frozen=True, eq=False)
class Density:
    """A density of actions per observation."""

    learned: Learned
    """What is not uniform of it."""
    box: Box
    """Where the uniform part lies."""
    uniform_share: float
    """Weight of the uniform part."""

    def log_density(self, actions: Tensor) -> Tensor:
        """Logarithm of the density of actions (B, N, A), (B, N)."""
        learned = self.learned.log_density(actions)
        if not self.uniform_share:
            return learned
        low, high = self.box.low, self.box.high
        # Along a constant dimension the box is as wide as a component at least: a wall would have all of the density.
        slack = (_LEAST_SCALE - (high - low)).clamp_min(0) / 2
        inside = ((actions >= low - slack) & (actions <= high + slack)).all(dim=-1)
        even = math.log(self.uniform_share) - (high - low).clamp_min(_LEAST_SCALE).log().sum()
        uniform = torch.where(inside, even, torch.full_like(learned, -torch.inf))
        return torch.logaddexp(learned + math.log1p(-self.uniform_share), uniform)

    def sample(self, noise: Noise, samples: int) -> Tensor:
        """Draws (B, samples, A), without a gradient; those of a mixture may lie outside of the box."""
        with torch.no_grad():
            drawn = self.learned.sample(noise, samples)
            rows = len(drawn)
            even = noise.uniform(rows, samples, 1) < self.uniform_share
            return torch.where(even, self.box.sample(noise, rows, samples), drawn)


class Proposal(nn.Module):
    """The network that gives the density of an encoded observation."""

    def __init__(self, config: ProposalConfig, inputs: int, actions: int) -> None:
        """Make the layers, for encoded observations (B, inputs) and actions of that many dimensions."""
        super().__init__()
        self._components = config.components
        self._uniform_share = config.uniform_share
        self.trunk = DenseTrunk(
            inputs, width=config.width, depth=config.depth, initialisation="default"
        )
        self.head: nn.Module = (
            nn.Linear(self.trunk.outputs, config.components * (1 + 2 * actions))
            if config.kind == "mixture"
            else AutoregressiveSplines(
                self.trunk.outputs, actions, width=config.width, pieces=config.pieces
            )
        )

    def forward(self, encoded: Tensor, box: Box) -> Density:
        """The density of actions, in the box and around it."""
        features = self.trunk(encoded)
        learned: Learned
        if isinstance(self.head, AutoregressiveSplines):
            learned = Flow(self.head, self.head.hidden(features), box)
        else:
            outputs = self.head(features)
            learned = Normals(Mixture.of(outputs, self._components, scale_floor=_LEAST_SCALE))
        return Density(learned, box, self._uniform_share)
