"""Every workcell's robot has a guard before it; without limits it changes nothing, with limits it is saved with the rest."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ibc_gym.env import Env
from ibc_gym.errors import ConfigError
from ibc_gym.hardware.safety import SafeRobot, SafetyLimits, guarded
from ibc_gym.records import Start
from ibc_gym.registry import make_env, make_task, make_vec_env, make_workcell
from ibc_gym.testing import WorkcellContract

SLOW = SafetyLimits(speed=0.3, acceleration=2.0, workspace=((1.0, 1.0, 0.0, 0.6),))


def pushing(**options: Any) -> Env:
    env = make_env("push", workcell="mujoco", **options)
    assert isinstance(env, Env)
    return env


def played(env: Env, steps: int) -> list[tuple[bytes, int]]:
    rng = np.random.default_rng(0)
    seen = []
    for _ in range(steps):
        observation, *_, info = env.step(rng.uniform(-0.1, 0.1, 2).astype(np.float32))
        seen.append((observation["state"].tobytes(), info["interventions"]))
    return seen


class TestWorkcellWithLimits(WorkcellContract):
    """What every simulated workcell keeps, it keeps with limits before its robot."""

    def make(self) -> Any:
        return make_workcell(
            "mujoco", make_task("push", image_size=(60, 80)), cameras=True, safety=SLOW
        )

    def starts(self) -> Any:
        from hypothesis import strategies as st

        task = make_task("push")
        return st.integers(0, 99).map(lambda seed: task.sample(np.random.default_rng(seed)))


@pytest.mark.parametrize("workcell", ["mujoco", "pybullet", "particle"])
def test_every_robot_has_a_guard(workcell: str) -> None:
    task = make_task("particle" if workcell == "particle" else "push")
    cell = make_workcell(workcell, task, cameras=False)
    assert isinstance(cell.robot, SafeRobot) and not cell.robot.safety.on
    cell.close()


def test_saved_state_has_the_guard_only_where_there_are_limits() -> None:
    sizes = []
    for safety in (None, SLOW):
        with pushing(safety=safety) as env:
            env.reset(seed=0)
            sizes.append(len(env.save().simulation))
    assert sizes[1] > sizes[0]


def test_limits_intervene_and_the_action_sent_says_by_how_much() -> None:
    with pushing(safety=SLOW) as env:
        env.reset(seed=0)
        *_, info = env.step(np.array([0.1, 0.0], np.float32))
        assert info["interventions"] == 1
        assert np.hypot(*info["action_sent"]) <= 0.03 + 1e-6


def test_restored_episode_goes_on_bit_for_bit_under_limits() -> None:
    with pushing(safety=SLOW) as env:
        env.reset(seed=0)
        played(env, 5)
        saved = env.save()
        ahead = played(env, 10)
        assert ahead[-1][1] > 0
        env.restore(saved)
        assert played(env, 10) == ahead


def test_many_environments_keep_the_limits_as_one_does() -> None:
    one = make_env("particle", safety=SafetyLimits(joint_speed=0.5))
    many = make_vec_env("particle", 2, safety=SafetyLimits(joint_speed=0.5))
    one.reset(seed=0)
    many.reset(seed=0)
    action = np.array([0.9, 0.9], np.float32)
    for _ in range(5):
        alone, *_, info = one.step(action)
        together, *_, infos = many.step(np.stack([action, action]))
        assert np.array_equal(alone["state"], together["state"][0])
        assert info["interventions"] == infos["interventions"][0]
    assert info["interventions"] > 0
    one.close()
    many.close()


def test_workcell_with_limits_of_its_own_keeps_them() -> None:
    task = make_task("push")
    cell = make_workcell("mujoco", task, cameras=False, safety=SLOW)
    assert guarded(cell, task) is cell
    with pytest.raises(ConfigError, match="of its own"):
        guarded(cell, task, SLOW)
    cell.close()


def test_environment_without_a_robot_takes_no_limits() -> None:
    with pytest.raises(ConfigError, match="no robot"):
        make_env("gym:Pendulum-v1", safety=SLOW)


def test_state_saved_without_limits_is_refused_with_them() -> None:
    cell = make_workcell("mujoco", make_task("push"), cameras=False, safety=SLOW)
    assert cell.simulation is not None
    with pytest.raises(ConfigError, match="safety limits"):
        cell.simulation.restore(np.zeros(3))
    cell.close()


def test_home_of_an_episode_is_checked_too() -> None:
    tight = SafetyLimits(height=(0.5, 0.6))
    with pushing(safety=tight) as env, pytest.raises(ConfigError, match="home"):
        env.reset(options={"start": Start(layout=env.task.sample(np.random.default_rng(0)).layout)})
