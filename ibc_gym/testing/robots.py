"""What every robot keeps, simulated or real: `ibc_gym.contracts.Robot`, as tests."""

from __future__ import annotations

from math import ceil
from typing import ClassVar

import numpy as np
from hypothesis import strategies as st

from ibc_gym.contracts import Robot
from ibc_gym.errors import SpecMismatch
from ibc_gym.records import Float64, RobotState, Target
from ibc_gym.testing.bits import flat, moved, place
from ibc_gym.testing.contract import Contract, refuses, rule
from ibc_gym.testing.strategies import targets


class RobotContract(Contract[Robot]):
    """Subclass it and say in `make` how your robot is made; it is moved about within its limits."""

    stride: ClassVar[float] = 0.02
    """How far it is sent to see that it moves [m or rad]."""
    far: ClassVar[float] = 10.0
    """How far it is sent to see that it does not go there [m or rad]; less, until you trust your arm's limits."""
    overshoot: ClassVar[float] = 0.005
    """By how much what is measured may pass what was commanded [m or rad]."""
    joint_overshoot: ClassVar[float] = 0.01
    """The same for a tool that is commanded by the joints, and turns on its way [m]."""
    home_tolerance: ClassVar[float] = 1e-3
    """How near to its home a reset brings it [m or rad]."""
    braking_time: ClassVar[float] = 0.5
    """How long it may take to come to rest once it is stopped [s]."""
    rest_tolerance: ClassVar[float] = 1e-4
    """How far its joints may move while it stands still [rad or m]."""
    clock_tolerance: ClassVar[float] = 1e-6
    """By what share of a control period its clock may differ from it; a real one needs more than a simulated one."""
    takes_joints: ClassVar[bool] = True
    """Whether a robot with a tool can be commanded by its joints, too."""

    @property
    def robot(self) -> Robot:
        """The robot that tests share, after a reset."""
        robot = self.shared
        robot.reset()
        return robot

    @rule("Robot.limits")
    def test_limits_are_a_box_and_a_period(self) -> None:
        """Limits are a box of finite numbers that is not inside out, and a positive control period."""
        limits = self.robot.limits
        low, high = np.array(limits.lower), np.array(limits.upper)
        assert low.shape == high.shape and low.ndim == 1 and low.size
        assert np.isfinite(low).all() and np.isfinite(high).all() and (low <= high).all()
        assert limits.control_period > 0

    @rule("Robot.observe")
    def test_state_is_finite_and_follows_a_target(self) -> None:
        """After a reset the state is finite, follows a target, and no limit has intervened yet."""
        state = self.robot.observe()
        assert_finite(state)
        assert state.joints.shape == state.joint_velocities.shape and state.joints.ndim == 1
        assert (state.interventions, state.deadline_missed) == (0, False)

    @rule("Robot.observe")
    def test_looking_changes_nothing(self) -> None:
        """Observing twice without advancing shows the same robot under the same target."""
        robot = self.robot
        first, second = robot.observe(), robot.observe()
        assert flat(first.target) == flat(second.target)
        assert np.abs(first.joints - second.joints).max() <= self.rest_tolerance

    @rule("Robot.advance")
    def test_advance_lets_one_control_period_pass(self) -> None:
        """One `advance` lets one control period pass, by the clock of `observe`."""
        robot = self.robot
        robot.command(robot.observe().target)
        before = robot.observe().time
        robot.advance()
        period = robot.limits.control_period
        assert abs(robot.observe().time - before - period) <= self.clock_tolerance * period

    @rule("Robot.observe")
    def test_state_that_was_returned_is_never_changed(self) -> None:
        """What `observe` returned stays as it was, whatever happens later."""
        robot = self.robot
        state = robot.observe()
        kept = flat(state)
        robot.command(moved(state.target, self._inwards(robot)))
        robot.advance()
        robot.observe()
        assert flat(state) == kept
        robot.reset()
        robot.observe()
        assert flat(state) == kept

    @rule("Robot.command")
    def test_senseless_target_is_refused_and_not_sent(self) -> None:
        """A target that is empty, not finite or of the wrong shape raises SpecMismatch, and the one before stays."""
        robot = self.robot
        before = robot.observe().target
        for name, target in _senseless(before).items():
            refuses(SpecMismatch, f"A target, {name},", robot.command, target)
            assert flat(robot.observe().target) == flat(before), f"{name}: something was sent"

    @rule("Robot.command")
    def test_target_beyond_the_limits_is_limited_said_and_counted(self) -> None:
        """A target outside of the limits is brought inside, returned as what is sent, and counted as an intervention."""
        robot = self.robot
        for sign in (-1.0, 1.0):
            robot.reset()
            far = moved(robot.observe().target, lambda values: values + sign * self.far)  # noqa: B023 - used at once
            sent = robot.command(far)
            self._check_inside(robot, place(sent), 1e-9)
            state = robot.observe()
            assert flat(place(state.target)) == flat(place(sent)), "the target in force is another"
            assert state.interventions == 1

    @rule("Robot.reset")
    def test_reset_forgets_the_interventions(self) -> None:
        """Interventions are counted since the reset."""
        robot = self.robot
        robot.command(moved(robot.observe().target, lambda values: values + self.far))
        robot.reset()
        assert robot.observe().interventions == 0

    @rule("Robot.reset")
    def test_reset_brings_it_home_and_to_rest(self) -> None:
        """A reset ends at the home pose, at rest, wherever the robot was."""
        robot = self.robot
        home = robot.observe()
        for _ in range(3):
            robot.command(moved(robot.observe().target, self._inwards(robot)))
            robot.advance()
        robot.reset(home.target)
        for again in (robot.observe(), self.robot.observe()):
            assert np.abs(measured(again) - measured(home)).max() <= self.home_tolerance
            assert np.abs(place(again.target) - place(home.target)).max() <= self.home_tolerance

    @rule("Robot.stop")
    def test_stopped_robot_rests_until_the_reset(self) -> None:
        """After `stop`, which may be called twice, it stands still whatever is commanded, until the next reset."""
        robot = self.robot
        stride = self._inwards(robot)
        robot.command(moved(robot.observe().target, stride))
        robot.advance()
        robot.stop()
        robot.stop()
        braking = ceil(self.braking_time / robot.limits.control_period)
        for _ in range(braking):
            robot.advance()
        before = robot.observe().joints
        robot.command(moved(robot.observe().target, stride))
        for _ in range(braking):
            robot.advance()
        assert np.abs(robot.observe().joints - before).max() <= self.rest_tolerance
        robot.reset()
        before = robot.observe().joints
        robot.command(moved(robot.observe().target, stride))
        robot.advance()
        assert np.abs(robot.observe().joints - before).max() > self.rest_tolerance, (
            "it does not move after the reset"
        )

    @rule("Robot.command")
    def test_no_targets_take_it_out_of_its_workspace(self) -> None:
        """Whatever is commanded, what is sent lies inside of the limits, and what is measured finite and there, too."""
        robot = self.robot
        like = robot.observe().target
        drawn = targets(robot.limits, like, beyond=0.3)

        @self.for_all(st.lists(drawn, min_size=1, max_size=8))
        def check(sequence: list[Target]) -> None:
            robot.reset()
            for target in sequence:
                sent = robot.command(target)
                self._check_inside(robot, place(sent), 1e-9)
                robot.advance()
                self._check_state(robot, self.overshoot)

    @rule("Robot.command")
    def test_no_joint_targets_take_the_tool_out_of_its_workspace(self) -> None:
        """Commanded by its joints, the tool stays inside of the limits all the same."""
        robot = self.robot
        state = robot.observe()
        if state.tool is None or not self.takes_joints:
            return
        turn = st.floats(-0.5, 0.5)
        turns = st.lists(turn, min_size=len(state.joints), max_size=len(state.joints))

        @self.for_all(st.lists(turns, min_size=1, max_size=6))
        def check(sequence: list[list[float]]) -> None:
            robot.reset()
            for by in sequence:
                robot.command(Target(joints=robot.observe().joints + np.array(by)))
                robot.advance()
                self._check_state(robot, self.joint_overshoot)

    @rule("Robot.close")
    def test_closes_twice_and_can_be_stopped_even_then(self) -> None:
        """`close` may be called twice, and `stop` never raises."""
        robot = self.make()
        robot.reset()
        robot.stop()
        robot.close()
        robot.close()
        robot.stop()

    def _check_state(self, robot: Robot, margin: float) -> None:
        state = robot.observe()
        assert_finite(state)
        self._check_inside(robot, measured(state), margin)

    def _check_inside(self, robot: Robot, values: Float64, margin: float) -> None:
        low, high = np.array(robot.limits.lower), np.array(robot.limits.upper)
        assert (values >= low - margin).all() and (values <= high + margin).all(), (
            f"{values} lies outside of {low} to {high} by more than {margin}"
        )

    def _inwards(self, robot: Robot) -> _Stride:
        middle = (np.array(robot.limits.lower) + np.array(robot.limits.upper)) / 2
        return _Stride(middle, self.stride)


