"""The Franka kitchen: it can be made, its two layouts, its tasks and recorded starts."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np
import pytest
from gymnasium_robotics.utils import mujoco_utils

import ibc_gym
from ibc_gym.envs.human import robotics_shim


def make(**options: Any) -> Any:
    return ibc_gym.make_env("gym:FrankaKitchen-v1", **options)


def test_kitchen_is_made_with_the_four_tasks_of_the_benchmark() -> None:
    env = make()
    env.reset(seed=0)
    assert env.task.horizon == 280
    assert env.task.control_period == pytest.approx(0.08)
    assert sorted(env.inner.unwrapped.goal) == [
        "kettle",
        "light switch",
        "microwave",
        "slide cabinet",
    ]
    _, reward, terminated, truncated, info = env.step(np.zeros(9))
    assert (reward, terminated, truncated, info["tasks_done"]) == (0.0, False, False, 0.0)
    other = make(tasks_to_complete=["microwave"])
    assert sorted(other.inner.unwrapped.goal) == ["microwave"]


def test_d4rl_layout_drops_velocities_and_appends_the_goal() -> None:
    installed, d4rl = make(), make(layout="d4rl")
    ours, theirs = installed.reset(seed=3)[0]["state"], d4rl.reset(seed=3)[0]["state"]
    assert ours.shape == (59,) and theirs.shape == (60,)
    np.testing.assert_array_equal(theirs[:9], ours[:9])
    np.testing.assert_array_equal(theirs[9:30], ours[18:39])
    goal = np.zeros(30)
    goal[[17, 18, 19, 22]] = -0.69, -0.05, 0.37, -0.75
    goal[23:] = -0.23, 0.75, 1.62, 0.99, 0.0, 0.0, -0.06
    np.testing.assert_allclose(theirs[30:], goal, atol=1e-6)
    assert len(d4rl.task.feature_names["state"]) == 60
    assert len(set(installed.task.feature_names["state"])) == 59


def test_task_done_pays_once_and_all_done_is_a_success() -> None:
    env = make(robot_noise_ratio=0.0)
    env.reset(seed=0)
    robot = env.inner.unwrapped.robot_env
    done = {19: 0.37, 22: -0.75, 17: -0.69, 18: -0.05}
    qpos = robot.data.qpos.copy()
    for index, value in done.items():
        qpos[index] = value
    qpos[23:30] = -0.23, 0.75, 1.62, 0.99, 0.0, 0.0, -0.06
    start = {"qpos": qpos, "qvel": np.zeros(29)}
    env.reset(seed=0, options={"recorded_start": start})
    _, reward, terminated, _, info = env.step(np.zeros(9))
    assert reward == info["tasks_done"] == 4.0
    assert terminated and info["is_success"]
    env.reset(seed=0)
    assert env.step(np.zeros(9))[4]["tasks_done"] == 0.0


def test_recorded_start_leads_the_controller_on_from_the_recorded_joints() -> None:
    env = make(robot_noise_ratio=0.0)
    rng = np.random.default_rng(0)
    env.reset(seed=1)
    for _ in range(5):
        env.step(rng.uniform(-1, 1, 9))
    robot = env.inner.unwrapped.robot_env
    start = {"qpos": robot.data.qpos.copy(), "qvel": robot.data.qvel.copy()}
    actions = rng.uniform(-1, 1, (5, 9))
    futures = []
    for seed in (2, 3):
        env.reset(seed=seed, options={"recorded_start": start})
        np.testing.assert_array_equal(robot._last_robot_qpos, start["qpos"][:9])
        np.testing.assert_array_equal(robot.data.qpos, start["qpos"])
        futures.append([env.step(action)[0]["state"][:9] for action in actions])
    np.testing.assert_array_equal(futures[0], futures[1])


MODEL = """
<mujoco><worldbody>
  <body><freejoint name="free"/><geom size="0.1"/></body>
  <body pos="1 0 0"><joint name="ball" type="ball"/><geom size="0.1"/></body>
  <body pos="2 0 0"><joint name="slide" type="slide"/><joint name="hinge"/><geom size="0.1"/></body>
</worldbody></mujoco>
"""


@pytest.mark.parametrize(
    ("name", "positions", "velocities"),
    [("free", 7, 6), ("ball", 4, 3), ("slide", 1, 1), ("hinge", 1, 1)],
)
def test_shim_reads_and_writes_every_type_of_joint(
    name: str, positions: int, velocities: int
) -> None:
    model = mujoco.MjModel.from_xml_string(MODEL)
    data = mujoco.MjData(model)
    data.qpos[:], data.qvel[:] = np.arange(model.nq), np.arange(model.nv)
    position = robotics_shim.get_joint_qpos(model, data, name)
    velocity = robotics_shim.get_joint_qvel(model, data, name)
    assert position.shape == (positions,) and velocity.shape == (velocities,)
    assert position[0] == model.joint(name).qposadr[0]
    assert velocity[0] == model.joint(name).dofadr[0]
    robotics_shim.set_joint_qpos(model, data, name, position + 100)
    robotics_shim.set_joint_qvel(model, data, name, velocity + 100)
    assert (data.qpos >= 100).sum() == positions and (data.qvel >= 100).sum() == velocities


def test_shim_is_put_in_place_only_where_the_fault_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    helpers: Any = mujoco_utils
    for name in ("get_joint_qpos", "get_joint_qvel", "set_joint_qpos", "set_joint_qvel"):
        monkeypatch.setattr(helpers, name, None)
    monkeypatch.setattr(robotics_shim, "is_needed", lambda: False)
    robotics_shim.install()
    assert helpers.get_joint_qpos is None
    monkeypatch.setattr(robotics_shim, "is_needed", lambda: True)
    robotics_shim.install()
    assert helpers.set_joint_qvel is robotics_shim.set_joint_qvel
