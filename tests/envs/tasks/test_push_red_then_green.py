"""The task with an order: the red toy into its fixture, then the green one into its own."""

from __future__ import annotations

import pytest
from tabletop_toys import table

from ibc_gym.envs.tasks.push_red_green import POCKETS
from ibc_gym.envs.tasks.push_red_then_green import PushRedThenGreen
from ibc_gym.records import Progress

TASK = PushRedThenGreen()
RED, GREEN = POCKETS[0].centre, POCKETS[1].centre
AWAY, ELSEWHERE = (0.35, -0.1), (0.45, 0.0)

Places = tuple[tuple[float, float], tuple[float, float]]


def after(*places: Places) -> Progress:
    """What is known after the toys were at these places, (red, green) one after the other."""
    progress: Progress | None = None
    for red, green in places:
        progress = TASK.measure(table(red=red, green=green), progress)
    assert progress is not None
    return progress


@pytest.mark.parametrize(
    "places, done",
    [
        ([(AWAY, ELSEWHERE)], False),
        ([(AWAY, ELSEWHERE), (RED, ELSEWHERE)], False),
        ([(AWAY, ELSEWHERE), (RED, ELSEWHERE), (RED, GREEN)], True),
        ([(AWAY, ELSEWHERE), (AWAY, GREEN), (RED, GREEN)], False),  # green first
        ([(AWAY, GREEN), (AWAY, ELSEWHERE), (RED, ELSEWHERE), (RED, GREEN)], False),  # for good
        ([(RED, ELSEWHERE), (AWAY, ELSEWHERE), (AWAY, GREEN), (RED, GREEN)], True),  # put back
        ([(GREEN, ELSEWHERE), (GREEN, RED)], False),  # in each other's fixtures
        ([(RED, ELSEWHERE), (RED, GREEN), (RED, ELSEWHERE)], False),  # green taken out again
    ],
)
def test_success_is_red_in_its_fixture_and_then_green(places: list[Places], done: bool) -> None:
    progress = after(*places)
    assert TASK.success(progress) is TASK.terminated(progress) is done
    assert TASK.reward(progress) == float(done)


def test_wrong_order_is_told() -> None:
    assert after((AWAY, GREEN))["out_of_order"] == 1.0
    assert after((RED, ELSEWHERE), (RED, GREEN))["out_of_order"] == 0.0


def test_distance_to_the_goal_is_that_to_the_own_fixtures() -> None:
    assert after((GREEN, RED))["goal_distance"] == pytest.approx(0.2)
    assert after((RED, (GREEN[0], GREEN[1] - 0.1)))["goal_distance"] == pytest.approx(0.05)
