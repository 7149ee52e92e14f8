"""Push-T: exact starts, its score, and its pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trials import trials

import ibc_gym
from ibc_gym.errors import ConfigError


def make(**options: Any) -> Any:
    return ibc_gym.make_env("gym:gym_pusht/PushT-v0", **options)


coordinate = st.floats(80, 430)


@settings(max_examples=trials(15), deadline=None)
@given(st.tuples(coordinate, coordinate, coordinate, coordinate, st.floats(0, 6.28)))
def test_any_recorded_start_is_taken_exactly(state: tuple[float, ...]) -> None:
    env = make()
    observation, _ = env.reset(seed=0, options={"recorded_start": {"state": np.array(state)}})
    np.testing.assert_allclose(observation["state"], state, atol=1e-4)
    np.testing.assert_array_equal(env.inner.unwrapped.agent.velocity, (0, 0))


def test_recorded_episode_replays_within_a_hair() -> None:
    env = make()
    rng = np.random.default_rng(3)
    start = {"state": np.array([100.0, 120.0, 250.0, 260.0, 2.5])}

    def play(seed: int) -> np.ndarray:
        observation, _ = env.reset(seed=seed, options={"recorded_start": start})
        seen = [observation["state"]]
        noise = np.random.default_rng(3)
        for _ in range(80):
            target = observation["state"][2:4] + noise.normal(0, 40, 2)
            observation, *_ = env.step(np.clip(target, 0, 512))
            seen.append(observation["state"])
        return np.array(seen)

    first, second = play(seed=0), play(seed=rng.integers(1000).item())
    assert np.abs(first[-1, 2:4] - first[0, 2:4]).max() > 1  # the block was pushed
    np.testing.assert_array_equal(first, second)


def test_start_without_a_state_is_refused() -> None:
    with pytest.raises(ConfigError, match="consists of state"):
        make().reset(options={"recorded_start": {"pose": np.zeros(5)}})


def test_block_on_its_outline_earns_the_best_reward_and_ends_the_episode() -> None:
    env = make()
    start = {"state": np.array([50.0, 50.0, 256.0, 256.0, np.pi / 4])}
    _, info = env.reset(seed=0, options={"recorded_start": start})
    assert info["coverage"] == pytest.approx(1.0, abs=1e-3) and not info["is_success"]
    _, reward, terminated, truncated, info = env.step(np.array([50.0, 50.0]))
    assert reward == 1.0 and terminated and not truncated and info["is_success"]
    assert env.task.score == "best_reward" and env.task.reference_scores is None
    assert env.task.control_period == pytest.approx(0.1)


def test_picture_does_not_betray_the_last_action() -> None:
    far, near = make(observation="image"), make(observation="image")
    start = {"state": np.array([100.0, 100.0, 256.0, 256.0, 1.0])}
    pictures = []
    for env, corner in ((far, 500.0), (near, 120.0)):
        env.reset(seed=0, options={"recorded_start": start})
        env.inner.unwrapped._last_action = np.array([corner, corner])
        pictures.append(env._adapter.picture())
    np.testing.assert_array_equal(*pictures)


@pytest.mark.parametrize("seed", range(5))
def test_coverage_is_the_environments_but_for_the_order_of_its_sum(seed: int) -> None:
    env = make()
    env.reset(seed=seed)
    raw = env.inner.unwrapped
    block = np.array([*raw.goal_pose[:2] + 20, raw.goal_pose[2]])
    env.reset(seed=seed, options={"recorded_start": {"state": np.array([80.0, 80.0, *block])}})
    _, reward, _, _, info = env.step(np.array([80.0, 80.0], np.float32))
    assert info["coverage"] == pytest.approx(type(raw)._get_coverage(raw), rel=1e-12)
    assert 0.1 < info["coverage"] < 0.95
    assert reward == info["coverage"] / raw.success_threshold
