"""The reach task: the point behind the block, and when the tip is there."""

from __future__ import annotations

import pytest
from tabletop_toys import table

from ibc_gym.envs.tasks.reach import Reach
from ibc_gym.records import Situation

TASK = Reach()


def tip_at(x: float, y: float) -> Situation:
    """The target lies 0.5 m from the block, along (3, 4): the point to reach is at (0.37, -0.24)."""
    return table((x, y), block=(0.4, -0.2), target=(0.7, 0.2))


@pytest.mark.parametrize(
    "off, there",
    [((0.0, 0.0), True), ((0.0099, 0.0), True), ((0.0, -0.0099), True), ((0.008, 0.007), False)],
)
def test_success_is_the_tip_within_a_centimetre_of_the_point_behind_the_block(
    off: tuple[float, float], there: bool
) -> None:
    progress = TASK.measure(tip_at(0.37 + off[0], -0.24 + off[1]), None)
    assert TASK.success(progress) is TASK.terminated(progress) is there
    assert (TASK.reward(progress) == 1.0) is there


def test_reward_is_the_best_part_of_the_way_so_far() -> None:
    progress = TASK.measure(tip_at(0.37, -0.44), None)
    rewards = [TASK.reward(progress)]
    for y in (-0.34, -0.39, -0.29):
        progress = TASK.measure(tip_at(0.37, y), progress)
        rewards.append(TASK.reward(progress))
    assert rewards == pytest.approx([0.0, 0.5, 0.5, 0.75])


def test_point_moves_with_the_block() -> None:
    moved = table((0.37, -0.14), block=(0.4, -0.1), target=(0.7, 0.3))
    assert TASK.success(TASK.measure(moved, TASK.measure(tip_at(0.3, -0.4), None)))


def test_block_in_its_target_has_no_side_behind_it() -> None:
    progress = TASK.measure(table((0.4, -0.2), block=(0.4, -0.2), target=(0.4, -0.2)), None)
    assert progress["goal_distance"] == pytest.approx(0.0)
