"""The suite of robots passes one that keeps the contract, and catches each way to break it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from broken import assert_broken, assert_sound

from ibc_gym.contracts import Robot
from ibc_gym.errors import SpecMismatch
from ibc_gym.records import RobotLimits, RobotState, Target
from ibc_gym.testing import IdealRobot, RobotContract
from ibc_gym.testing.bits import moved
from ibc_gym.testing.ideal import at

LIMITS = RobotLimits(control_period=0.1, lower=(0.2, -0.3, 0.02), upper=(0.6, 0.3, 0.4))
HOME = at(np.array([0.3, 0.0, 0.1]))


class Sound(RobotContract):
    kind: type[IdealRobot] = IdealRobot
    takes_joints = False

    def make(self) -> Robot:
        return self.kind(LIMITS, HOME)


class BySlidingJoints(Sound):
    def make(self) -> Robot:
        return IdealRobot(LIMITS, Target(joints=np.array([0.3, 0.0, 0.1])))


@pytest.mark.parametrize("suite", [Sound, BySlidingJoints])
def test_robot_that_keeps_the_contract_passes(suite: type[Sound]) -> None:
    assert_sound(suite)


class WithoutLimits(IdealRobot):
    def _limited(self, target: Target) -> Target:
        super()._limited(target)
        return target


class WithoutChecks(IdealRobot):
    def command(self, target: Target) -> Target:
        try:
            return super().command(target)
        except SpecMismatch:
            return target


class SendsBeforeItChecks(IdealRobot):
    def command(self, target: Target) -> Target:
        self._target = target
        return super().command(target)


class Unstoppable(IdealRobot):
    def stop(self) -> None:
        pass


class NeverStartsAgain(IdealRobot):
    def command(self, target: Target) -> Target:
        return super().command(self._home)


class Overshooting(IdealRobot):
    def advance(self) -> None:
        super().advance()
        self._here = moved(self._here, lambda values: values + 0.006)


class NeverComesHome(IdealRobot):
    def reset(self, home: Target | None = None) -> None:
        super().reset(getattr(self, "_here", home))


class CountsOnAndOn(IdealRobot):
    def reset(self, home: Target | None = None) -> None:
        before = getattr(self, "_interventions", 0)
        super().reset(home)
        self._interventions = before


class ShowsItsOwnArrays(IdealRobot):
    _numbers: Any = None

    def observe(self) -> RobotState:
        state = super().observe()
        if self._numbers is None:
            self._numbers = state.joints
        self._numbers[:] = state.joints
        return replace(state, joints=self._numbers)


class Slow(IdealRobot):
    def advance(self) -> None:
        super().advance()
        self._time += 0.01


class Restless(IdealRobot):
    def observe(self) -> RobotState:
        self._here = moved(self._here, lambda values: values + 0.001)
        return super().observe()


class Nowhere(IdealRobot):
    def observe(self) -> RobotState:
        state = super().observe()
        return replace(state, joint_velocities=state.joint_velocities * np.nan)


class ClosesOnce(IdealRobot):
    _closed = False

    def close(self) -> None:
        if self._closed:
            raise OSError("closed already")
        self._closed = True


class InsideOut(IdealRobot):
    def __init__(self, limits: RobotLimits, home: Target) -> None:
        super().__init__(limits, home)
        self.limits = replace(limits, upper=(0.1, 0.3, 0.4))


@pytest.mark.parametrize(
    "kind, test",
    [
        (WithoutLimits, "test_target_beyond_the_limits_is_limited_said_and_counted"),
        (WithoutLimits, "test_no_targets_take_it_out_of_its_workspace"),
        (WithoutChecks, "test_senseless_target_is_refused_and_not_sent"),
        (SendsBeforeItChecks, "test_senseless_target_is_refused_and_not_sent"),
        (Unstoppable, "test_stopped_robot_rests_until_the_reset"),
        (NeverStartsAgain, "test_stopped_robot_rests_until_the_reset"),
        (Overshooting, "test_no_targets_take_it_out_of_its_workspace"),
        (NeverComesHome, "test_reset_brings_it_home_and_to_rest"),
        (CountsOnAndOn, "test_reset_forgets_the_interventions"),
        (ShowsItsOwnArrays, "test_state_that_was_returned_is_never_changed"),
        (Slow, "test_advance_lets_one_control_period_pass"),
        (Restless, "test_looking_changes_nothing"),
        (Nowhere, "test_state_is_finite_and_follows_a_target"),
        (ClosesOnce, "test_closes_twice_and_can_be_stopped_even_then"),
        (InsideOut, "test_limits_are_a_box_and_a_period"),
    ],
)
def test_robot_that_breaks_a_rule_is_caught(kind: type[IdealRobot], test: str) -> None:
    assert_broken(type("Broken", (Sound,), {"kind": kind}), test)


def test_tool_that_leaves_the_workspace_by_way_of_the_joints_is_caught() -> None:
    class ByJointsAnywhere(IdealRobot):
        def command(self, target: Target) -> Target:
            if target.joints is None:
                return super().command(target)
            self._target = at(target.joints)
            return target

    suite = type("Broken", (Sound,), {"kind": ByJointsAnywhere, "takes_joints": True})
    assert_broken(suite, "test_no_joint_targets_take_the_tool_out_of_its_workspace")
