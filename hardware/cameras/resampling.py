"""Pictures of another size: whole blocks of pixels, or windows whose edges lie anywhere between them.

Colours are averaged by how much of each pixel lies in a window; a window that is narrower than a pixel takes the straight line
between the two pixels that its middle lies between. Depth is never averaged, because between a thing and what is behind it there
is nothing: it is that of the one pixel in the window, of those where any is measured, which is nearest to the middle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from ibc_gym.records import Float32, Int64, UInt8

SLIVER: Final = 1e-6
"""Of a window, that is none: a pixel that only rounding has in it."""


class Resampling(Protocol):
    """Makes pictures of one size out of those of another."""

    def colour(self, image: UInt8) -> UInt8:
        """A picture, (H, W, 3) to (H', W', 3)."""

    def depth(self, depth: Float32) -> Float32:
        """Distances, (H, W) to (H', W') [m]; 0 where nothing is measured."""


@dataclass(frozen=True)
class Blocks:
    """A whole number of times smaller, nothing cut off."""

    factor: int

    def colour(self, image: UInt8) -> UInt8:
        """As `Resampling.colour`."""
        if self.factor == 1:
            return image
        return _rounded(self._blocks(image).astype(np.float32).mean(axis=(1, 3)))

    def depth(self, depth: Float32) -> Float32:
        """As `Resampling.depth`."""
        if self.factor == 1:
            return depth
        down, right = (taps(size, 0.0, self.factor, size // self.factor) for size in depth.shape)
        return Windows(down, right).depth(depth)

    def _blocks(self, pixels: NDArray[Any]) -> NDArray[Any]:
        height, width, channels = pixels.shape
        n = self.factor
        return pixels.reshape(height // n, n, width // n, n, channels)


class Windows:
    """Any rectangle of a picture, in any size."""

    def __init__(self, down: Taps, right: Taps) -> None:
        """Which rows and which columns go into each new one."""
        self._down, self._right = down, right

    def colour(self, image: UInt8) -> UInt8:
        """As `Resampling.colour`."""
        return _rounded(self._seen_through(image.astype(np.float32)))

    def depth(self, depth: Float32) -> Float32:
        """As `Resampling.depth`."""
        down, right = self._down, self._right
        found = np.zeros((len(down.index), len(right.index)), np.float32)
        nearest = np.full(found.shape, np.inf, np.float32)
        for row, low in zip(down.index.T, down.away.T, strict=True):
            for column, aside in zip(right.index.T, right.away.T, strict=True):
                there = depth[row[:, None], column]
                away = low[:, None] ** 2 + aside**2
                nearer = (there > 0) & (away < nearest)
                found[nearer], nearest[nearer] = there[nearer], away[nearer]
        return found

    def _seen_through(self, pixels: Float32) -> Float32:
        rows = self._down.mixed(pixels)
        return self._right.mixed(rows.swapaxes(0, 1)).swapaxes(0, 1)


@dataclass(frozen=True, eq=False)
class Taps:
    """Which pixels along one axis go into each new one, and how much of each."""

    index: Int64
    """(N, K)"""
    share: Float32
    """(N, K), of each row 1 in all."""
    away: Float32
    """(N, K), from the pixel's middle to the window's; infinite where nothing of the pixel lies in it [px]."""

    def mixed(self, pixels: Float32) -> Float32:
        """New ones along the first axis, (M, ...) to (N, ...)."""
        shape = (-1, *[1] * (pixels.ndim - 1))
        mixed = pixels[self.index[:, 0]] * self.share[:, 0].reshape(shape)
        for tap in range(1, self.index.shape[1]):
            mixed += pixels[self.index[:, tap]] * self.share[:, tap].reshape(shape)
        return mixed


def taps(size: int, start: float, step: float, count: int) -> Taps:
    """Windows side by side along one axis.

    Args:
        size: Pixels along the axis.
        start: Where the first window begins, from the edge of the picture [px]; what lies outside counts for nothing.
        step: Width of a window [px].
        count: How many.
    """
    width = max(step, 1.0)
    begins = np.asarray(start + (step - width) / 2 + step * np.arange(count), dtype=np.float64)
    first = np.floor(begins).astype(np.int64)
    reach = int(np.ceil(width)) + 1
    index = first[:, None] + np.arange(reach)  # (N, K)
    inside = np.minimum(index + 1, (begins + width)[:, None]) - np.maximum(index, begins[:, None])
    share = np.where((index >= 0) & (index < size), np.maximum(inside, 0.0), 0.0)
    share /= share.sum(axis=1, keepdims=True)
    away = np.abs(index + 0.5 - (begins + width / 2)[:, None])
    away[share < SLIVER] = np.inf
    return Taps(np.clip(index, 0, size - 1), share.astype(np.float32), away.astype(np.float32))


def _rounded(image: Float32) -> UInt8:
    rounded: UInt8 = np.rint(image).astype(np.uint8)
    return rounded
