"""The push that all demonstrators are made of: what is published, how it leaves circles, and what care adds to it."""

from __future__ import annotations

from dataclasses import replace
from math import pi

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibc_gym.envs.oracles.oriented_push import (
    CAREFUL,
    ESCAPING,
    MOVE_TO_PRE_BLOCK,
    ORIENT_LEFT,
    ORIENT_RIGHT,
    PUBLISHED,
    PUSH_BLOCK,
    OrientedPush,
    PushStyle,
    at_most,
)
from ibc_gym.records import Float64

pytestmark = pytest.mark.slow

FIRST = np.ones(1, dtype=np.bool_)
GOAL = np.array([[0.4, 0.2]])
BLOCK = np.array([[0.4, 0.0]])


def push(style: PushStyle, phase: int) -> OrientedPush:
    made = OrientedPush(0.1, style)
    made.reset(FIRST)
    made.phase[:] = phase
    return made


def at(x: float, y: float) -> Float64:
    return np.array([[x, y]])


def yaw(angle: float) -> Float64:
    return np.array([angle])


def test_tip_ahead_of_the_block_goes_behind_it_again_with_care_alone() -> None:
    """As published, it goes on and drags the block away from its goal."""
    for style, phase in ((PUBLISHED, PUSH_BLOCK), (CAREFUL, MOVE_TO_PRE_BLOCK)):
        pushing = push(style, PUSH_BLOCK)
        pushing.move(at(0.4, 0.03), BLOCK, yaw(0.0), GOAL)
        assert pushing.phase[0] == phase


@pytest.mark.parametrize(
    "turning, angle", [(ORIENT_LEFT, pi / 4 + 0.01), (ORIENT_RIGHT, -pi / 4 - 0.01)]
)
def test_block_corner_first_is_turned_on_with_care_alone(turning: int, angle: float) -> None:
    """The misalignment, known modulo a quarter turn, has just changed its sign."""
    for style, phase in ((PUBLISHED, MOVE_TO_PRE_BLOCK), (CAREFUL, turning)):
        pushing = push(style, turning)
        pushing.move(at(0.4, -0.03), BLOCK, yaw(pi / 2 - angle), GOAL)
        assert pushing.phase[0] == phase


@pytest.mark.parametrize("turning", [ORIENT_LEFT, ORIENT_RIGHT])
def test_flat_block_is_turned_no_further(turning: int) -> None:
    pushing = push(CAREFUL, turning)
    pushing.move(at(0.4, -0.03), BLOCK, yaw(pi / 2), GOAL)
    assert pushing.phase[0] == MOVE_TO_PRE_BLOCK


@pytest.mark.parametrize("within, phase", [(pi, ORIENT_LEFT), (2.4, MOVE_TO_PRE_BLOCK)])
def test_tip_turns_a_block_only_so_far_around_it(within: float, phase: int) -> None:
    pushing = push(replace(CAREFUL, turn_within=within), ORIENT_LEFT)
    pushing.move(at(0.4, -0.03), BLOCK, yaw(1.1), GOAL)
    assert pushing.phase[0] == ORIENT_LEFT
    pushing.move(at(0.41, 0.028), BLOCK, yaw(1.1), GOAL)
    assert pushing.phase[0] == phase


def test_push_ends_at_the_goal_with_care_alone() -> None:
    near = GOAL - [[0.0, 0.004]]
    tip = near - [[0.0, 0.025]]
    for style, length in ((PUBLISHED, 0.015), (CAREFUL, 0.004)):
        move = push(style, PUSH_BLOCK).move(tip, near, yaw(0.0), GOAL)
        np.testing.assert_allclose(move, [[0.0, length]], atol=1e-9)


def test_way_behind_the_block_goes_around_it_only_if_told_to() -> None:
    ahead = at(0.4, 0.06)
    straight = push(PUBLISHED, MOVE_TO_PRE_BLOCK).move(ahead, BLOCK, yaw(0.0), GOAL)
    np.testing.assert_allclose(straight, [[0.0, -0.03]], atol=1e-9)
    around = push(PUBLISHED, MOVE_TO_PRE_BLOCK).move(
        ahead, BLOCK, yaw(0.0), GOAL, obstacles=BLOCK[:, None]
    )
    assert abs(around[0, 0]) > 0.01


