"""A config is checked when it is made: every mistake is named with what was given and what would do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from xarm.core.config.x_config import XCONF

from ibc_gym.errors import ConfigError
from ibc_gym.hardware.arm.config import ARM, XArmConfig
from ibc_gym.xarm6 import XARM6

ADDRESS = "127.0.0.1"


def test_defaults_make_sense() -> None:
    config = XArmConfig(address=ADDRESS)
    assert config.control_period == pytest.approx(0.2)
    assert config.limits.lower == config.workspace_lower
    tip = config.kinematics().forward(config.home()).position
    np.testing.assert_allclose(tip, [0.375, 0.0, 0.01], atol=1e-9)


@pytest.mark.parametrize(
    "changes, told",
    [
        ({"address": "arm.local"}, "IPv4"),
        ({"address": "127.0.0.1:502"}, "serial port"),
        ({"collision_sensitivity": 0}, "collision_sensitivity is 0"),
        ({"stream_rate": 50.0}, "stream_rate is 50"),
        ({"stream_rate": 300.0}, "drops targets"),
        ({"control_rate": 60.0}, "control_rate is 60"),
        ({"control_rate": 0.0}, "control_rate is 0"),
        ({"stream": "guess"}, "servo-cartesian"),
        ({"joint_speed": 4.0}, "joint_speed is 4"),
        ({"joint_jerk": 79.0}, "joint_jerk is 79.0"),
        ({"joint_acceleration": 1.0, "joint_jerk": 4.0, "stream_rate": 250.0}, "2.5 s to brake"),
        ({"joint_acceleration": 0.2}, "10 s to brake.* no more than 3 s"),
        ({"tip_speed": 1.2}, "tip_speed is 1.2"),
        ({"tip_speed": float("nan")}, "finite"),
        ({"reset_speed": 0.0}, "reset_speed is 0.0"),
        ({"reduced_tip_speed": 0.4}, "reduced_tip_speed is 0.4"),
        ({"tool_length": -0.1}, "tool_length"),
        ({"workspace_lower": (0.7, 0.0, 0.0)}, "inside out"),
        ({"workspace_upper": (0.75, 0.3, 0.01)}, "reaches out of the fence"),
        ({"fence_upper": (0.7001, 0.45, 0.6)}, "whole millimetres"),
        ({"reset_height": 0.7}, "reset_height is 0.7"),
        ({"home_joints": (0.0,) * 6}, "outside of the workspace"),
        ({"home_joints": (0.0,) * 5}, "5 numbers"),
        ({"home_joints": (0.0, 9.0, 0.0, 0.0, 0.0, 0.0)}, "ranges"),
        ({"command_timeout": 0.0}, "command_timeout"),
        ({"hold_after": 0.5}, "hold_after is 0.5 control periods"),
    ],
)
def test_mistake_is_named(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        XArmConfig(**({"address": ADDRESS} | changes))


@pytest.mark.parametrize("rate, acceleration, jerk", [(100.0, 1.0, 4.0), (250.0, 5.0, 500.0)])
def test_slow_arm_that_can_be_planned_is_admitted(
    rate: float, acceleration: float, jerk: float
) -> None:
    XArmConfig(address=ADDRESS, stream_rate=rate, joint_acceleration=acceleration, joint_jerk=jerk)


@pytest.mark.parametrize("serial", ["XArm6 of before 1305", "XArm6 from 1305"])
def test_ranges_of_joints_are_those_that_every_unit_has(serial: str) -> None:
    limits = XCONF.Robot.JOINT_LIMITS[6]
    types = XCONF.Robot.Type
    vendor = limits[types.XARM6_X4 if "before" in serial else types.XARM6_X4_1305]
    for joint, (lower, upper) in zip(ARM.joints, vendor, strict=True):
        assert joint.lower >= lower - 1e-4
        assert joint.upper <= upper + 1e-4


def test_arm_of_the_driver_is_that_of_the_simulators_but_for_its_ranges() -> None:
    for ours, theirs in zip(ARM.joints, XARM6.joints, strict=True):
        assert (ours.origin, ours.roll) == (theirs.origin, theirs.roll)
        assert theirs.lower <= ours.lower < ours.upper <= theirs.upper
