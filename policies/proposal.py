"""A learned density of actions: where counter-examples are drawn, and where a search may begin.

Counter-examples of a known density can be told from demonstrations without bias (`losses.ranking_nce`), however near to
them they lie. The density is trained beside the energy, by maximum likelihood, and not against it (Singh, Tu and
Sindhwani 2023).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ibc_gym.checks import require_finite
from ibc_gym.errors import ConfigError

from .mixture import Mixture
from .networks.observation import DenseTrunk
from .noise import Noise
from .optimisers.box import Box, gather, resample

_LEAST_SCALE = 0.01
"""Least deviation of a component [normalised action units]: a spike would draw the demonstrations themselves."""
_LEAST_WIDTH = 1e-12
"""Least width of the box that a logarithm is taken of."""


@dataclass(frozen=True, kw_only=True)
class ProposalConfig:
    """A mixture of normal densities whose numbers follow from the observation, and a share that is uniform."""

    components: int = 8
    """Normal densities with independent dimensions."""
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
        if self.components < 1 or self.width < 1:
            raise ConfigError("A proposal needs at least 1 component and 1 unit per layer.")
        if self.depth < 0 or self.depth % 2:
            raise ConfigError(f"depth is {self.depth}, but residual blocks have 2 layers each.")
        if not 0 <= self.uniform_share < 1:
            raise ConfigError(f"uniform_share is {self.uniform_share}, but must be in [0, 1).")


@dataclass(frozen=True, eq=False)
class Density:
    """A density of actions per observation."""

    normals: Mixture
    """B mixtures of normal densities."""
    box: Box
    """Where the uniform part lies."""
    uniform_share: float
    """Weight of the uniform part."""

    def log_density(self, actions: Tensor) -> Tensor:
        """Logarithm of the density of actions (B, N, A), (B, N)."""
        rows, samples, _ = actions.shape
        each = Mixture(
            log_weights=self.normals.log_weights.repeat_interleave(samples, dim=0),
            means=self.normals.means.repeat_interleave(samples, dim=0),
            log_scales=self.normals.log_scales.repeat_interleave(samples, dim=0),
        )
        normal = each.log_density(actions.flatten(0, 1)).reshape(rows, samples)
        if not self.uniform_share:
            return normal
        low, high = self.box.low, self.box.high
        inside = ((actions >= low) & (actions <= high)).all(dim=-1)
        even = math.log(self.uniform_share) - (high - low).clamp_min(_LEAST_WIDTH).log().sum()
        uniform = torch.where(inside, even, torch.full_like(normal, -torch.inf))
        return torch.logaddexp(normal + math.log1p(-self.uniform_share), uniform)

    def sample(self, noise: Noise, samples: int) -> Tensor:
        """Draws (B, samples, A), without a gradient; they may lie outside of the box."""
        with torch.no_grad():
            rows, _, size = self.normals.means.shape
            chosen = resample(self.normals.log_weights.exp(), noise.uniform(rows, samples))
            means = gather(self.normals.means, chosen)
            scales = gather(self.normals.log_scales, chosen).exp()
            drawn = means + scales * noise.normal(rows, samples, size)
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
        self.head = nn.Linear(self.trunk.outputs, config.components * (1 + 2 * actions))

    def forward(self, encoded: Tensor, box: Box) -> Density:
        """The density of actions, in the box and around it."""
        outputs = self.head(self.trunk(encoded))
        normals = Mixture.of(outputs, self._components, scale_floor=_LEAST_SCALE)
        return Density(normals, box, self._uniform_share)
