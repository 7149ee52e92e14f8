"""Seeds as ranges hold the seeds that were given, and no other."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ibc_gym.data.seed_ranges import as_ranges, count_within

SEEDS = st.lists(st.integers(0, 60), max_size=40)


@given(seeds=SEEDS, asked=SEEDS)
def test_ranges_hold_the_seeds_and_no_other(seeds: list[int], asked: list[int]) -> None:
    ranges = as_ranges(seeds)
    assert {seed for first, last in ranges for seed in range(first, last + 1)} == set(seeds)
    assert all(before[1] + 1 < after[0] for before, after in pairwise(ranges))
    assert count_within(asked, ranges) == sum(seed in seeds for seed in asked)
