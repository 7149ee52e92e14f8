"""The arm that is only kinematics keeps what every robot keeps, and stands where the vendor says."""

from __future__ import annotations

import numpy as np
import pytest

from ibc_gym.contracts import Robot
from ibc_gym.hardware.rig.kinematic_arm import KinematicArm
from ibc_gym.records import Target
from ibc_gym.testing.robots import RobotContract


class TestKinematicArm(RobotContract):
    def make(self) -> Robot:
        return KinematicArm(control_period=0.05)


def test_arm_stands_at_the_vendors_zero() -> None:
    tool = KinematicArm().observe().tool
    assert tool is not None
    assert tool.position == pytest.approx([0.207, 0.0, 0.112], abs=1e-9)
    assert abs(tool.quaternion) == pytest.approx([0, 1, 0, 0], abs=1e-9)


def test_joints_run_at_the_speed_limit_at_most() -> None:
    arm = KinematicArm(control_period=0.01)
    arm.command(Target(joints=np.array([1.0, 0.5, 0, 0, 0, 0])))
    arm.advance()
    state = arm.observe()
    assert state.joint_velocities[:2] == pytest.approx([np.pi, np.pi / 2])
    for _ in range(100):
        arm.advance()
    assert arm.observe().joints[:2] == pytest.approx([1.0, 0.5])
    assert not arm.observe().joint_velocities.any()