class _Stride:
    """A step along every axis towards the middle of the limits."""

    def __init__(self, middle: Float64, length: float) -> None:
        self._middle, self._length = middle, length

    def __call__(self, values: Float64) -> Float64:
        if values.shape != self._middle.shape:
            return values + self._length
        way = np.where(self._middle < values, -self._length, self._length)
        return np.asarray(values + way, np.float64)


def measured(state: RobotState) -> Float64:
    """The numbers that limits speak of, as they are measured: the tool's position, or the joints without one."""
    return state.joints if state.tool is None else state.tool.position


def assert_finite(state: RobotState) -> None:
    """Hold that a state has nothing in it that is no number."""
    assert np.isfinite(state.time)
    assert np.isfinite(state.joints).all() and np.isfinite(state.joint_velocities).all()
    assert np.isfinite(place(state.target)).all()
    if state.tool is not None:
        assert np.isfinite(state.tool.position).all()
        assert abs(np.linalg.norm(state.tool.quaternion) - 1) < 1e-6


def _senseless(target: Target) -> dict[str, Target]:
    """Targets that no robot can follow, by what is wrong with them."""

    def spoiled(number: float) -> Target:
        return moved(target, lambda values: np.append(number, values[1:]))

    return {
        "NaN": spoiled(np.nan),
        "infinite": spoiled(np.inf),
        "too short": moved(target, lambda values: values[:-1]),
        "too long": moved(target, lambda values: np.append(values, 0.0)),
        "empty": Target(),
    }
