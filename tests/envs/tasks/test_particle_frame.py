"""The particle between its goals: what the frame drops, and that nothing else is lost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ibc_gym.envs.tasks.particle_frame import DISTANCE_SCALES, SPEED_SCALES, BetweenGoals
from ibc_gym.errors import SpecMismatch

Real = NDArray[Any]
"""Numbers in double precision, which the frame takes, too: rounding must not blur its geometry."""

FRAME = BetweenGoals()
SIZES = st.integers(1, 32)


def drawn(size: int, seed: int) -> Real:
    """A window of three points in their cubes, (3, 2, 4 N), whose goals are apart."""
    states = np.random.default_rng(seed).random((3, 2, 4 * size))
    states[..., 2 * size] += 1.5
    return states


def turned(states: Real, seed: int) -> Real:
    """The same in axes that are turned, or mirrored, about the origin."""
    size = states.shape[-1] // 4
    axes, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(size, size)))
    parts = states.reshape(*states.shape[:-1], 4, size) @ axes.T
    return np.asarray(parts.reshape(states.shape))


@given(SIZES, st.integers(0, 1000))
def test_turning_or_mirroring_the_scene_changes_no_feature(size: int, seed: int) -> None:
    states = drawn(size, seed)
    expected = FRAME.features(states)
    np.testing.assert_allclose(FRAME.features(turned(states, seed)), expected, atol=2e-5)


@given(SIZES, st.integers(0, 1000), st.floats(-1, 1))
def test_moving_the_scene_changes_no_feature(size: int, seed: int, shift: float) -> None:
    states = drawn(size, seed)
    moved = states.copy()
    moved[..., : 3 * size] += shift
    np.testing.assert_allclose(FRAME.features(moved), FRAME.features(states), atol=2e-5)


@given(SIZES, st.integers(0, 1000))
def test_actions_come_back_out_of_the_frame(size: int, seed: int) -> None:
    states = drawn(size, seed)
    actions = np.random.default_rng(seed).random((3, size), dtype=np.float32)
    back = FRAME.out_of(FRAME.into(actions, states), states)
    np.testing.assert_allclose(back, actions, atol=1e-6)


@given(SIZES, st.integers(0, 1000))
def test_goals_and_point_lie_on_the_first_two_axes(size: int, seed: int) -> None:
    states = drawn(size, seed)
    point, first, second = (
        FRAME.into(states[:, -1, part * size : (part + 1) * size], states) for part in range(3)
    )
    assert np.abs(first).max() < 1e-6
    assert (second[:, 0] > 0).all() and np.abs(second[:, 1:]).max(initial=0) < 1e-6
    assert np.abs(point[:, 2:]).max(initial=0) < 1e-6
    features = FRAME.features(states)
    np.testing.assert_allclose(features[:, 0], second[:, 0], atol=1e-6)
    np.testing.assert_allclose(features[:, 1], point[:, 0], atol=1e-6)
    if size > 1:
        np.testing.assert_allclose(features[:, 2], point[:, 1], atol=1e-6)


@pytest.mark.parametrize("tilt", [0.0, 1e-12, 1e-9, 1e-7, 2e-5, 1e-3])
def test_goals_that_lie_nearly_along_an_axis_already_stay_there(tilt: float) -> None:
    states: Real = np.zeros((1, 1, 12))
    states[0, 0, :3] = (0.4, tilt, 0.3)
    states[0, 0, 6:9] = (1.0, tilt, 0.0)
    actions: Real = np.array([[0.2, 0.7, 0.9]], np.float32)
    inside: Real = FRAME.into(actions, states)
    assert np.linalg.norm(inside) == pytest.approx(np.linalg.norm(actions), abs=1e-6)
    np.testing.assert_allclose(FRAME.out_of(inside, states), actions, atol=1e-6)
    second: Real = FRAME.into(states[:, -1, 6:9], states)
    np.testing.assert_allclose(second, [[np.hypot(1.0, tilt), 0, 0]], atol=1e-6)


def test_features_of_a_known_scene() -> None:
    point, first, second = (0.2, 0.5, 0.1), (0.2, 0.1, 0.1), (0.7, 0.1, 0.1)
    velocity = (0.3, -0.2, 0.06)
    now = np.array([*point, *first, *second, *velocity], dtype=np.float32)
    states = np.stack([np.zeros_like(now), now])[None]
    far = np.hypot(0.4, 0.5)
    distances = np.array([0.4, far])
    to_second = (-0.5 * 0.3 + 0.4 * -0.2) / far
    speeds = np.array([0.3, -0.2, np.sqrt(0.1336), -0.2, to_second])
    expected = [
        *(0.5, 0.0, 0.4),
        *distances,
        *(np.tanh(distances / scale) for scale in DISTANCE_SCALES),
        *speeds,
        *(np.tanh(speeds / scale) for scale in SPEED_SCALES),
    ]
    features = FRAME.features(states)
    assert features.shape == (1, FRAME.size)
    np.testing.assert_allclose(features[0], np.hstack(expected), atol=1e-6)


def test_all_in_one_place_gives_finite_features() -> None:
    states = np.full((1, 2, 8), 0.3, dtype=np.float32)
    assert np.isfinite(FRAME.features(states)).all()
    actions = np.array([[0.1, 0.9]], np.float32)
    back = FRAME.out_of(FRAME.into(actions, states), states)
    np.testing.assert_allclose(back, actions, atol=1e-6)


@pytest.mark.parametrize("shape", [(4, 2, 10), (4, 8), (4, 0, 8)])
def test_states_of_another_task_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(SpecMismatch, match="another task"):
        FRAME.features(np.zeros(shape, dtype=np.float32))


def test_states_without_a_velocity_are_told_by_the_actions() -> None:
    states = np.zeros((4, 2, 12), dtype=np.float32)  # 4 dimensions without, or 3 with it
    with pytest.raises(SpecMismatch, match=r"N = 4.*hide_velocity"):
        FRAME.into(np.zeros((4, 4), dtype=np.float32), states)