def turn_twice(style: PushStyle) -> OrientedPush:
    """A push that has turned its block to the left and begins to do it again."""
    pushing = push(style, MOVE_TO_PRE_BLOCK)
    behind = at(0.4, -0.05)
    for angle in (-0.5, 0.0, -0.5):
        pushing.move(behind, BLOCK, yaw(angle), GOAL)  # is behind the block: sees how it stands
    return pushing


def test_after_a_second_turn_the_tip_goes_back_around_the_block_and_after_one_straight() -> None:
    """As published, it walks through the block again and so turns it back again."""
    ahead = at(0.4, 0.03)
    for style, around in ((PUBLISHED, False), (ESCAPING, True)):
        pushing = turn_twice(style)
        assert pushing.phase[0] == ORIENT_LEFT and bool(pushing.escaped[0]) == around
        pushing.phase[:] = MOVE_TO_PRE_BLOCK
        move = pushing.move(ahead, BLOCK, yaw(0.0), GOAL)
        assert (abs(move[0, 0]) > 0.01) == around
    once = push(ESCAPING, MOVE_TO_PRE_BLOCK).move(ahead, BLOCK, yaw(0.0), GOAL)
    np.testing.assert_allclose(once, [[0.0, -0.03]], atol=1e-9)


@pytest.mark.parametrize("left, turns", [(0.04, False), (0.06, True)])
def test_crooked_block_near_its_goal_is_pushed_as_it_stands(left: float, turns: bool) -> None:
    """A turn would carry it about its goal as fast as it turns."""
    near = GOAL - [[0.0, left]]
    for style, turned in ((PUBLISHED, True), (ESCAPING, turns)):
        pushing = push(style, MOVE_TO_PRE_BLOCK)
        pushing.move(near - [[0.0, 0.05]], near, yaw(-0.5), GOAL)
        assert (pushing.phase[0] == ORIENT_LEFT) == turned
        pushing.move(near - [[0.0, 0.03]], near, yaw(-0.5), GOAL)
        assert (pushing.phase[0] == PUSH_BLOCK) != turned


def test_tip_beside_a_block_goes_behind_it_again_once_it_has_escaped() -> None:
    near = GOAL - [[0.0, 0.02]]
    for sideways, phase in ((0.005, PUSH_BLOCK), (0.015, MOVE_TO_PRE_BLOCK)):
        pushing = push(ESCAPING, PUSH_BLOCK)
        pushing.escaped[:] = True
        pushing.move(near + at(sideways, -0.02), near, yaw(-0.5), GOAL)
        assert pushing.phase[0] == phase


def test_reset_brings_the_masked_rows_back_to_the_published_script() -> None:
    pushing = OrientedPush(0.1, ESCAPING)
    pushing.reset(np.ones(2, dtype=np.bool_))
    pushing.escaped[:] = True
    pushing.reset(np.array([True, False]))
    assert pushing.escaped.tolist() == [False, True]


@given(
    phase=st.integers(MOVE_TO_PRE_BLOCK, ORIENT_RIGHT),
    x=st.floats(0.3, 0.5),
    y=st.floats(-0.1, 0.1),
    angle=st.floats(-pi, pi),
)
def test_push_that_has_not_escaped_is_the_published_one(
    phase: int, x: float, y: float, angle: float
) -> None:
    """To the bit, wherever the tip is and however the block stands, far from the goal."""
    published, ours = push(PUBLISHED, phase), push(ESCAPING, phase)
    moves = [pushing.move(at(x, y), BLOCK, yaw(angle), GOAL) for pushing in (published, ours)]
    assert moves[0].tobytes() == moves[1].tobytes()
    assert published.phase[0] == ours.phase[0] and not ours.escaped[0]


def test_symmetry_of_the_block_decides_what_flat_is() -> None:
    """A pentagon that is a fifth of a turn further looks the same; a square does not."""
    turned = yaw(pi / 2 + 2 * pi / 5)
    for symmetry, phase in ((2 * pi / 5, PUSH_BLOCK), (pi / 2, MOVE_TO_PRE_BLOCK)):
        pushing = push(PUBLISHED, PUSH_BLOCK)
        pushing.move(at(0.4, -0.03), BLOCK, turned, GOAL, symmetry=np.array([symmetry]))
        assert pushing.phase[0] == phase


def test_moves_are_shortened_and_never_lengthened() -> None:
    moves = np.array([[0.3, 0.4], [0.03, 0.04], [0.0, 0.0]])
    np.testing.assert_allclose(at_most(moves, 0.1), [[0.06, 0.08], [0.03, 0.04], [0.0, 0.0]])
