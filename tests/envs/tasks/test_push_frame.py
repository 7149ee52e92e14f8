"""The block-to-target frame: what it drops, and that nothing else is lost."""

from __future__ import annotations

import numpy as np
import planar_scenes
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from planar_scenes import Real, assert_actions_come_back, assert_mirror_negates_odd_actions

from ibc_gym.envs.tasks.push_frame import BlockToTarget
from ibc_gym.errors import SpecMismatch

FRAME = BlockToTarget()
ANGLE = st.floats(-3.0, 3.0)
SHIFT = st.floats(-0.5, 0.5)
POINTS = (1, 3, 5, 8)
"""Columns of the state that are the x of points of the plane."""
YAWS = (0,)


def windows() -> st.SearchStrategy[Real]:
    """Windows (3, 2, 10) whose block is not on the target already."""
    numbers = arrays(np.float64, (3, 2, 10), elements=st.floats(-0.375, 0.375, width=32))
    return numbers.map(lambda states: states + np.eye(10)[8] * 1.5)


def moved(states: Real, angle: float, shift: tuple[float, float]) -> Real:
    return planar_scenes.moved(states, POINTS, YAWS, angle, shift)


def mirrored(states: Real) -> Real:
    return planar_scenes.mirrored(states, POINTS, YAWS)


def same_up_to_quarter_turn(one: Real, other: Real) -> None:
    np.testing.assert_allclose(one[:, :18], other[:, :18], atol=3e-5)
    gap = (one[:, 18] - other[:, 18] + np.pi / 4) % (np.pi / 2) - np.pi / 4
    np.testing.assert_allclose(gap, 0, atol=3e-5)


@given(windows(), ANGLE, SHIFT, SHIFT)
def test_moving_and_turning_the_scene_changes_no_feature(
    states: Real, angle: float, x: float, y: float
) -> None:
    same_up_to_quarter_turn(FRAME.features(states), FRAME.features(moved(states, angle, (x, y))))


@given(windows())
def test_turning_the_block_by_a_quarter_changes_no_feature(states: Real) -> None:
    turned = states.copy()
    turned[..., 0] += np.pi / 2
    same_up_to_quarter_turn(FRAME.features(states), FRAME.features(turned))


@given(windows())
def test_mirror_negates_the_odd_features_and_no_other(states: Real) -> None:
    expected = FRAME.features(states)
    expected[:, FRAME.odd_features] *= -1
    same_up_to_quarter_turn(expected, FRAME.features(mirrored(states)))


@given(windows(), arrays(np.float32, (3, 2), elements=st.floats(-0.125, 0.125, width=32)))
def test_mirror_negates_the_odd_actions_and_no_other(states: Real, actions: Real) -> None:
    assert_mirror_negates_odd_actions(FRAME, mirrored, states, actions)


@given(windows(), arrays(np.float32, (3, 2), elements=st.floats(-0.125, 0.125, width=32)))
def test_actions_come_back_out_of_the_frame(states: Real, actions: Real) -> None:
    assert_actions_come_back(FRAME, states, actions)


def test_features_of_a_known_scene() -> None:
    before = [0.1, 0.40, -0.20, 0.40, -0.26, 0.40, -0.27, 3.0, 0.40, 0.20]
    now = [0.1, 0.40, -0.19, 0.41, -0.25, 0.41, -0.255, 3.0, 0.40, 0.20]
    features = FRAME.features(np.array([[before, now]], dtype=np.float32))[0]
    assert features.shape == (FRAME.size,)
    theta = np.pi / 2 - 0.1
    np.testing.assert_allclose(
        features,
        [
            *(-0.06, -0.01),  # the tip is 6 cm behind the block and 1 cm to its right
            *np.tanh([-0.75, -0.125]),
            *np.tanh([-3.0, -0.5]),
            *(-0.005, 0.0),
            *(0.39, np.tanh(7.8)),
            *(np.cos(4 * theta), np.sin(4 * theta)),
            *(0.01, -0.01),
            *(0.01, 0.0),
            *(-0.01, 0.0),
            0.0,
        ],
        atol=1e-6,
    )


def test_block_on_the_target_gives_finite_features() -> None:
    states = np.full((1, 2, 10), 0.3, dtype=np.float32)
    assert np.isfinite(FRAME.features(states)).all()
    assert np.isfinite(FRAME.into(np.array([[0.1, 0.0]], np.float32), states)).all()


def test_single_state_stands_for_its_predecessor() -> None:
    state = np.linspace(0, 1, 10, dtype=np.float32).reshape(1, 1, 10)
    np.testing.assert_array_equal(
        FRAME.features(state), FRAME.features(np.repeat(state, 2, axis=1))
    )


def test_states_of_another_task_are_refused() -> None:
    with pytest.raises(SpecMismatch, match="another task"):
        FRAME.features(np.zeros((4, 2, 8), dtype=np.float32))
