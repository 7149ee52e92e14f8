"""The push along a line: where the tip goes before, while and after it pushes."""

from __future__ import annotations

import numpy as np
import pytest

from ibc_gym.envs.oracles.line_push import LinePush, LineStyle
from ibc_gym.records import Float64

pytestmark = pytest.mark.slow

PERIOD = 0.2
STYLE = LineStyle()
GOAL = np.array([[0.4, 0.2]])
TOY = np.array([[0.4, 0.0]])
STEP = STYLE.push_speed * PERIOD


def push() -> LinePush:
    made = LinePush(PERIOD)
    made.reset(np.ones(1, dtype=np.bool_))
    return made


def move(pushing: LinePush, tip: tuple[float, float], goal: Float64 = GOAL) -> Float64:
    moved: Float64 = pushing.move(np.array([tip]), TOY, goal, TOY[:, None])[0]
    return moved


def test_tip_goes_behind_the_toy_first() -> None:
    towards = move(push(), (0.3, -0.3))
    behind = np.array([0.4, -STYLE.behind]) - (0.3, -0.3)
    assert towards @ behind == pytest.approx(np.linalg.norm(towards) * np.linalg.norm(behind))
    assert np.linalg.norm(towards) == pytest.approx(STYLE.travel_speed * PERIOD)


def test_tip_ahead_of_the_toy_goes_around_it() -> None:
    pushing, tip = push(), np.array([0.4, 0.1])
    for _ in range(20):
        assert np.linalg.norm(tip - TOY[0]) > 0.9 * STYLE.clearance - 0.001
        tip = tip + move(pushing, (tip[0], tip[1]))
        if pushing.pushing[0]:
            break
    assert tip[1] < -0.02


def test_push_leads_along_the_line_and_back_to_it() -> None:
    straight = move(push(), (0.4, -STYLE.behind))
    np.testing.assert_allclose(straight, (0.0, STEP), atol=1e-9)
    beside = move(push(), (0.405, -STYLE.behind))
    assert beside[0] < 0 < beside[1]


def test_push_is_broken_off_when_the_toy_slips_away() -> None:
    pushing = push()
    move(pushing, (0.4, -0.04))
    assert not pushing.pushing[0]  # not yet where a push begins
    move(pushing, (0.4, -STYLE.behind))
    assert pushing.pushing[0]
    move(pushing, (0.4 + 1.1 * STYLE.slipped, -0.03))
    assert not pushing.pushing[0]


def test_push_goes_no_further_than_the_goal() -> None:
    pushing, near = push(), np.array([[0.4, 0.004]])
    move(pushing, (0.4, -STYLE.behind), near)
    assert move(pushing, (0.4, -STYLE.contact), near)[1] == pytest.approx(0.004)


@pytest.mark.parametrize("brushing, slows_down", [(0.0, False), (0.04, True)])
def test_tip_slows_down_before_what_it_cannot_pass(brushing: float, slows_down: bool) -> None:
    """Between it and the place behind the toy things stand side by side, so that no way leads around them."""
    made = LinePush(PERIOD, LineStyle(brushing=brushing), ((0.2, -0.4), (0.6, 0.4)))
    made.reset(np.ones(1, dtype=np.bool_))
    row = np.stack([np.arange(0.16, 0.66, 0.04), np.full(13, -0.14)], axis=1)
    tip = np.array([[0.4, -0.17]])
    moved = made.move(tip, TOY, GOAL, np.concatenate([TOY[:, None], row[None]], axis=1))[0]
    speed = STYLE.push_speed if slows_down else STYLE.travel_speed
    assert np.linalg.norm(moved) == pytest.approx(speed * PERIOD)


def test_tip_that_leaves_something_does_so_at_full_speed() -> None:
    made = LinePush(PERIOD, LineStyle(brushing=0.04))
    made.reset(np.ones(1, dtype=np.bool_))
    left_behind = np.array([[[0.4, -0.27]]])
    moved = made.move(np.array([[0.4, -0.24]]), TOY, GOAL, left_behind)[0]
    assert np.linalg.norm(moved) == pytest.approx(STYLE.travel_speed * PERIOD)
