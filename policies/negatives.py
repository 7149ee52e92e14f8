"""Counter-examples: actions that were not demonstrated, for the energy to be raised at.

They come in groups. Each group is told apart from the demonstration by a softmax of its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from ibc_gym.checks import require_finite
from ibc_gym.errors import ConfigError

from .noise import Noise


@dataclass(frozen=True, kw_only=True)
class NegativesConfig:
    """How many counter-examples of each kind every demonstrated action gets, fresh at every step.

    None is what suits the optimiser: 16 uniform and 16 anchored ones for "dfo", 8 Langevin ones for "langevin".
    """

    uniform: int | None = None
    """Uniform in the sampling box."""
    anchored: int | None = None
    """Gaussian around a point near the demonstration; a group of their own."""
    langevin: int | None = None
    """End points of Langevin chains that began uniformly; in one group with the uniform ones."""
    dfo: int | None = None
    """Last candidates of the derivative-free optimiser; in the same group."""
    anchor_scale: tuple[float, float] = (0.02, 0.5)
    """Least and greatest deviation of the anchored ones, drawn log-uniformly [normalised action units]."""

    def __post_init__(self) -> None:
        require_finite(self)
        counts = (self.uniform, self.anchored, self.langevin, self.dfo)
        if any(count is not None and count < 0 for count in counts):
            raise ConfigError("Numbers of counter-examples must not be negative.")
        if None not in counts and not sum(filter(None, counts)):
            raise ConfigError("An energy cannot be trained without counter-examples.")
        low, high = self.anchor_scale
        if not 0 < low <= high:
            raise ConfigError(
                f"anchor_scale is {self.anchor_scale}, but must be 0 < least <= greatest."
            )

    def resolved(self, optimiser: Literal["dfo", "langevin"]) -> Counts:
        """The numbers in full."""
        suits = Counts(uniform=16, anchored=16) if optimiser == "dfo" else Counts(langevin=8)
        given = {
            name: count
            for name in ("uniform", "anchored", "langevin", "dfo")
            if (count := getattr(self, name)) is not None
        }
        return replace(suits, **given)


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Numbers of counter-examples per demonstrated action."""

    uniform: int = 0
    anchored: int = 0
    langevin: int = 0
    dfo: int = 0

    def __post_init__(self) -> None:
        if not self.uniform + self.anchored + self.langevin + self.dfo:
            raise ConfigError("An energy cannot be trained without counter-examples.")

    @property
    def pooled(self) -> int:
        """Those that share one softmax."""
        return self.uniform + self.langevin + self.dfo


def anchored(
    demonstrated: Tensor, samples: int, noise: Noise, scale: tuple[float, float]
) -> Tensor:
    """Gaussian counter-examples around an anchor that is itself a Gaussian step from the demonstration.

    Given the anchor, demonstration and counter-examples are equally likely a priori, since the Gaussian kernel is
    symmetric: so the softmax over them needs no density correction and has the same minimiser as with uniform ones.
    That holds only while they keep a softmax of their own.

    Args:
        demonstrated: (B, A), normalised.
        samples: N.
        noise: Source of random numbers for B rows.
        scale: Least and greatest deviation, drawn log-uniformly per row.

    Returns:
        (B, N, A); they may lie outside of the sampling box.
    """
    rows, size = demonstrated.shape
    low, high = (math.log(bound) for bound in scale)
    deviation = torch.exp(low + (high - low) * noise.uniform(rows, 1, 1))
    steps = noise.normal(rows, samples + 1, size)
    return demonstrated[:, None] + deviation * (steps[:, :1] + steps[:, 1:])
