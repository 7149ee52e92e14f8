"""Safety limits of robots that are commanded by joints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from ibc_gym.errors import ConfigError, SpecMismatch
from ibc_gym.hardware.safety import SafeRobot, SafetyLimits
from ibc_gym.hardware.safety.limits import tilt_of
from ibc_gym.kinematics import DOWN, Kinematics
from ibc_gym.records import Pose, RobotLimits, RobotState, Target
from ibc_gym.testing.ideal import IdealRobot
from ibc_gym.xarm6 import XARM6

KINEMATICS = Kinematics(XARM6, 0.15)
ABOVE = Pose(position=np.array([0.3, 0.0, 0.2]), quaternion=DOWN)
REST = KINEMATICS.inverse(ABOVE, np.array(XARM6.rest)).joints


class ByJoints(IdealRobot):
    """An arm that is commanded by joints, and says where its tool is."""

    def __init__(self) -> None:
        wide = RobotLimits(control_period=0.1, lower=(-7.0,) * 6, upper=(7.0,) * 6)
        super().__init__(wide, Target(joints=REST))

    def observe(self) -> RobotState:
        state = super().observe()
        return replace(state, tool=KINEMATICS.forward(state.joints))


def by_joints(limits: SafetyLimits) -> SafeRobot:
    robot = SafeRobot(ByJoints(), limits, kinematics=KINEMATICS)
    robot.reset()
    return robot


def test_joints_keep_their_margin_and_their_speed() -> None:
    robot = by_joints(SafetyLimits(joint_margin=0.1, joint_speed=1.0))
    rng = np.random.default_rng(0)
    lower, upper = KINEMATICS.lower + 0.1, KINEMATICS.upper - 0.1
    last = REST
    for joints in rng.uniform(-7, 7, (200, 6)):
        sent = robot.command(Target(joints=joints)).joints
        robot.advance()
        assert sent is not None
        assert (sent >= lower - 1e-9).all() and (sent <= upper + 1e-9).all()
        assert np.abs(sent - last).max() <= 0.1 + 1e-9
        last = sent


def test_commanded_by_joints_the_tool_stays_where_it_may_be() -> None:
    limits = SafetyLimits(height=(0.1, 0.3), speed=0.5, tilt=0.3)
    robot = by_joints(limits)
    rng = np.random.default_rng(0)
    last = KINEMATICS.forward(REST).position
    moved = 0.0
    for change in rng.normal(size=(300, 6)) * 0.05:
        sent = robot.command(Target(joints=robot.observe().joints + change)).joints
        robot.advance()
        assert sent is not None
        pose = KINEMATICS.forward(sent)
        assert 0.1 - 1e-6 <= pose.position[2] <= 0.3 + 1e-6
        assert tilt_of(pose.quaternion) <= 0.3 + 1e-6
        assert np.linalg.norm(pose.position - last) <= 0.05 + 1e-6
        moved += float(np.linalg.norm(pose.position - last))
        last = pose.position
    assert moved > 1.0


@pytest.mark.parametrize(
    "make",
    [
        lambda: SafeRobot(ByJoints(), SafetyLimits(joint_margin=0.1)),
        lambda: SafeRobot(ByJoints(), SafetyLimits(height=(0.1, 0.3))).command(Target(joints=REST)),
    ],
)
def test_limits_that_need_kinematics_say_so(make: Callable[[], object]) -> None:
    with pytest.raises(ConfigError, match="kinematics"):
        make()


def test_wrong_number_of_joints_is_refused() -> None:
    with pytest.raises(SpecMismatch, match="joints"):
        by_joints(SafetyLimits(joint_speed=1.0)).command(Target(joints=np.zeros(5)))
