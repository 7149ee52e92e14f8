"""The push task: what is drawn, what is seen, what counts; then the task in its MuJoCo workcell."""

from __future__ import annotations

from collections.abc import Iterator
from math import pi
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from trials import trials

import ibc_gym
from ibc_gym import geometry
from ibc_gym.env import Env
from ibc_gym.envs.tasks.push import Push, PushConfig
from ibc_gym.errors import ConfigError
from ibc_gym.records import Float32, Pose, RobotState, Situation, Target

TASK = Push()


def situation(
    block: tuple[float, float, float], target: tuple[float, float, float], *, measured: bool = True
) -> Situation:
    """Block and target as (x, y, yaw), the tip commanded to (0.3, -0.4) and 1 mm behind."""

    def pose(x: float, y: float, yaw: float) -> Pose:
        return Pose(position=np.array([x, y, 0.02]), quaternion=geometry.quaternion_of_yaw(yaw))

    robot = RobotState(
        time=0.0,
        joints=np.zeros(6),
        joint_velocities=np.zeros(6),
        tool=Pose(position=np.array([0.3, -0.401, 0.01])),
        target=Target(tool=Pose(position=np.array([0.3, -0.4, 0.01]))),
    )
    poses = {"block": pose(*block), "target": pose(*target)} if measured else None
    return Situation(robot=robot, poses=poses, step=0)


@given(st.integers(0, 2**32 - 1))
def test_starts_are_drawn_from_the_published_ranges(seed: int) -> None:
    layout = TASK.sample(np.random.default_rng(seed)).layout
    block, target = layout["block"], layout["target"]
    assert abs(block.position[0] - 0.4) <= 0.1 and abs(block.position[1] + 0.2) <= 0.15
    assert abs(target.position[0] - 0.4) <= 0.1 and abs(target.position[1] - 0.2) <= 0.15
    assert 0 <= geometry.yaw_of(block.quaternion) <= pi
    assert abs(float(geometry.wrap_angle(geometry.yaw_of(target.quaternion) - pi))) <= pi / 6 + 1e-9


def test_published_yaw_range_is_the_narrower_one() -> None:
    def least(task: Push) -> float:
        rng = np.random.default_rng(0)
        return min(geometry.yaw_of(task.sample(rng).layout["block"].quaternion) for _ in range(300))

    assert least(TASK) < 0.1
    assert 1.0 <= least(Push(PushConfig(published_yaw_range=True))) < 1.1


def test_state_is_the_published_observation_in_alphabetical_order() -> None:
    features = TASK.features(situation((0.4, -0.2, 0.5), (0.41, 0.2, -3.0)))
    np.testing.assert_allclose(
        features["state"], [0.5, 0.4, -0.2, 0.3, -0.4, 0.3, -0.401, -3.0, 0.41, 0.2], atol=1e-6
    )
    keys = [name.removesuffix("_x").removesuffix("_y") for name in TASK.feature_names["state"]]
    assert keys == sorted(keys)


def test_without_poses_only_the_robot_is_seen() -> None:
    features = TASK.features(situation((0, 0, 0), (0, 0, 0), measured=False))
    assert list(features) == ["robot"]
    np.testing.assert_allclose(features["robot"], [0.3, -0.4, 0.3, -0.401], atol=1e-6)


def test_reward_is_the_best_part_of_the_way_so_far() -> None:
    rewards = []
    progress = TASK.measure(situation((0.4, -0.2, 0), (0.4, 0.2, 0)), None)
    for y in (-0.2, -0.1, -0.15, 0.1):
        progress = TASK.measure(situation((0.4, y, 0), (0.4, 0.2, 0)), progress)
        rewards.append(TASK.reward(progress))
        assert not TASK.terminated(progress)
    assert rewards == pytest.approx([0.0, 0.25, 0.25, 0.75])


@pytest.mark.parametrize("tolerance", [0.01, 0.02])
def test_success_is_the_centre_within_the_tolerance_whatever_the_yaw(tolerance: float) -> None:
    task = Push(PushConfig(goal_tolerance=tolerance))
    start = task.measure(situation((0.4, -0.2, 0), (0.4, 0.2, 0)), None)
    for off, done in ((tolerance * 0.99, True), (tolerance * 1.01, False)):
        progress = task.measure(situation((0.4 + off, 0.2, 1.0), (0.4, 0.2, 3.0)), start)
        assert task.success(progress) is task.terminated(progress) is done
        assert (task.reward(progress) == 1.0) is done


@given(arrays(np.float32, 2, elements=st.floats(-0.125, 0.125, width=32)))
def test_action_is_the_inverse_of_target(action: Float32) -> None:
    previous = Target(tool=Pose(position=np.array([0.4, 0.1, 0.01])))
    back = TASK.action(TASK.target(action, previous), previous)
    np.testing.assert_allclose(back, action, atol=1e-7)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"goal_tolerance": 0.0}, "0.02 is the value"),
        ({"horizon": 0}, "at least 1"),
        ({"control_rate": 500.0}, "benchmark uses 10"),
        ({"image_size": (320, 240)}, "height, width"),
    ],
)
def test_senseless_settings_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        PushConfig(**options)


@pytest.fixture(scope="module")
def env() -> Iterator[Env]:
    made = ibc_gym.make_env("push")
    assert isinstance(made, Env)
    yield made
    made.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=trials(15))
@given(
    st.integers(0, 1000),
    arrays(np.float32, (12, 2), elements=st.floats(-0.125, 0.125, width=32)),
)
def test_any_actions_keep_the_observation_in_its_space(
    env: Env, seed: int, actions: Float32
) -> None:
    observation, _ = env.reset(seed=seed)
    for action in actions:
        assert env.observation_space.contains(observation)
        observation, reward, _, _, _ = env.step(action)
        assert np.isfinite(reward) and reward <= 1.0
    assert env.observation_space.contains(observation)


@pytest.mark.parametrize("rate", [5.0, 10.0, 20.0])
def test_other_control_rates_run_too(rate: float) -> None:
    made = ibc_gym.make_env("push", control_rate=rate)
    made.reset(seed=0)
    *_, info = made.step(np.array([0.01, 0.01], dtype=np.float32))
    np.testing.assert_allclose(info["action_sent"], 0.01, atol=1e-6)
    made.close()
