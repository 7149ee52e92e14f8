"""Pictures whose pixels come from anywhere in another picture of the same size: how a bent one is made straight."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ibc_gym.records import Float32, Float64, UInt8

MESH: Final = 8
"""Where a pixel comes from is asked for every eighth, each way; between them it is a straight line [px]."""

WHOLE: Final = 256
"""What the shares of the four pixels make in all, so that a mixture of bytes is a number of 16 bits."""

Where = Callable[[float, float], Sequence[float]]
"""From a pixel's place (u, v) in the new picture to that in the old one, counted from the middle of the first pixel [px]."""


class Remap:
    """One such change of pictures; what would come from outside of the old picture is as its edge."""

    def __init__(self, width: int, height: int, where: Where) -> None:
        """Find out where every pixel comes from.

        Args:
            width: Of both pictures [px].
            height: Of both [px].
            where: Says it for one pixel.
        """
        right, down = _everywhere(width, height, where)  # (H, W) each
        right, down = right.clip(0, width - 1), down.clip(0, height - 1)
        self._nearest = (np.rint(down) * width + np.rint(right)).astype(np.intp)
        u = np.minimum(right.astype(np.intp), width - 2)
        v = np.minimum(down.astype(np.intp), height - 2)
        across, along = right - u, down - v
        first = (v * width + u).ravel()
        here, beside, below = (
            _share(part)
            for part in ((1 - across) * (1 - along), across * (1 - along), (1 - across) * along)
        )
        self._corners = (
            (first, here),
            (first + 1, beside),
            (first + width, below),
            (first + width + 1, WHOLE - here - beside - below),
        )

    def colour(self, image: UInt8) -> UInt8:
        """Colours, mixed from the four pixels around, (H, W, 3)."""
        height, width, _ = image.shape
        # Four bytes a pixel are taken at once, and whole numbers are mixed: a third of the time that fractions take.
        padded: UInt8 = np.zeros((height, width, 4), np.uint8)
        padded[..., :3] = image
        words = padded.view(np.uint32).ravel()
        mixed = np.full(4 * height * width, WHOLE // 2, np.uint16)
        for index, share in self._corners:
            part = words.take(index).view(np.uint8).astype(np.uint16)
            part *= share
            mixed += part
        changed: UInt8 = (mixed // WHOLE).astype(np.uint8).reshape(height, width, 4)
        return np.ascontiguousarray(changed[..., :3])

    def depth(self, depth: Float32) -> Float32:
        """Distances, of the nearest pixel: there is nothing between a thing and what is behind it, (H, W)."""
        changed: Float32 = depth.ravel()[self._nearest]
        return changed


def _share(shares: Float64) -> NDArray[np.uint16]:
    """Of a corner in every byte of every pixel, in parts of `WHOLE`."""
    return np.repeat(np.floor(shares.ravel() * WHOLE), 4).astype(np.uint16)


def _everywhere(width: int, height: int, where: Where) -> tuple[Float64, Float64]:
    """Where every pixel comes from, (H, W) each, from where those of a mesh do."""
    columns = np.unique([*range(0, width, MESH), width - 1])
    rows = np.unique([*range(0, height, MESH), height - 1])
    mesh = np.array([[where(float(u), float(v)) for u in columns] for v in rows])  # (R, C, 2)
    every_column, every_row = np.arange(width), np.arange(height)
    wide = np.array(
        [[np.interp(every_column, columns, row[:, axis]) for row in mesh] for axis in (0, 1)]
    )  # (2, R, W)
    found = np.array([[np.interp(every_row, rows, line) for line in part.T] for part in wide])
    right, down = found.transpose(0, 2, 1)
    return right, down
