"""The sorting task: what is drawn and seen, and that every block counts for an eighth in the fixture of its colour."""

from __future__ import annotations

from itertools import combinations
from math import hypot

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tabletop_toys import table

from ibc_gym.envs.tasks.sort import BLOCKS, BLUE_BLOCKS, POCKETS, YELLOW_BLOCKS, Sort
from ibc_gym.records import Progress

TASK = Sort()
LEFT, RIGHT = (pocket.centre for pocket in POCKETS)
Places = dict[str, tuple[float, float]]


def sorted_places() -> Places:
    places = {block: (LEFT[0] - 0.09 + 0.06 * i, LEFT[1]) for i, block in enumerate(BLUE_BLOCKS)}
    return places | {
        block: (RIGHT[0] - 0.09 + 0.06 * i, RIGHT[1]) for i, block in enumerate(YELLOW_BLOCKS)
    }


def seen(places: Places) -> Progress:
    return TASK.measure(table(**places), None)


@given(st.integers(0, 2**32 - 1))
def test_blocks_begin_in_the_middle_and_apart(seed: int) -> None:
    start = TASK.sample(np.random.default_rng(seed)).layout
    assert set(start) == set(BLOCKS)
    places = [start[block].position for block in BLOCKS]
    assert all(abs(x - 0.375) <= 0.15 and abs(y) <= 0.13 for x, y, _ in places)
    assert min(hypot(a[0] - b[0], a[1] - b[1]) for a, b in combinations(places, 2)) > 0.075


def test_state_has_26_numbers() -> None:
    assert TASK.feature_spaces["state"].shape == (26,)


@given(st.sets(st.sampled_from(BLOCKS)))
def test_every_block_in_its_fixture_is_an_eighth_of_the_score(missing: set[str]) -> None:
    places = sorted_places() | dict.fromkeys(missing, (0.375, 0.0))
    progress = seen(places)
    assert TASK.reward(progress) == progress["score"] == 1 - len(missing) / 8
    assert TASK.success(progress) is TASK.terminated(progress) is (not missing)
    assert (progress["goal_distance"] > 0) is bool(missing)


def test_blocks_in_the_fixture_of_the_other_colour_do_not_count() -> None:
    places = sorted_places()
    swapped = {**places, "blue1": places["yellow1"], "yellow1": places["blue1"]}
    assert seen(swapped)["score"] == 6 / 8


@given(st.permutations(BLUE_BLOCKS), st.permutations(YELLOW_BLOCKS))
def test_blocks_of_one_colour_are_alike(blue: list[str], yellow: list[str]) -> None:
    names = dict(zip(BLOCKS, [*blue, *yellow], strict=True))
    places = sorted_places() | {"blue2": (0.3, 0.1), "yellow3": (0.5, -0.15)}
    renamed = {names[block]: place for block, place in places.items()}
    one, other = seen(places), seen(renamed)
    assert one["score"] == other["score"] == 6 / 8
    assert one["goal_distance"] == pytest.approx(other["goal_distance"])


@pytest.mark.parametrize("short, counts", [(0.019, True), (0.021, False)])
def test_block_counts_up_to_the_tolerance_short_of_the_middle(short: float, counts: bool) -> None:
    places = sorted_places()
    places["blue1"] = (LEFT[0], LEFT[1] - short)
    places["yellow1"] = (RIGHT[0], RIGHT[1] + short)
    assert seen(places)["score"] == (1.0 if counts else 6 / 8)
