"""What every robot, scene and camera keeps, in every simulated workcell."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from math import ceil
from typing import Any

import numpy as np
import pytest

from ibc_gym.contracts import Simulation, Task, Workcell
from ibc_gym.errors import SpecMismatch
from ibc_gym.records import Float64, RobotState, Target


@pytest.fixture
def started(task: Task, workcell: Workcell) -> Workcell:
    """The module's workcell at the start of a new episode."""
    start = task.sample(np.random.default_rng(3))
    workcell.robot.reset(start.home)
    workcell.scene.arrange(start.layout)
    return workcell


def changed(target: Target, change: Callable[[Float64], Float64]) -> Target:
    """The same target with other joints, or another position of the tool."""
    if target.joints is not None:
        return Target(joints=change(target.joints))
    assert target.tool is not None
    return Target(tool=dataclasses.replace(target.tool, position=change(target.tool.position)))


def place(target: Target) -> Float64:
    """Joints, or the position of the tool."""
    if target.joints is not None:
        return target.joints
    assert target.tool is not None
    return target.tool.position


def everything(state: RobotState) -> bytes:
    tool = [] if state.tool is None else [state.tool.position, state.tool.quaternion]
    parts = [state.joints, state.joint_velocities, place(state.target), *tool]
    return b"".join(np.ascontiguousarray(part).tobytes() for part in parts)


def test_limits_are_a_box_and_the_tasks_period(started: Workcell, task: Task) -> None:
    limits = started.robot.limits
    assert len(limits.lower) == len(limits.upper) > 0
    assert all(low <= high for low, high in zip(limits.lower, limits.upper, strict=True))
    assert limits.control_period == pytest.approx(task.control_period)


def test_state_is_finite_and_has_a_target(started: Workcell) -> None:
    state = started.robot.observe()
    assert np.isfinite(state.joints).all() and np.isfinite(state.joint_velocities).all()
    assert state.joints.shape == state.joint_velocities.shape
    assert np.isfinite(place(state.target)).all()
    assert (state.interventions, state.deadline_missed) == (0, False)


def test_looking_changes_nothing(started: Workcell) -> None:
    assert everything(started.robot.observe()) == everything(started.robot.observe())


def test_advance_lets_one_control_period_pass(started: Workcell) -> None:
    before = started.robot.observe().time
    started.robot.advance()
    elapsed = started.robot.observe().time - before
    assert elapsed == pytest.approx(started.robot.limits.control_period, rel=1e-6)


def test_returned_state_is_not_changed_by_what_happens_later(started: Workcell) -> None:
    state = started.robot.observe()
    kept = everything(state)
    started.robot.command(changed(state.target, lambda values: values + 0.02))
    started.robot.advance()
    started.robot.reset()
    assert everything(state) == kept


def spoiled(values: Float64, number: float) -> Float64:
    values = np.array(values)
    values[..., 0] = number
    return values


@pytest.mark.parametrize(
    "change",
    [
        lambda values: spoiled(values, np.nan),
        lambda values: spoiled(values, np.inf),
        lambda values: values[..., :-1],
        lambda values: np.append(values, 0.0),
    ],
    ids=["NaN", "infinite", "too short", "too long"],
)
def test_target_that_makes_no_sense_is_refused_and_not_sent(
    started: Workcell, change: Callable[[Float64], Float64]
) -> None:
    before = started.robot.observe()
    with pytest.raises(SpecMismatch):
        started.robot.command(changed(before.target, change))
    after = started.robot.observe()
    assert everything(after) == everything(before)


def test_empty_target_is_refused(started: Workcell) -> None:
    with pytest.raises(SpecMismatch):
        started.robot.command(Target())


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_target_beyond_the_limits_is_limited_said_and_counted(
    started: Workcell, sign: float
) -> None:
    robot = started.robot
    asked = changed(robot.observe().target, lambda values: values + sign * 10.0)
    sent = place(robot.command(asked))
    low, high = np.array(robot.limits.lower), np.array(robot.limits.upper)
    assert (sent >= low - 1e-9).all() and (sent <= high + 1e-9).all()
    state = robot.observe()
    assert place(state.target).tolist() == sent.tolist()
    assert state.interventions == 1


def test_reset_forgets_the_interventions(started: Workcell) -> None:
    robot = started.robot
    robot.command(changed(robot.observe().target, lambda values: values + 10.0))
    robot.reset()
    assert robot.observe().interventions == 0


def test_stopped_robot_comes_to_rest_until_the_reset(started: Workcell) -> None:
    robot = started.robot
    robot.command(changed(robot.observe().target, lambda values: values + 0.05))
    robot.advance()
    robot.stop()
    robot.stop()
    braking = ceil(0.5 / robot.limits.control_period)  # a heavy arm may take half a second
    for _ in range(braking):
        robot.advance()
    before = robot.observe().joints
    robot.command(changed(robot.observe().target, lambda values: values + 0.05))
    for _ in range(braking):
        robot.advance()
    assert robot.observe().joints == pytest.approx(before, abs=1e-4)
    robot.reset()
    robot.command(changed(robot.observe().target, lambda values: values - 0.02))
    before = robot.observe().joints
    robot.advance()
    assert np.abs(robot.observe().joints - before).max() > 1e-4


def test_scene_puts_every_thing_in_its_place(task: Task, workcell: Workcell) -> None:
    for seed in range(3):
        start = task.sample(np.random.default_rng(seed))
        workcell.robot.reset(start.home)
        workcell.scene.arrange(start.layout)
        poses = workcell.scene.poses()
        assert poses is not None
        for name, pose in start.layout.items():
            assert poses[name].position[:2] == pytest.approx(pose.position[:2], abs=1e-3)


def test_saved_state_is_restored_bit_for_bit(started: Workcell) -> None:
    simulation, robot = started.simulation, started.robot
    assert isinstance(simulation, Simulation)
    target = robot.observe().target

    def go_on() -> list[bytes]:
        seen = []
        for step in range(4):
            by = 0.01 * step
            robot.command(changed(target, partial(np.add, by)))
            robot.advance()
            seen.append(everything(robot.observe()))
        return seen

    robot.advance()
    saved = simulation.save()
    first = go_on()
    robot.reset()
    simulation.restore(saved)
    assert simulation.save().tobytes() == saved.tobytes()
    assert go_on() == first


def test_saved_state_is_not_changed_by_what_happens_later(started: Workcell) -> None:
    assert started.simulation is not None
    saved = started.simulation.save()
    kept = saved.tobytes()
    started.robot.advance()
    started.robot.reset()
    assert saved.tobytes() == kept


def test_workcell_may_be_closed_twice(row: Any) -> None:
    workcell = row.make_workcell()
    workcell.robot.reset()
    workcell.close()
    workcell.close()


def test_cameras_show_what_their_spec_says_and_disturb_nothing(row: Any, task: Task) -> None:
    workcell = row.make_workcell(cameras=True)
    try:
        start = task.sample(np.random.default_rng(0))
        workcell.robot.reset(start.home)
        workcell.scene.arrange(start.layout)
        assert workcell.cameras
        for name, camera in workcell.cameras.items():
            before = workcell.simulation.save()
            frame = camera.read()
            assert workcell.simulation.save().tobytes() == before.tobytes()
            assert camera.spec.name == name
            assert frame.image.shape == (camera.spec.height, camera.spec.width, 3)
            assert frame.image.dtype == np.uint8 and frame.image.std() > 1
            assert frame.time == pytest.approx(workcell.robot.observe().time)
            workcell.robot.advance()
            assert camera.read().number != frame.number
            camera.close()
            camera.close()
    finally:
        workcell.close()
