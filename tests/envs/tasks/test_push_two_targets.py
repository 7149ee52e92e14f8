"""The task with two targets: what is drawn, and that both targets count, one after the other."""

from __future__ import annotations

from math import pi

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tabletop_toys import table

from ibc_gym import geometry
from ibc_gym.envs.tasks.push_two_targets import PushTwoTargets, PushTwoTargetsConfig
from ibc_gym.records import Progress

TASK = PushTwoTargets()
ELSEWHERE, FIRST, SECOND = (0.4, -0.2), (0.32, 0.0), (0.48, 0.4)


def after(*places: tuple[float, float], task: PushTwoTargets = TASK) -> list[Progress]:
    """The progress as the block goes through these places."""
    progress: list[Progress] = []
    for place in places:
        situation = table(block=place, target=FIRST, target2=SECOND)
        progress.append(task.measure(situation, progress[-1] if progress else None))
    return progress


@given(st.integers(0, 2**32 - 1))
def test_starts_are_drawn_from_the_published_ranges(seed: int) -> None:
    start = TASK.sample(np.random.default_rng(seed)).layout
    block, first, second = (start[name] for name in ("block", "target", "target2"))
    assert abs(block.position[0] - 0.4) <= 0.1 and abs(block.position[1] + 0.2) <= 0.15
    assert (first.position[1], second.position[1]) == (0.0, 0.4)
    assert abs(first.position[0] - second.position[0]) > 0.15
    for zone in (first, second):
        assert abs(zone.position[0] - 0.4) <= 0.1
        assert abs(geometry.yaw_of(zone.quaternion)) >= pi - pi / 6 - 1e-9


def test_either_zone_may_be_the_one_nearer_to_the_arm() -> None:
    rng = np.random.default_rng(0)
    starts = [TASK.sample(rng).layout for _ in range(40)]
    nearer = [each["target"].position[0] < each["target2"].position[0] for each in starts]
    assert 10 < sum(nearer) < 30


@pytest.mark.parametrize(
    "places, done",
    [
        ([ELSEWHERE], False),
        ([ELSEWHERE, FIRST], False),  # the published test of success looked at the first twice
        ([ELSEWHERE, SECOND], False),
        ([ELSEWHERE, FIRST, SECOND], True),
        ([ELSEWHERE, FIRST, ELSEWHERE, SECOND], True),
        ([ELSEWHERE, SECOND, FIRST], False),  # the published reward did not look at the order
        ([ELSEWHERE, SECOND, FIRST, SECOND], True),
    ],
)
def test_success_is_the_first_target_and_then_the_second(
    places: list[tuple[float, float]], done: bool
) -> None:
    *before, last = after(*places)
    assert not any(TASK.success(progress) for progress in before)
    assert TASK.success(last) is TASK.terminated(last) is done
    assert TASK.reward(last) == float(done)


@pytest.mark.parametrize("tolerance", [0.01, 0.04])
def test_tolerance_holds_for_both_targets(tolerance: float) -> None:
    task = PushTwoTargets(PushTwoTargetsConfig(goal_tolerance=tolerance))
    for first_off, second_off, done in ((0.99, 0.99, True), (1.01, 0.5, False), (0.5, 1.01, False)):
        one = (FIRST[0] + first_off * tolerance, FIRST[1])
        other = (SECOND[0] + second_off * tolerance, SECOND[1])
        assert task.success(after(one, other, task=task)[-1]) is done


def test_distance_to_the_goal_is_the_mean_of_the_least_to_both() -> None:
    near_first, near_second = (FIRST[0] + 0.03, FIRST[1]), (SECOND[0], SECOND[1] + 0.05)
    progress = after(ELSEWHERE, near_first, ELSEWHERE, near_second, ELSEWHERE)
    assert progress[-1]["min_distance_first_target"] == pytest.approx(0.03)
    assert progress[-1]["min_distance_second_target"] == pytest.approx(0.05)
    assert progress[-1]["goal_distance"] == pytest.approx(0.04)
