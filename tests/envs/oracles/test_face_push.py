"""Pushing a block by one side: where the tool stands, and which way it steers."""

from __future__ import annotations

from math import pi

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibc_gym.envs.oracles.face_push import FacePush, Seen

pytestmark = pytest.mark.slow

HALF, RADIUS = 0.02, 0.0127
REACH = HALF + RADIUS


def seen(tip: tuple[float, float], yaw: float = 0.0) -> Seen:
    return Seen(tip=np.array(tip), block=np.zeros(2), yaw=yaw)


@given(st.floats(-10, 10), st.integers(-5, 5), st.floats(-0.7, 0.7))
def test_the_side_that_faces_away_is_pushed(direction: float, turns: int, crooked: float) -> None:
    push = FacePush(direction, HALF, RADIUS)
    found = push.crooked(seen((0.0, 0.0), direction + crooked + turns * pi / 2))
    assert found == pytest.approx(crooked, abs=1e-9)


def test_it_stays_with_its_side_when_the_block_turns_far() -> None:
    push = FacePush(0.0, HALF, RADIUS)
    for yaw in np.linspace(0.0, 1.2, 20).tolist():
        assert push.crooked(seen((-REACH, 0.0), yaw)) == pytest.approx(yaw)


def test_place_behind_is_off_the_side_by_the_gap() -> None:
    push = FacePush(pi / 2, HALF, RADIUS)
    place = push.behind(seen((0.0, 0.0)), 0.005, 0.004)
    np.testing.assert_allclose(place, [-0.005, -REACH - 0.004], atol=1e-12)
    assert push.aside(seen((float(place[0]), float(place[1])))) == pytest.approx(0.005)


def test_straight_block_touched_in_the_middle_is_pushed_straight_on() -> None:
    move = FacePush(0.0, HALF, RADIUS).straight(seen((-REACH - 0.004, 0.0)), 0.008)
    np.testing.assert_allclose(move, [0.012, 0.0], atol=1e-12)


@pytest.mark.parametrize("sign", [-1, 1])
def test_tool_steers_towards_the_side_that_turns_the_block_back(sign: int) -> None:
    """Dragging the rear to the left turns a block to the right, and a contact on the right is balanced by it, too."""
    push = FacePush(0.0, HALF, RADIUS)
    crooked = push.straight(seen((-REACH, 0.0), sign * 0.05), 0.004)
    assert np.sign(crooked[1]) == sign
    aside = FacePush(0.0, HALF, RADIUS).straight(seen((-REACH, -sign * 0.003)), 0.004)
    assert np.sign(aside[1]) == sign


@given(st.floats(-0.7, 0.7), st.floats(-0.01, 0.01), st.floats(5e-4, 0.01))
def test_push_never_slides_steeply_along_the_side(yaw: float, aside: float, advance: float) -> None:
    push = FacePush(0.0, HALF, RADIUS)
    at = seen((0.0, 0.0), yaw)
    place = push.behind(at, aside, 0.0)
    move = push.straight(seen((float(place[0]), float(place[1])), yaw), advance)
    assert np.linalg.norm(move) <= 1.1 * advance


def test_only_a_tip_before_the_side_is_opposite_to_a_place_on_it() -> None:
    push = FacePush(0.0, HALF, RADIUS)
    assert push.opposite(seen((-0.05, 0.001)), 0.0)
    assert not push.opposite(seen((0.05, 0.001)), 0.0)
    assert not push.opposite(seen((-0.05, 0.01)), 0.0)


def test_tool_backs_off_straight() -> None:
    np.testing.assert_allclose(
        FacePush(0.0, HALF, RADIUS).back_off(seen((-REACH, 0.0)), 0.01), [-0.01, 0.0]
    )


@pytest.mark.parametrize("gap", [-0.004, 0.0, 0.004])
def test_gap_tells_how_far_the_tool_is_off_the_side_or_commanded_into_it(gap: float) -> None:
    push = FacePush(0.0, HALF, RADIUS)
    assert push.gap(seen((-REACH - gap, 0.003))) == pytest.approx(gap)
