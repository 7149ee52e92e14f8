"""A mixture of Gaussians with diagonal covariance: its density, its draws, its peaks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor

from .noise import Noise

_LOG_TWO_PI = math.log(2 * math.pi)
_WIDEST = 20.0
"""Largest logarithm of a standard deviation: far from all data a network may say one that no number holds."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Mixture:
    """B mixtures of C components over A dimensions."""

    log_weights: Tensor
    """Logarithms of the components' shares, which sum to 1, (B, C)."""
    means: Tensor
    """(B, C, A)"""
    log_scales: Tensor
    """Logarithms of the standard deviations, (B, C, A)."""

    @classmethod
    def of(
        cls,
        outputs: Tensor,
        components: int,
        *,
        temperature: float = 1.0,
        scale_floor: float = 0.0,
        scale_exponent: float = 1.0,
    ) -> Self:
        """From what a network says: the means of all components, their log scales, their logits.

        Args:
            outputs: (B, C (2 A + 1)).
            components: C.
            temperature: What the logits are divided by.
            scale_floor: Least standard deviation, approached smoothly so that no gradient is cut off; 0 for none.
            scale_exponent: Power that the standard deviations are raised to.
        """
        outputs = outputs.float()  # a density in half precision would lose its tails
        size = (outputs.shape[1] // components - 1) // 2
        means, log_scales, logits = outputs.split(
            [components * size, components * size, components], dim=1
        )
        if scale_floor:
            floor = torch.full_like(log_scales, 2 * math.log(scale_floor))
            log_scales = 0.5 * torch.logaddexp(2 * log_scales, floor)
        return cls(
            log_weights=F.log_softmax(logits / temperature, dim=1),
            means=means.unflatten(1, (components, size)),
            log_scales=(scale_exponent * log_scales)
            .clamp_max(_WIDEST)
            .unflatten(1, (components, size)),
        )

    def detached(self) -> Self:
        """The same, through which no gradient passes."""
        parts = (self.log_weights, self.means, self.log_scales)
        log_weights, means, log_scales = (part.detach() for part in parts)
        return type(self)(log_weights=log_weights, means=means, log_scales=log_scales)

    def log_density(self, actions: Tensor) -> Tensor:
        """Log density of one action per mixture (B, A), (B,)."""
        return self.log_densities(actions[:, None])[:, 0]

    def log_densities(self, actions: Tensor) -> Tensor:
        """Log densities of several actions per mixture (B, N, A), (B, N)."""
        scales = self.log_scales[:, None]  # (B, 1, C, A)
        away = (actions[:, :, None] - self.means[:, None]) * torch.exp(-scales)
        inside = -0.5 * (away.square() + _LOG_TWO_PI) - scales  # (B, N, C, A)
        return torch.logsumexp(self.log_weights[:, None] + inside.sum(dim=3), dim=2)

    def sample(self, noise: Noise) -> Tensor:
        """One draw from each mixture, (B, A)."""
        rows, _, size = self.means.shape
        summed = self.log_weights.exp().cumsum(dim=1)
        threshold = noise.uniform(rows, 1) * summed[:, -1:]
        component = torch.searchsorted(summed, threshold, right=True)
        component = component.clamp_max(summed.shape[1] - 1)[:, 0]
        step = noise.normal(rows, size)
        return self._of(component, self.means) + step * self._of(component, self.log_scales).exp()

    def most_probable(self) -> Tensor:
        """The mean of the component with the greatest share, (B, A)."""
        return self._of(self.log_weights.argmax(dim=1), self.means)

    def densest(self) -> Tensor:
        """The mean of the component that is highest there, so that narrow ones count more, (B, A)."""
        height = self.log_weights - self.log_scales.sum(dim=2)
        return self._of(height.argmax(dim=1), self.means)

    def variance(self) -> Tensor:
        """Of every dimension, within the components and between them, (B, A)."""
        shares = self.log_weights.exp()[..., None]
        mean = (shares * self.means).sum(dim=1, keepdim=True)
        within = (2 * self.log_scales).exp()
        return (shares * (within + (self.means - mean).square())).sum(dim=1)

    def entropy(self) -> Tensor:
        """Of the components' shares, (B,): 0 where one has it all."""
        return -(self.log_weights.exp() * self.log_weights).sum(dim=1)

    @staticmethod
    def _of(component: Tensor, values: Tensor) -> Tensor:
        """Values (B, A) of one component (B,) each, out of (B, C, A)."""
        index = component[:, None, None].expand(-1, 1, values.shape[2])
        return values.gather(1, index)[:, 0]
