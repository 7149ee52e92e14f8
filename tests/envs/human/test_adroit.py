"""The Adroit hand: the benchmark's reward, its rule of success, and recorded starts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import ibc_gym
from ibc_gym.envs.human.adroit import SUCCESS_STEPS
from ibc_gym.errors import ConfigError

ADROIT = ["AdroitHandDoor-v1", "AdroitHandRelocate-v1", "AdroitHandHammer-v1", "AdroitHandPen-v1"]


def make(id: str, **options: Any) -> Any:
    return ibc_gym.make_env(f"gym:{id}", **options)


def published_door_reward(raw: Any) -> float:
    """The formula of D4RL, from the simulator's state."""
    palm = raw.data.site_xpos[raw.grasp_site_id]
    handle = raw.data.site_xpos[raw.handle_site_id]
    hinge = float(raw.data.qpos[raw.door_hinge_addrs])
    reward = -0.1 * np.linalg.norm(palm - handle)
    reward -= 0.1 * (hinge - 1.57) ** 2 + 1e-5 * np.sum(raw.data.qvel**2)
    return float(reward + 2 * (hinge > 0.2) + 8 * (hinge > 1.0) + 10 * (hinge > 1.35))


def published_relocate_reward(raw: Any) -> float:
    palm = raw.data.site_xpos[raw.S_grasp_site_id]
    ball = raw.data.xpos[raw.obj_body_id]
    target = raw.data.site_xpos[raw.target_obj_site_id]
    away = np.linalg.norm(ball - target)
    reward = -0.1 * np.linalg.norm(palm - ball)
    if ball[2] > 0.04:
        reward += 1.0 - 0.5 * np.linalg.norm(palm - target) - 0.5 * away
    return float(reward + 10 * (away < 0.1) + 20 * (away < 0.05))


def published_hammer_reward(raw: Any) -> float:
    palm = raw.data.site_xpos[raw.S_grasp_site_id]
    hammer = raw.data.xpos[raw.obj_body_id]
    tool = raw.data.site_xpos[raw.tool_site_id]
    nail = raw.data.site_xpos[raw.target_obj_site_id]
    away = np.linalg.norm(nail - raw.data.site_xpos[raw.goal_site_id])
    reward = -0.1 * np.linalg.norm(palm - hammer) - np.linalg.norm(tool - nail) - 10 * away
    reward -= 0.01 * np.linalg.norm(raw.data.qvel)
    lifted = hammer[2] > 0.04 and tool[2] > 0.04
    return float(reward + 2 * lifted + 25 * (away < 0.02) + 75 * (away < 0.01))


@pytest.mark.parametrize(
    ("id", "formula"),
    [
        ("AdroitHandDoor-v1", published_door_reward),
        ("AdroitHandRelocate-v1", published_relocate_reward),
        ("AdroitHandHammer-v1", published_hammer_reward),
    ],
)
def test_reward_is_the_published_formula(id: str, formula: Any) -> None:
    env = make(id)
    env.reset(seed=2)
    rng = np.random.default_rng(0)
    for _ in range(40):
        action = rng.uniform(-1, 1, env.action_space.shape)
        _, reward, *_ = env.step(action)
        assert reward == pytest.approx(formula(env.inner.unwrapped), abs=1e-9)
    env.close()


@pytest.mark.parametrize(
    ("id", "columns"), [("AdroitHandDoor-v1", (35, 38)), ("AdroitHandRelocate-v1", (30, 33))]
)
def test_benchmark_reward_differs_from_the_installed_by_a_fifth_of_the_reach(
    id: str, columns: tuple[int, int]
) -> None:
    benchmark, installed = make(id), make(id, reward="installed")
    benchmark.reset(seed=2)
    installed.reset(seed=2)
    action = np.full(benchmark.action_space.shape, 0.3)
    for _ in range(5):
        observation, reward, *_ = benchmark.step(action)
        _, as_installed, *_ = installed.step(action)
        reach = np.linalg.norm(observation["state"][slice(*columns)])
        assert reward == pytest.approx(as_installed - 0.2 * reach, abs=1e-6)


def test_sparse_reward_is_left_alone() -> None:
    env = make("AdroitHandDoor-v1", reward_type="sparse")
    env.reset(seed=0)
    assert env.step(np.zeros(28))[1] == -0.1


def test_success_needs_more_than_25_steps_at_the_goal() -> None:
    env = make("AdroitHandDoor-v1", horizon=60)
    env.reset(seed=0)
    raw = env.inner.unwrapped
    state = raw.get_env_state()
    state["qpos"][raw.door_hinge_addrs] = 1.5
    state["qpos"][3] = 0.0
    env.reset(seed=0, options={"recorded_start": state})
    steps, successes = [], []
    for _ in range(60):
        raw.data.qpos[raw.door_hinge_addrs] = 1.5  # hold the door open
        raw.data.qvel[raw.door_hinge_addrs] = 0.0
        info = env.step(np.zeros(28))[4]
        assert info["environment_success"] == 1.0
        steps.append(info["goal_steps"])
        successes.append(info["is_success"])
    assert steps == list(range(1, 61))
    assert successes == [step > SUCCESS_STEPS for step in steps]
    env.reset(seed=0)
    assert env.step(np.zeros(28))[4]["goal_steps"] == 0.0


@pytest.mark.parametrize("id", ADROIT)
def test_recorded_start_brings_the_whole_state_back_whatever_came_before(id: str) -> None:
    env = make(id)
    env.reset(seed=5)
    rng = np.random.default_rng(1)
    for _ in range(20):
        env.step(rng.uniform(-1, 1, env.action_space.shape))
    raw = env.inner.unwrapped
    start = {name: raw.get_env_state()[name].copy() for name in raw._state_space}
    actions = rng.uniform(-1, 1, (30, *env.action_space.shape))
    futures = []
    for seed in (6, 7):
        first, _ = env.reset(seed=seed, options={"recorded_start": start})
        np.testing.assert_array_equal(raw.data.qpos, start["qpos"])
        np.testing.assert_array_equal(raw.data.qvel, start["qvel"])
        futures.append([first["state"], *(env.step(action)[0]["state"] for action in actions)])
    np.testing.assert_array_equal(futures[0], futures[1])


def test_incomplete_start_is_refused() -> None:
    env = make("AdroitHandDoor-v1")
    start = {"qpos": np.zeros(30), "qvel": np.zeros(30)}
    with pytest.raises(ConfigError, match="door_body_pos"):
        env.reset(options={"recorded_start": start})
    with pytest.raises(ConfigError, match=r"\(3,\) finite"):
        env.reset(options={"recorded_start": {**start, "door_body_pos": np.zeros(2)}})
    with pytest.raises(ConfigError, match="finite"):
        env.reset(options={"recorded_start": {**start, "door_body_pos": np.full(3, np.nan)}})


def test_door_state_has_the_columns_of_the_benchmark() -> None:
    env = make("AdroitHandDoor-v1")
    observation, _ = env.reset(seed=0)
    named = dict(zip(env.task.feature_names["state"], observation["state"], strict=True))
    for axis in "xyz":
        gap = named[f"palm {axis}"] - named[f"handle {axis}"]
        assert named[f"palm - handle {axis}"] == pytest.approx(gap, abs=1e-6)
    assert named["door open"] == -1.0
    assert env.task.reference_scores == (-56.512833, 2880.5693087298737)
    assert env.task.score == "return"
