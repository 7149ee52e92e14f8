"""Monotone maps of the unit interval onto itself, made of rational quadratic pieces (Durkan et al. 2019).

A map and its inverse are both in closed form, and so is its slope. A network says where the knots lie.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

_LEAST_SLOPE = 1e-3
"""Least slope at a knot."""


@dataclass(frozen=True, eq=False)
class Spline:
    """Maps of [0, 1], one per element of the leading axes (...), of K pieces each."""

    x: Tensor
    """Knots in the argument, from 0 to 1, (..., K + 1)."""
    y: Tensor
    """Knots in the value, from 0 to 1, (..., K + 1)."""
    slopes: Tensor
    """At the knots, positive, (..., K + 1)."""

    @classmethod
    def of(cls, outputs: Tensor, *, least: float) -> Self:
        """From what a network says; zeros are the identity.

        Args:
            outputs: Widths, heights and slopes before they are made positive, (..., 3 K + 1).
            least: Least width and least height of a piece, and the reciprocal of the greatest slope at a knot; K of
                them must be less than 1.
        """
        pieces = outputs.shape[-1] // 3
        widths, heights, logits = outputs.float().split([pieces, pieces, pieces + 1], dim=-1)
        share = (1 - _LEAST_SLOPE) * least  # of the greatest slope, which makes a slope of 1
        one = math.log(share / (1 - share))
        slopes = _LEAST_SLOPE + torch.sigmoid(logits + one) / least
        return cls(_knots(widths, least), _knots(heights, least), slopes)

    @staticmethod
    def numbers(pieces: int) -> int:
        """How many numbers say a map of that many pieces."""
        return 3 * pieces + 1

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Values and the logarithm of the slope at arguments (...) in [0, 1]."""
        piece = _piece(self.x, x)
        left, width, bottom, height, before, after = self._ends(piece)
        mean = height / width
        at = ((x - left) / width).clamp(0, 1)
        bend = at * (1 - at)
        below = mean + (before + after - 2 * mean) * bend
        value = bottom + height * (mean * at.square() + before * bend) / below
        rise = after * at.square() + 2 * mean * bend + before * (1 - at).square()
        return value, 2 * mean.log() + rise.log() - 2 * below.log()

    def inverse(self, y: Tensor) -> Tensor:
        """Arguments whose values are (...), in [0, 1]."""
        piece = _piece(self.y, y)
        left, width, bottom, height, before, after = self._ends(piece)
        mean = height / width
        above = (y - bottom).clamp_min(0).minimum(height)
        curve = above * (before + after - 2 * mean)
        a = height * (mean - before) + curve
        b = height * before - curve
        c = -mean * above
        # The root that does not cancel: 2 c / (-b - sqrt(b² - 4 a c)).
        at = 2 * c / (-b - (b.square() - 4 * a * c).clamp_min(0).sqrt())
        return left + width * at.clamp(0, 1)

    def _ends(self, piece: Tensor) -> tuple[Tensor, ...]:
        """Of the pieces (...): left end, width, bottom, height, and the slopes at both ends."""
        here, there = piece[..., None], piece[..., None] + 1

        def at(knots: Tensor, index: Tensor) -> Tensor:
            return knots.gather(-1, index)[..., 0]

        left, bottom = at(self.x, here), at(self.y, here)
        width, height = at(self.x, there) - left, at(self.y, there) - bottom
        return left, width, bottom, height, at(self.slopes, here), at(self.slopes, there)


def _knots(outputs: Tensor, least: float) -> Tensor:
    """Ends of pieces that share out [0, 1], (..., K + 1), of K numbers each."""
    pieces = outputs.shape[-1]
    shares = least + (1 - least * pieces) * torch.softmax(outputs, dim=-1)
    inner = shares[..., :-1].cumsum(dim=-1)
    ends = torch.zeros_like(outputs[..., :1])
    return torch.cat([ends, inner, ends + 1], dim=-1)


def _piece(knots: Tensor, values: Tensor) -> Tensor:
    """In which piece each value (...) lies, in [0, K)."""
    inner = knots[..., 1:-1].detach()
    return (values.detach()[..., None] >= inner).sum(dim=-1)
