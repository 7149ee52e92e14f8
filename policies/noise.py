"""Random numbers for a batch, from one generator or from one per row.

A training batch draws from one generator. When acting, every episode has its own, so that what it does does not
depend on who shares the batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, Self

import torch
from torch import Tensor


class Noise(Protocol):
    """A source of random numbers with a leading batch axis."""

    def uniform(self, rows: int, *shape: int) -> Tensor:
        """U[0, 1), (rows, *shape)."""

    def normal(self, rows: int, *shape: int) -> Tensor:
        """N(0, 1), (rows, *shape)."""

    def part(self, rows: slice) -> Noise:
        """The source of some rows of the batch."""


class SharedNoise:
    """One generator for the whole batch."""

    def __init__(self, generator: torch.Generator, device: torch.device) -> None:
        """Draw where the generator lives, and bring the numbers to `device`."""
        self._generator = generator
        self._device = device

    def uniform(self, rows: int, *shape: int) -> Tensor:
        """As `Noise` says."""
        generator = self._generator
        drawn = torch.rand((rows, *shape), generator=generator, device=generator.device)
        return drawn.to(self._device)

    def normal(self, rows: int, *shape: int) -> Tensor:
        """As `Noise` says."""
        generator = self._generator
        drawn = torch.randn((rows, *shape), generator=generator, device=generator.device)
        return drawn.to(self._device)

    def part(self, rows: slice) -> Self:
        """As `Noise` says."""
        return self


class RowNoise:
    """One generator per row of the batch, on the CPU."""

    def __init__(self, generators: Sequence[torch.Generator], device: torch.device) -> None:
        """Row k draws from `generators[k]`, and the numbers are brought to `device`."""
        self._generators = generators
        self._device = device

    def uniform(self, rows: int, *shape: int) -> Tensor:
        """As `Noise` says."""
        drawn = torch.empty((rows, *shape))
        for row, generator in zip(drawn, self._generators, strict=True):
            row.uniform_(generator=generator)
        return drawn.to(self._device)

    def normal(self, rows: int, *shape: int) -> Tensor:
        """As `Noise` says."""
        drawn = torch.empty((rows, *shape))
        for row, generator in zip(drawn, self._generators, strict=True):
            row.normal_(generator=generator)
        return drawn.to(self._device)

    def part(self, rows: slice) -> RowNoise:
        """As `Noise` says."""
        return RowNoise(self._generators[rows], self._device)


@contextmanager
def seeded(generator: torch.Generator, device: torch.device) -> Iterator[None]:
    """Let what can only draw from torch's global generator, as dropout does, follow `generator`.

    The global generators, also that of `device`, are as before when the block ends.
    """
    seed = torch.randint(2**62, (), generator=generator, device=generator.device).item()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(int(seed))
        yield
