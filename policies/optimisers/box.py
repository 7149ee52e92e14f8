"""The box that actions are sampled in, and what an optimiser finds there."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..noise import Noise


@dataclass(frozen=True, eq=False)
class Box:
    """Normalised bounds of actions."""

    low: Tensor
    """(A,)"""
    high: Tensor
    """(A,)"""

    def sample(self, noise: Noise, rows: int, samples: int) -> Tensor:
        """Uniform actions, (rows, samples, A)."""
        unit = noise.uniform(rows, samples, len(self.low))
        return self.low + unit * (self.high - self.low)

    def clip(self, actions: Tensor) -> Tensor:
        """The nearest actions (..., A) inside."""
        return torch.clamp(actions, self.low, self.high)


@dataclass(frozen=True, eq=False)
class Search:
    """The last candidates of an optimiser."""

    candidates: Tensor
    """(B, N, A)"""
    energies: Tensor
    """(B, N)"""

    def least(self) -> Tensor:
        """The least energetic candidate of every row, (B, A)."""
        return _pick(self.candidates, self.energies.argmin(dim=1))

    def draw(self, noise: Noise, temperature: float, within: float = 0.0) -> Tensor:
        """One candidate of every row by its Boltzmann weight, (B, A).

        Args:
            noise: What it is drawn by.
            temperature: Of the weights.
            within: Distance from the drawn one [normalised action units] in which the least energetic is taken in its place:
                chance says which of several modes, and the energy which action of it.
        """
        rows = len(self.energies)
        weights = torch.softmax(-self.energies / temperature, dim=1)
        drawn = _pick(self.candidates, resample(weights, noise.uniform(rows, 1))[:, 0])
        if not within:
            return drawn
        apart = (self.candidates - drawn[:, None]).square().sum(dim=2)  # (B, N)
        near = self.energies.masked_fill(apart > within**2, math.inf)
        return _pick(self.candidates, near.argmin(dim=1))


def resample(weights: Tensor, uniform: Tensor) -> Tensor:
    """Indices (B, M) drawn with replacement by weights (B, N), from uniform numbers (B, M)."""
    cumulative = weights.cumsum(dim=1)
    # Scaled by the sum that was reached, so that rounding cannot lead past the end.
    drawn = torch.searchsorted(cumulative, uniform * cumulative[:, -1:], right=True)
    return drawn.clamp_(max=weights.shape[1] - 1)


def gather(candidates: Tensor, chosen: Tensor) -> Tensor:
    """Candidates (B, M, A) at the indices (B, M), of candidates (B, N, A)."""
    return candidates.gather(1, chosen[..., None].expand(-1, -1, candidates.shape[-1]))


def _pick(candidates: Tensor, column: Tensor) -> Tensor:
    return candidates[torch.arange(len(candidates), device=candidates.device), column]
