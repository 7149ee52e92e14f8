"""Random patterns for the ground, the same in every simulator: soft patches, as wood or cloth have them."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np

from ibc_gym.records import Float64, UInt8

SIDE: Final = 64
"""Of a pattern [px]."""
LENGTH: Final = 1.0
"""Of a pattern on what it covers [m], about."""
SCALES: Final = (4, 8, 32)
"""Patches along each side; the coarse ones are the strongest."""
DARKEST: Final = 0.45
"""What a colour is multiplied by where the pattern is darkest; it is 1 where it is brightest."""


@lru_cache(maxsize=8)
def pattern(number: int) -> UInt8:
    """What a colour is multiplied by, (SIDE, SIDE, 3) of 255; equal numbers give equal patterns.

    At its edges a pattern goes over into itself, so that it can be laid side by side.
    """
    rng = np.random.default_rng(number)
    values = np.zeros((SIDE, SIDE, 3))
    for scale in SCALES:
        stretch = rng.integers(1, 4, 2)  # so that some are striped
        rows, columns = (max(2, scale // int(part)) for part in stretch)
        patches = rng.uniform(-1, 1, (rows, columns, 1)) + 0.25 * rng.uniform(
            -1, 1, (rows, columns, 3)
        )
        values += _enlarged(patches) / scale
    low, high = values.min(), values.max()
    shares = DARKEST + (1 - DARKEST) * (values - low) / (high - low)
    made: UInt8 = np.round(255 * shares).astype(np.uint8)
    made.setflags(write=False)
    return made


def _enlarged(patches: Float64) -> Float64:
    """The patches over SIDE x SIDE pixels, with straight lines between their middles, (SIDE, SIDE, 3)."""
    for axis in (0, 1):
        count = patches.shape[axis]
        at = np.arange(SIDE) * count / SIDE
        left = at.astype(int)
        part = (at - left).reshape([-1 if axis == side else 1 for side in range(3)])
        one, other = (np.take(patches, (left + step) % count, axis) for step in (0, 1))
        patches = np.asarray((1 - part) * one + part * other)
    return patches
