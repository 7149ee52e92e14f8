"""Units that are squared, because sums of squares are distances and differences of squares are products."""

from __future__ import annotations

import torch
from torch import Tensor


def how_many(share: float, width: int) -> int:
    """Units that are squared, of so many: at least one where there shall be any."""
    return max(round(share * width), int(share > 0))


def squared(units: Tensor, count: int) -> Tensor:
    """The units (..., W), the first `count` of them squared.

    Whether the tip has reached one of two goals is a matter of a distance, and which way it goes one of a product: a
    network of ReLUs puts them together from pieces, axis by axis (Jayakumar et al. 2020, on multiplicative interactions).
    """
    if not count:
        return units
    return torch.cat([units[..., :count].square(), units[..., count:]], dim=-1)


def gradient_before_squares(gradient: Tensor, units: Tensor, count: int) -> Tensor:
    """What a gradient with respect to `squared(units, count)`, (..., W), is with respect to `units`."""
    if not count:
        return gradient
    slopes = 2.0 * units[..., :count]
    return torch.cat([gradient[..., :count] * slopes, gradient[..., count:]], dim=-1)
