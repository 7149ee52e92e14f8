"""The three report streams, read by the vendor's own structures: what was set and measured stands where they look."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from xarm.x3.report import ReportDataStructure

from ibc_gym.hardware.rig.configuration import Identity
from ibc_gym.hardware.rig.core import Core
from ibc_gym.hardware.rig.kinematic_arm import KinematicArm
from ibc_gym.hardware.rig.reports import NORMAL, RATES, REAL, RICH, report
from ibc_gym.records import Target

BENT = np.array([0.1, -0.5, -0.35, 0.2, 0.85, -0.3])
SIZES = {NORMAL: 145, RICH: 587, REAL: 135}


@pytest.fixture
def core() -> Core:
    robot = KinematicArm()
    robot.reset(Target(joints=BENT))
    core = Core(robot)
    core.machine.enable(8, True)
    core.machine.set_mode(4)
    core.machine.set_state(0)
    return core


def read(core: Core, port: int) -> Any:
    frame = report(core, port)
    assert len(frame) == int.from_bytes(frame[:4], "big") == SIZES[port]
    vendors: Any = ReportDataStructure
    structure = vendors.create(port)
    assert len(structure) == SIZES[port]
    structure.update(frame)
    return structure


@pytest.mark.parametrize("port", list(RATES))
def test_every_stream_says_mode_state_joints_and_pose(core: Core, port: int) -> None:
    seen = read(core, port)
    assert (seen.state, seen.mode, seen.cmd_num) == (2, 4, 0)
    assert seen.actual_joint_angle == pytest.approx([*BENT, 0.0], abs=1e-6)
    place = core.tool[:3, 3] * 1000
    assert seen.actual_tcp_pose[:3] == pytest.approx(place, abs=1e-3)


@pytest.mark.parametrize("port", [NORMAL, RICH])
def test_slower_streams_say_errors_and_settings(core: Core, port: int) -> None:
    c = core.configuration
    c.tcp_offset = np.array([0.01, 0.02, 0.15, 0.1, 0.2, 0.3])
    c.load_mass, c.load_centre = 0.8, np.array([0.0, 0.01, 0.05])
    c.collision_sensitivity, c.teach_sensitivity = 4, 2
    core.configure()
    core.machine.warn(11)
    core.fail(24)
    seen = read(core, port)
    assert (seen.error_code, seen.warn_code, seen.state) == (24, 11, 4)
    assert seen.tcp_offset == pytest.approx([10, 20, 150, 0.1, 0.2, 0.3])
    assert seen.tcp_payload == pytest.approx([0.8, 0, 10, 50])
    assert (seen.collision_sens, seen.teaching_sens) == (4, 2)
    assert seen.gravity_direction == [0, 0, -1]
    assert seen.motor_enable_status == seen.motor_brake_status == 0x7F


def test_servo_error_takes_the_brakes_and_says_which_joint(core: Core) -> None:
    core.fail(14)
    seen = read(core, RICH)
    assert seen.motor_enable_status == seen.motor_brake_status == 0
    assert seen.servo_status_codes[3] == (3, 23)
    assert seen.servo_status_codes[0] == (0, 0)


def test_rich_stream_says_all_the_rest(core: Core) -> None:
    c = core.configuration
    c.reduced_on = c.fence_on = c.rebound_on = c.self_collision_on = True
    c.box = np.array([0.5, 0.1, 0.3, -0.3, 0.4, 0.05])
    c.reduced_tcp_speed, c.reduced_joint_speed = 0.25, 1.5
    c.reduced_ranges[2] = (-3, 0.1)
    c.world_offset = np.array([0.1, 0.2, 0.3, 0.0, 0.0, 0.5])
    c.tool_model, c.tool_sizes = 21, np.array([0.04, 0.1, 0, 0, 0, 0])
    core.configure()
    core.counter = 70_000
    core.box.analogue_out[1] = 2048
    seen = read(core, RICH)
    assert (seen.robot_type, seen.robot_axis, seen.version) == (6, 6, "v2.6.107")
    assert seen.is_reduced_mode and seen.is_fence_mode and seen.is_collision_rebound
    assert seen.config_status == 0b00011
    assert seen.reduced_tcp_boundary == [[100, 500], [-300, 300], [50, 400]]
    assert seen.reduced_tcp_max_speed == 250 and seen.reduced_joint_max_speed == 1.5
    assert seen.reduced_joint_limits[2] == pytest.approx([-3, 0.1])
    assert seen.world_offset == pytest.approx([100, 200, 300, 0, 0, 0.5])
    assert seen.is_collision_detection and seen.collision_tool_type == 21
    assert seen.collision_tool_params[:2] == pytest.approx([40, 100])
    assert seen.counter == 70_000
    assert seen.cgpio_analog_output == pytest.approx([0, 5.0], abs=0.01)
    assert seen.tcp_max_acc == 50_000 and seen.joint_max_speed == 4
    assert not seen.is_simulation_robot


def test_rich_stream_says_how_fast_tool_and_joints_are(core: Core) -> None:
    core.mover.joint_velocity().take(np.array([0.5, 0, 0, 0, 0, 0]), None)
    for _ in range(50):
        core.advance()
    seen = read(core, RICH)
    assert seen.state == 1
    assert seen.target_joint_speed[0] == pytest.approx(0.5)
    radius = float(np.hypot(*core.tool[:2, 3]))
    assert seen.target_tcp_speed == pytest.approx(500 * radius, rel=1e-2)


def test_version_of_any_identity_fits() -> None:
    core = Core(KinematicArm(), Identity(firmware=(1, 12, 10), serial="XI130500A01B02"))
    assert read(core, RICH).version == "v1.12.10"
