"""PyTorch's random numbers without PyTorch: the same seed gives an exported policy the same draws.

A port of what `torch.Generator` does on a CPU: the Mersenne Twister, 24 random bits a float, and Box and Muller's method for
normal numbers, from 16 on in blocks and below that one pair at a time.
"""

from __future__ import annotations

import secrets
from typing import Final

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

_BLOCK: Final = 16
"""From so many numbers on, normal ones are made in blocks."""
_PI: Final = np.float32(2 * np.pi)


class Stream:
    """What `torch.Generator().manual_seed(seed)` draws."""

    def __init__(self, seed: int | None) -> None:
        """Begin with a seed; None takes one from the system."""
        seed = secrets.randbits(32) if seed is None else seed
        self._twister = np.random.RandomState(int(seed) & 0xFFFFFFFF)._bit_generator
        self._spare: float | None = None

    def draw(self, kind: str, size: int) -> Float32:
        """As `uniform` or `normal`."""
        return self.uniform(size) if kind == "uniform" else self.normal(size)

    def uniform(self, size: int) -> Float32:
        """U[0, 1), (size,)."""
        bits = self._twister.random_raw(size) & np.uint64((1 << 24) - 1)
        return (bits.astype(np.float32) * np.float32(2.0**-24)).astype(np.float32)

    def normal(self, size: int) -> Float32:
        """N(0, 1), (size,)."""
        if size < _BLOCK:
            return np.array([self._one() for _ in range(size)], np.float32)
        drawn = self.uniform(size)
        whole = size - size % _BLOCK
        drawn[:whole] = _blocks(drawn[:whole])
        if size % _BLOCK:
            drawn[-_BLOCK:] = _blocks(self.uniform(_BLOCK))
        return drawn

    def _one(self) -> float:
        """A number of a pair, whose other one is kept for the next call."""
        if self._spare is not None:
            spare, self._spare = self._spare, None
            return spare
        angle, share = self._doubles(2)
        radius, turn = np.sqrt(-2 * np.log1p(-share)), 2 * np.pi * angle
        self._spare = float(radius * np.sin(turn))
        return float(radius * np.cos(turn))

    def _doubles(self, size: int) -> NDArray[np.float64]:
        halves = self._twister.random_raw(2 * size).reshape(size, 2)
        bits = (halves[:, 0] << np.uint64(32)) | halves[:, 1]
        return (bits & np.uint64((1 << 53) - 1)).astype(np.float64) * 2.0**-53


def _blocks(uniform: Float32) -> Float32:
    """Normal numbers of uniform ones, in blocks of which each first half gives the radii and each second the angles."""
    halves = uniform.reshape(-1, 2, _BLOCK // 2)
    radius = np.sqrt(np.float32(-2) * np.log(np.float32(1) - halves[:, 0]))
    turn = _PI * halves[:, 1]
    return np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=1).reshape(-1)
