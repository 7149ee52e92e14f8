"""The task with two blocks and two targets: what is drawn, and that any pairing counts, but one block to a target."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tabletop_toys import table

from ibc_gym.envs.tasks.push_multimodal import PushMultimodal, PushMultimodalConfig
from ibc_gym.records import Progress

TASK = PushMultimodal()
ONE, OTHER = (0.33, 0.2), (0.47, 0.2)
AWAY, ELSEWHERE = (0.35, -0.2), (0.45, -0.1)


def seen(
    block: tuple[float, float], block2: tuple[float, float], task: PushMultimodal = TASK
) -> Progress:
    return task.measure(table(block=block, block2=block2, target=ONE, target2=OTHER), None)


@given(st.integers(0, 2**32 - 1))
def test_starts_are_drawn_from_the_published_ranges(seed: int) -> None:
    start = TASK.sample(np.random.default_rng(seed)).layout
    blocks = [start["block"].position, start["block2"].position]
    zones = [start["target"].position, start["target2"].position]
    assert abs(blocks[0][0] - blocks[1][0]) > 0.1
    assert abs(zones[0][0] - zones[1][0]) > 0.12
    for middle, each in ((-0.2, blocks), (0.2, zones)):
        assert all(abs(x - 0.4) <= 0.1 and abs(y - middle) <= 0.15 for x, y, _ in each)


@pytest.mark.parametrize(
    "block, block2, placed",
    [
        (AWAY, ELSEWHERE, 0),
        (ONE, ELSEWHERE, 1),
        (AWAY, OTHER, 1),
        (ONE, OTHER, 2),
        (OTHER, ONE, 2),
        (ONE, (ONE[0] + 0.03, ONE[1]), 1),  # two blocks in one target
    ],
)
def test_success_is_a_block_in_each_target(
    block: tuple[float, float], block2: tuple[float, float], placed: int
) -> None:
    progress = seen(block, block2)
    assert progress["blocks_placed"] == placed
    assert TASK.success(progress) is TASK.terminated(progress) is (placed == 2)
    assert TASK.reward(progress) == float(placed == 2)


@pytest.mark.parametrize("tolerance", [0.01, 0.04])
def test_both_blocks_must_be_within_the_tolerance(tolerance: float) -> None:
    task = PushMultimodal(PushMultimodalConfig(goal_tolerance=tolerance))
    for off, done in ((0.99, True), (1.01, False)):
        assert task.success(seen(ONE, (OTHER[0], OTHER[1] + off * tolerance), task)) is done


@given(st.lists(st.floats(-0.5, 0.5), min_size=8, max_size=8))
def test_names_of_blocks_and_targets_do_not_matter(numbers: list[float]) -> None:
    places = [(numbers[i], numbers[i + 1]) for i in range(0, 8, 2)]
    judged = set()
    for blocks in permutations(places[:2]):
        for targets in permutations(places[2:]):
            situation = table(
                block=blocks[0], block2=blocks[1], target=targets[0], target2=targets[1]
            )
            progress = TASK.measure(situation, None)
            judged.add((TASK.success(progress), round(progress["goal_distance"], 9)))
    assert len(judged) == 1


def test_a_success_is_undone_when_a_block_is_moved_away() -> None:
    there = seen(ONE, OTHER)
    gone = TASK.measure(table(block=AWAY, block2=OTHER, target=ONE, target2=OTHER), there)
    assert TASK.success(there) and not TASK.success(gone)


def test_distance_to_the_goal_is_that_of_the_better_pairing() -> None:
    assert seen(OTHER, (ONE[0], ONE[1] - 0.1))["goal_distance"] == pytest.approx(0.05)
