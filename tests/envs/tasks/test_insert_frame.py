"""The slot's frame: what it drops, that nothing else is lost, and that what decides an insertion is large in it."""

from __future__ import annotations

from math import pi

import numpy as np
import planar_scenes
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from planar_scenes import Real, assert_actions_come_back, assert_mirror_negates_odd_actions

from ibc_gym.envs.tasks.insert import MOUTH
from ibc_gym.envs.tasks.insert_frame import SlotAxis
from ibc_gym.envs.tasks.tabletop_scene import BLOCK_SIDE
from ibc_gym.errors import SpecMismatch

FRAME = SlotAxis()
ANGLE = st.floats(-3.0, 3.0)
SHIFT = st.floats(-0.5, 0.5)
POINTS = (1, 3, 5, 8)
"""Columns of the state that are the x of points of the plane."""
YAWS = (0, 7)
LINED_UP = np.array([0.0, MOUTH - BLOCK_SIDE / 2, 0.0, -0.1, 0.0, -0.1, 0.0, 0.0, 0.0, 0.0])
"""A block with its leading side in the middle of the mouth, the tip behind it."""


@st.composite
def windows(draw: st.DrawFn) -> Real:
    """Windows (3, 2, 10) of blocks that stand less crooked than an eighth of a turn, and turn little."""
    states: Real = draw(arrays(np.float64, (3, 2, 10), elements=st.floats(-0.375, 0.375, width=32)))
    axis = draw(arrays(np.float64, (3, 1), elements=st.floats(-3.0, 3.0, width=32)))
    crooked = draw(arrays(np.float64, (3, 2), elements=st.floats(-0.6875, 0.6875, width=32)))
    states[..., 7] = axis
    states[..., 0] = axis + crooked
    return states


def moved(states: Real, angle: float, shift: tuple[float, float]) -> Real:
    return planar_scenes.moved(states, POINTS, YAWS, angle, shift)


def mirrored(states: Real) -> Real:
    return planar_scenes.mirrored(states, POINTS, YAWS)


@given(windows(), ANGLE, SHIFT, SHIFT)
def test_moving_and_turning_the_scene_changes_no_feature(
    states: Real, angle: float, x: float, y: float
) -> None:
    found = FRAME.features(moved(states, angle, (x, y)))
    np.testing.assert_allclose(found, FRAME.features(states), atol=3e-5)


@given(windows(), st.integers(-3, 3))
def test_which_side_of_the_block_comes_first_changes_no_feature(
    states: Real, quarters: int
) -> None:
    turned = states.copy()
    turned[..., 0] += quarters * pi / 2
    np.testing.assert_allclose(FRAME.features(turned), FRAME.features(states), atol=3e-5)


@given(windows())
def test_mirror_negates_the_odd_features_and_no_other(states: Real) -> None:
    expected = FRAME.features(states)
    expected[:, FRAME.odd_features] *= -1
    np.testing.assert_allclose(FRAME.features(mirrored(states)), expected, atol=3e-5)


@given(windows(), arrays(np.float32, (3, 2), elements=st.floats(-0.125, 0.125, width=32)))
def test_mirror_negates_the_odd_actions_and_no_other(states: Real, actions: Real) -> None:
    assert_mirror_negates_odd_actions(FRAME, mirrored, states, actions)


@given(windows(), arrays(np.float32, (3, 2), elements=st.floats(-0.125, 0.125, width=32)))
def test_actions_come_back_out_of_the_frame(states: Real, actions: Real) -> None:
    assert_actions_come_back(FRAME, states, actions)


def test_an_action_into_the_slot_is_along_the_first_axis() -> None:
    states = np.zeros((1, 1, 10), np.float32)
    states[..., 7] = pi / 2
    into = FRAME.into(np.array([[0.0, 0.01]], np.float32), states)
    np.testing.assert_allclose(into, [[0.01, 0.0]], atol=1e-8)


@pytest.mark.parametrize(
    ("column", "change"), [(2, 3e-4), (0, 6e-3)], ids=["0.3 mm aside", "0.3 degrees crooked"]
)
def test_tenths_of_a_millimetre_at_the_mouth_are_large(column: int, change: float) -> None:
    there = LINED_UP.copy()
    there[column] += change
    one, other = (FRAME.features(np.array([[state]])) for state in (LINED_UP, there))
    assert np.abs(one - other).max() > 0.3


def test_a_block_in_the_mouth_has_its_leading_side_at_the_origin() -> None:
    features = FRAME.features(np.array([[LINED_UP]]))
    edge = features[0, 24:32]
    np.testing.assert_allclose(edge, 0.0, atol=1e-6)


def test_single_state_stands_for_its_predecessor() -> None:
    state = np.linspace(0, 1, 10, dtype=np.float32).reshape(1, 1, 10)
    np.testing.assert_array_equal(
        FRAME.features(state), FRAME.features(np.repeat(state, 2, axis=1))
    )


def test_states_of_another_task_are_refused() -> None:
    with pytest.raises(SpecMismatch, match="another task"):
        FRAME.features(np.zeros((4, 2, 8), dtype=np.float32))
