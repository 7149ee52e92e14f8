from __future__ import annotations

import warnings
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from trials import trials

from ibc_gym.contracts import Simulation, Workcell
from ibc_gym.envs.simulators.particle_sim import make_workcell
from ibc_gym.envs.tasks.particle import Particle, ParticleConfig
from ibc_gym.errors import SpecMismatch
from ibc_gym.records import Pose, Target
from ibc_gym.registry import make_env


def workcell(dimensions: int = 2, *, cameras: bool = False) -> Workcell:
    return make_workcell(Particle(ParticleConfig(dimensions=dimensions)), cameras=cameras)


@settings(max_examples=trials(20))
@given(
    st.integers(1, 32).flatmap(
        lambda size: arrays.arrays(
            np.float32, (60, size), elements=st.floats(0, 1, width=32), fill=st.sampled_from([0, 1])
        )
    ),
    st.integers(0, 2**32),
)
def test_any_actions_keep_the_state_in_its_space(actions: np.ndarray, seed: int) -> None:
    env = make_env("particle", dimensions=actions.shape[1], horizon=len(actions))
    observation, _ = env.reset(seed=seed)
    for action in actions:
        assert observation in env.observation_space
        observation, *_ = env.step(action)
    assert np.isfinite(observation["state"]).all()
    assert observation in env.observation_space


def test_command_beyond_the_cube_is_limited_and_counted() -> None:
    robot = workcell().robot
    robot.reset()
    sent = robot.command(Target(joints=np.array([1.5, 0.25])))
    assert sent.joints is not None and sent.joints.tolist() == [1.0, 0.25]
    robot.command(Target(joints=np.array([0.5, 0.5])))
    assert robot.observe().interventions == 1


@pytest.mark.parametrize(
    "target",
    [
        Target(joints=np.array([0.5, np.nan])),
        Target(joints=np.array([0.5, np.inf])),
        Target(joints=np.array([0.5])),
        Target(tool=Pose(position=np.zeros(3))),
    ],
)
def test_command_that_makes_no_sense_changes_nothing(target: Target) -> None:
    robot = workcell().robot
    robot.reset(Target(joints=np.array([0.2, 0.3])))
    with pytest.raises(SpecMismatch):
        robot.command(target)
    robot.advance()
    assert robot.observe().joints.tolist() == [0.2, 0.3]


def test_stopped_point_stands_still_until_the_reset() -> None:
    robot = workcell().robot
    robot.reset()
    robot.command(Target(joints=np.array([1.0, 1.0])))
    robot.advance()
    robot.stop()
    where = robot.observe().joints
    robot.command(Target(joints=np.array([0.0, 0.0])))
    robot.advance()
    assert (robot.observe().joints == where).all()
    robot.reset()
    robot.command(Target(joints=np.array([0.0, 0.0])))
    robot.advance()
    robot.advance()
    assert (robot.observe().joints < 0.5).all()


def test_clock_counts_control_periods_since_the_reset() -> None:
    robot = workcell().robot
    robot.reset()
    for _ in range(3):
        robot.advance()
    assert robot.observe().time == pytest.approx(0.15)
    robot.reset()
    assert robot.observe().time == 0.0


def test_home_beyond_the_cube_is_limited() -> None:
    robot = workcell().robot
    robot.reset(Target(joints=np.array([-3.0, 7.0])))
    assert robot.observe().joints.tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    "layout",
    [
        {},
        {"first_goal": Pose(position=np.zeros(2))},
        {"first_goal": Pose(position=np.zeros(2)), "goal": Pose(position=np.zeros(2))},
        {"first_goal": Pose(position=np.zeros(2)), "second_goal": Pose(position=np.zeros(3))},
        {
            "first_goal": Pose(position=np.zeros(2)),
            "second_goal": Pose(position=np.full(2, np.nan)),
        },
    ],
)
def test_layout_that_makes_no_sense_is_refused(layout: dict[str, Pose]) -> None:
    with pytest.raises(SpecMismatch):
        workcell().scene.arrange(layout)


def test_state_of_another_number_of_dimensions_is_refused() -> None:
    two, three = workcell(2).simulation, workcell(3).simulation
    assert isinstance(two, Simulation) and isinstance(three, Simulation)
    with pytest.raises(SpecMismatch, match="3 dimensions"):
        three.restore(two.save())


def test_picture_goes_on_after_a_restore() -> None:
    cell = workcell(cameras=True)
    assert cell.simulation is not None
    cell.robot.reset()
    for goal in (0.9, 0.1, 0.4):
        cell.robot.command(Target(joints=np.full(2, goal)))
        cell.robot.advance()
    saved, before = cell.simulation.save(), cell.cameras["view"].read()
    cell.robot.reset()
    cell.simulation.restore(saved)
    after = cell.cameras["view"].read()
    assert after.image.tobytes() == before.image.tobytes()
    assert (after.number, after.time) == (before.number, before.time) == (3, 3 * 0.05)


@pytest.mark.parametrize(
    "options", [{"dimensions": 1}, {"dimensions": 32}, {"hide_velocity": True}]
)
def test_gymnasiums_checker_passes_without_a_warning(options: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env = gymnasium.make("ibc_gym/Particle-v0", render_mode="rgb_array", **options)
        check_env(env.unwrapped)
        env.close()
