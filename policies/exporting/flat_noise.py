"""Random numbers as an input of a graph: first it is counted what a policy draws, then it is handed in."""

from __future__ import annotations

from math import prod
from typing import Literal, Self

import torch
from torch import Tensor

Draw = tuple[Literal["uniform", "normal"], int]
"""What is drawn at once for one row, and how many numbers."""


class CountingNoise:
    """Draws for one row, and keeps what was drawn."""

    def __init__(self) -> None:
        self.draws: list[Draw] = []
        """In their order."""
        self._generator = torch.Generator().manual_seed(0)

    def uniform(self, rows: int, *shape: int) -> Tensor:
        """As `Noise` says."""
        self.draws.append(("uniform", prod(shape)))
        return torch.rand((rows, *shape), generator=self._generator)

    def normal(self, rows: int, *shape: int) -> Tensor:
        """As `Noise` says."""
        self.draws.append(("normal", prod(shape)))
        return torch.randn((rows, *shape), generator=self._generator)

    def part(self, rows: slice) -> Self:
        """As `Noise` says; of one row there is one part."""
        return self


class FlatNoise:
    """For one row, numbers that were drawn before: one array per kind, used up from its beginning."""

    def __init__(self, uniform: Tensor, normal: Tensor) -> None:
        self._left = {"uniform": uniform, "normal": normal}

    def uniform(self, rows: int, *shape: int) -> Tensor:
        """As `Noise` says."""
        return self._take("uniform", rows, *shape)

    def normal(self, rows: int, *shape: int) -> Tensor:
        """As `Noise` says."""
        return self._take("normal", rows, *shape)

    def normals(self, count: int, *shape: int) -> Tensor:
        """As many draws of `normal`, stacked, (count, *shape)."""
        return self._take("normal", count, *shape)

    def part(self, rows: slice) -> Self:
        """As `Noise` says; of one row there is one part."""
        return self

    def _take(self, kind: str, *shape: int) -> Tensor:
        size = prod(shape)
        taken, self._left[kind] = self._left[kind][:size], self._left[kind][size:]
        return taken.reshape(shape)
