"""Push-T seen from its goal: nothing jumps, nothing is lost, and the mirror image is a sign."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import ibc_gym
from ibc_gym.envs.human.pusht_frame import PushTGoal
from ibc_gym.errors import SpecMismatch
from ibc_gym.records import Float32, Float64
from ibc_gym.registry import make_frame

FRAME = PushTGoal()

LOW = np.array([0, 0, 0, 0, 0])
SPAN = np.array([512, 512, 512, 512, 6.28])


def windows() -> st.SearchStrategy[Float32]:
    unit = arrays(np.float64, (3, 2, 5), elements=st.floats(0, 1, width=32))
    return unit.map(lambda numbers: (LOW + SPAN * numbers).astype(np.float32))


def targets() -> st.SearchStrategy[Float32]:
    return arrays(np.float32, (3, 2), elements=st.floats(0, 512, width=32))


def mirrored(states: Float64) -> Float64:
    """The scene in the mirror of the goal block's axis, the line x + y = 512."""
    flipped = np.stack(
        [512 - states[..., 1], 512 - states[..., 0], 512 - states[..., 3], 512 - states[..., 2]],
        axis=-1,
    )
    angle = (np.pi / 2 - states[..., 4:]) % (2 * np.pi)
    return np.concatenate([flipped, angle], axis=-1)


@given(windows(), targets())
def test_action_comes_back(states: Float32, actions: Float32) -> None:
    there = FRAME.into(actions, states)
    np.testing.assert_allclose(FRAME.out_of(there, states), actions, atol=1e-3)


@given(windows(), targets())
def test_mirror_image_changes_the_signs_that_are_said_and_nothing_else(
    states: Float32, actions: Float32
) -> None:
    signs = np.ones(FRAME.size)
    signs[list(FRAME.odd_features)] = -1
    there = FRAME.features(mirrored(states.astype(np.float64)).astype(np.float32))
    here = FRAME.features(states)
    turn = 14  # half a turn either way is the same
    np.testing.assert_allclose(there[:, :turn], (here * signs)[:, :turn], atol=2e-3)
    gap = there[:, turn] + here[:, turn]
    np.testing.assert_allclose(np.cos(gap), 1, atol=1e-5)
    flipped = FRAME.into(
        512 - actions[:, ::-1], mirrored(states.astype(np.float64)).astype(np.float32)
    )
    np.testing.assert_allclose(flipped, FRAME.into(actions, states) * (-1, 1), atol=2e-3)


def test_mirrored_episode_is_an_episode_too() -> None:
    env = ibc_gym.make_env("gym:gym_pusht/PushT-v0")
    start = np.array([150.0, 180.0, 260.0, 240.0, 1.2])
    path = np.linspace((150, 180), (330, 300), 25)

    def play(state: Float64, points: Float64) -> tuple[Float64, list[float]]:
        seen = [env.reset(seed=0, options={"recorded_start": {"state": state}})[0]["state"]]
        rewards = []
        for point in points:
            observation, reward, *_ = env.step(point)
            seen.append(observation["state"])
            rewards.append(float(reward))
        return np.array(seen, dtype=np.float64), rewards

    states, rewards = play(start, path)
    images, image_rewards = play(mirrored(start), 512 - path[:, ::-1])
    assert np.abs(states[-1, 2:4] - states[0, 2:4]).max() > 5  # the block was pushed
    np.testing.assert_allclose(images[:, :4], mirrored(states)[:, :4], atol=0.5)
    np.testing.assert_allclose(image_rewards, rewards, atol=0.01)


def test_block_on_the_goal_is_at_the_origin_and_upright() -> None:
    states = np.array([[[256, 356, 256, 256, np.pi / 4]]], dtype=np.float32)
    (features,) = FRAME.features(states)
    np.testing.assert_allclose(features[2:6], (0, 0, 1, 0), atol=1e-5)
    np.testing.assert_allclose(features[:2], features[6:8], atol=1e-4)
    assert np.hypot(*features[:2]) == pytest.approx(100, abs=1e-3)
    np.testing.assert_array_equal(features[10:], 0)  # one frame: nothing has changed yet


def test_angle_does_not_jump_where_the_state_wraps() -> None:
    before, after = (
        np.array([[[100, 100, 256, 256, angle]]], dtype=np.float32)
        for angle in (1e-4, 2 * np.pi - 1e-4)
    )
    np.testing.assert_allclose(FRAME.features(before), FRAME.features(after), atol=0.1)
    turned = np.concatenate([before, after], axis=1)
    assert abs(FRAME.features(turned)[0, 14]) < 1e-3


def test_states_of_something_else_are_refused() -> None:
    with pytest.raises(SpecMismatch, match="Push-T"):
        FRAME.features(np.zeros((4, 2, 10), dtype=np.float32))


def test_frame_has_a_name() -> None:
    assert isinstance(make_frame("pusht"), PushTGoal)
