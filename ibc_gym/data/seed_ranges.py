"""Seeds as ranges: thousands of them are a few numbers, and it is soon said which of others are among them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Ranges = tuple[tuple[int, int], ...]
"""First and last of every run of seeds without a gap, in order."""


def as_ranges(seeds: Iterable[int]) -> Ranges:
    """What seeds there are, each counted once."""
    found: list[tuple[int, int]] = []
    for seed in sorted(set(seeds)):
        if found and seed == found[-1][1] + 1:
            found[-1] = (found[-1][0], seed)
        else:
            found.append((seed, seed))
    return tuple(found)


def count_within(seeds: Iterable[int], ranges: Iterable[Sequence[int]]) -> int:
    """How many of the seeds lie in one of the ranges."""
    bounds = [(first, last) for first, last in ranges]
    return sum(any(first <= seed <= last for first, last in bounds) for seed in seeds)
