"""Pictures at the size that a network sees, resized as in training, to the last bit, without PyTorch."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

UInt8 = NDArray[np.uint8]

_BITS = 15
"""Weights are kept as whole numbers of at most so many bits."""


def resize(frames: UInt8, size: tuple[int, int]) -> UInt8:
    """Pictures (F, H, W, C) as (F, h, w, C), bilinear and antialiased as `torch.nn.functional.interpolate` does it.

    First along the rows and then along the columns, each with whole-number weights and rounded to uint8.
    """
    height, width = frames.shape[1:3]
    if width != size[1]:
        frames = np.moveaxis(_along_last(np.moveaxis(frames, 2, -1), size[1]), -1, 2)
    if height != size[0]:
        frames = np.moveaxis(_along_last(np.moveaxis(frames, 1, -1), size[0]), -1, 1)
    return np.ascontiguousarray(frames)


def _along_last(values: UInt8, size: int) -> UInt8:
    weights, bits = _weights(values.shape[-1], size)
    # Sums of whole numbers this small are exact in double precision, which has fast products.
    summed = values.astype(np.float64) @ weights + 2.0 ** (bits - 1)
    return np.clip(np.floor(summed / 2.0**bits), 0, 255).astype(np.uint8)


@cache
def _weights(before: int, after: int) -> tuple[NDArray[np.float64], int]:
    """What every pixel (before,) counts for each of the new ones (after,), times 2 ** bits."""
    scale = before / after
    support = max(scale, 1.0)
    shares = np.zeros((before, after))
    for pixel in range(after):
        center = scale * (pixel + 0.5)
        first = max(int(center - support + 0.5), 0)
        last = min(int(center + support + 0.5), before)
        near = np.arange(first, last)
        own = np.maximum(0.0, 1.0 - np.abs((near - center + 0.5) / support))
        shares[first:last, pixel] = own / own.sum()
    bits = 0
    while bits < 22 and int(0.5 + shares.max() * (1 << (bits + 1))) < (1 << _BITS):
        bits += 1
    return np.floor(shares * (1 << bits) + 0.5), bits
