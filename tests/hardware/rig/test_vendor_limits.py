"""What the emulated controller is set to by the vendor's client, and what it refuses."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np
import pytest
from vendor_arms import BENT, Arm, position_of, ready, until

from ibc_gym.hardware.rig.process import Rig


def test_offset_of_the_tool_moves_what_is_reported(arm: Arm, rig: Rig) -> None:
    before = position_of(arm)
    assert arm.set_tcp_offset([10, 0, 150, 0, 0, 0.5]) == 0
    assert until(lambda: np.allclose(arm.tcp_offset, [10, 0, 150, 0, 0, 0.5], atol=1e-5))
    assert position_of(arm)[2] == pytest.approx(before[2] - 150, abs=0.01)
    assert rig.configuration()["tcp_offset"] == pytest.approx([0.01, 0, 0.15, 0, 0, 0.5])
    assert arm.get_state() == (0, 5)


@pytest.mark.parametrize(
    "change",
    [
        lambda arm: arm.set_tcp_load(0.8, [0, 0, 40]),
        lambda arm: arm.set_teach_sensitivity(2),
        lambda arm: arm.set_reduced_max_tcp_speed(100),
        lambda arm: arm.set_fence_mode(True)[0],
        lambda arm: arm.set_collision_rebound(True)[0],
        lambda arm: arm.set_self_collision_detection(True),
        lambda arm: arm.set_gravity_direction([0, 0, -1]),
    ],
)
def test_changing_the_configuration_resets_mode_and_state(
    arm: Arm, rig: Rig, change: Callable[[Arm], int]
) -> None:
    ready(arm, 1)
    assert change(arm) == 0
    state = rig.state()
    assert (state["mode"], state["state"]) == (0, 5)
    assert arm.set_servo_angle_j(BENT) == 9
    ready(arm, 1)
    assert arm.set_servo_angle_j(BENT) == 0


def test_collision_sensitivity_is_armed_again_by_the_client_in_mode_0(arm: Arm, rig: Rig) -> None:
    ready(arm, 1)
    assert arm.set_collision_sensitivity(4) == 0
    state = rig.state()
    assert (state["mode"], state["state"]) == (0, 2)
    assert until(lambda: arm.collision_sensitivity == 4)


def test_everything_that_is_set_is_read_back(arm: Arm) -> None:
    box = [500, 100, 300, -300, 400, 50]
    ranges = [-3.0, 3.0, -2.0, 2.0, -3.5, 0.1, -3.0, 3.0, -1.5, 3.0, -3.0, 3.0]
    assert arm.set_reduced_tcp_boundary(box) == 0
    assert arm.set_reduced_max_tcp_speed(250) == 0
    assert arm.set_reduced_max_joint_speed(1.2) == 0
    assert arm.set_reduced_joint_range(ranges) == 0
    assert arm.set_reduced_mode(True) == 0
    assert arm.set_fence_mode(True) == [0]
    assert arm.set_collision_rebound(True) == [0]
    code, states = arm.get_reduced_states()
    assert code == 0
    assert states[0] == 1 and states[1] == box
    assert states[2] == pytest.approx(250) and states[3] == pytest.approx(1.2)
    assert states[4][:12] == pytest.approx(ranges) and states[5:] == [1, 1]
    assert arm.get_reduced_mode() == (0, 1)
    assert until(lambda: arm.is_fence_mode and arm.is_reduced_mode and arm.is_collision_rebound)
    assert until(lambda: list(arm.reduced_tcp_boundary) == box)
    assert (
        arm.set_tcp_load(1.1, [1, 2, 30]) == 9
    )  # the arm is not ready now, and it is set all the same
    assert until(lambda: arm.tcp_load == [1.1, [1, 2, 30]])


def test_configuration_lasts_only_if_it_is_saved(connect: Callable[..., Arm], rig: Rig) -> None:
    arm = ready(connect(), 0)
    assert arm.set_tcp_load(0.5, [0, 0, 20]) == 0
    assert arm.save_conf() == 0
    assert ready(arm, 0).set_tcp_load(0.9, [0, 0, 20]) == 0
    arm.system_control(2)
    assert until(lambda: rig.state()["clients"] == 0)
    assert rig.configuration()["load_mass"] == pytest.approx(0.5)
    arm = connect()
    assert arm.clean_conf() == 0 and arm.save_conf() == 0
    assert rig.configuration()["load_mass"] == 0.0


def test_reduced_mode_slows_planned_moves(arm: Arm, rig: Rig) -> None:
    assert arm.set_reduced_max_joint_speed(0.3) == 0
    assert arm.set_reduced_mode(True) == 0
    ready(arm, 0)
    assert arm.set_servo_angle(angle=[0.15, *BENT[1:]], speed=3.0, mvacc=20.0) == 0
    fastest = 0.0
    while rig.state()["moving"]:
        fastest = max(fastest, abs(rig.state()["joint_velocities"][0]))
    assert fastest == pytest.approx(0.3, abs=1e-3)


def test_reduced_range_of_a_joint_is_error_23(arm: Arm) -> None:
    assert arm.set_reduced_joint_range([-0.1, 0.1, *[-3, 3] * 5]) == 0
    assert arm.set_reduced_mode(True) == 0
    ready(arm, 0)
    assert arm.set_servo_angle(angle=[0.2, *BENT[1:]]) == 1
    assert arm.get_err_warn_code() == (0, [23, 0])


def test_joint_limit_is_error_23(arm: Arm, rig: Rig) -> None:
    ready(arm, 1)
    rig.place([0.0, -0.5, 0.19, 0.0, 0.85, 0.0])
    # By the client's own tolerance of 0.1 degrees, just beyond the range.
    assert arm.set_servo_angle_j([0.0, -0.5, 0.1935, 0.0, 0.85, 0.0]) == 1
    assert arm.get_err_warn_code() == (0, [23, 0])
    assert rig.state()["commanded"][2] == pytest.approx(0.19)


def test_step_that_is_too_long_is_error_60(arm: Arm, rig: Rig) -> None:
    ready(arm, 1)
    assert arm.set_servo_angle_j([0.06, *BENT[1:]]) == 1  # 18 mm
    assert arm.get_err_warn_code() == (0, [60, 0])
    assert rig.state()["commanded"] == pytest.approx(BENT)


def test_pose_that_is_too_far_is_error_24(arm: Arm) -> None:
    ready(arm, 1)
    start = position_of(arm)
    assert arm.set_servo_cartesian([start[0] + 11, *start[1:]]) == 1
    assert arm.get_err_warn_code() == (0, [24, 0])


def test_stream_of_short_steps_that_is_too_fast_stops_the_arm(arm: Arm, rig: Rig) -> None:
    ready(arm, 1)
    codes = []
    for step in range(1, 40):
        codes.append(arm.set_servo_angle_j([0.02 * step, *BENT[1:]]))  # 6 mm each, back to back
        if codes[-1]:
            break
    assert codes[-1] == 1 and len(codes) > 5
    assert arm.get_err_warn_code()[1][0] in (24, 60)  # too fast for the joint, or for the tool


def test_leaving_the_fence_is_error_35(arm: Arm, rig: Rig) -> None:
    start = position_of(arm)
    assert arm.set_reduced_tcp_boundary([1000, -1000, 20, -20, 1000, -1000]) == 0
    assert arm.set_fence_mode(True) == [0]
    ready(arm, 1)
    for step in range(1, 12):
        code = arm.set_servo_cartesian([start[0], start[1] + 2.0 * step, *start[2:]])
        if code:
            break
        time.sleep(0.01)
    assert (code, step) == (1, 11)
    assert arm.get_err_warn_code() == (0, [35, 0])
    assert rig.state()["tool"]["position"][1] < 0.0201
    ready(arm, 0)
    assert arm.set_position(*(start + np.array([0, 90, 0, 0, 0, 0]))) == 1
    ready(arm, 5)
    assert arm.vc_set_cartesian_velocity([0, 40, 0, 0, 0, 0], duration=2) == 0
    assert until(lambda: rig.state()["error"] == 35)
    assert rig.state()["tool"]["position"][1] < 0.0205


def test_place_that_cannot_be_reached_is_error_21(arm: Arm) -> None:
    assert arm.set_position(900, 0, 900, math.pi, 0, 0) == 1
    assert arm.get_err_warn_code() == (0, [21, 0])


def test_velocity_that_no_arm_has_is_error_24(arm: Arm) -> None:
    ready(arm, 5)
    assert arm.vc_set_cartesian_velocity([0, 1500, 0, 0, 0, 0], duration=0.1) == 1
    assert arm.get_err_warn_code() == (0, [24, 0])


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_servo_target_that_is_no_number_is_refused_and_warned_of(
    arm: Arm, rig: Rig, bad: float
) -> None:
    ready(arm, 1)
    assert arm.set_servo_angle_j([BENT[0], bad, *BENT[2:]]) in (10, -8)
    pose = position_of(arm)
    assert arm.set_servo_cartesian([pose[0], bad, *pose[2:]]) == 10
    assert arm.get_err_warn_code() == (0, [0, 12])
    assert rig.state()["commanded"] == pytest.approx(BENT)
    assert not any(entry["accepted"] for entry in rig.heard())
    assert arm.set_servo_angle_j(BENT) == 0  # a warning does not stop the arm
    assert arm.clean_warn() == 0 and arm.get_err_warn_code() == (0, [0, 0])


def test_planned_target_and_velocity_that_are_no_number_are_refused(arm: Arm, rig: Rig) -> None:
    assert arm.set_position(x=math.nan) == 10
    assert arm.set_servo_angle(angle=[math.nan, *BENT[1:]]) == 10
    ready(arm, 5)
    assert arm.vc_set_cartesian_velocity([math.nan, 0, 0, 0, 0, 0]) == 10
    assert rig.state()["joints"] == pytest.approx(BENT)


def test_joint_can_be_switched_off_alone_and_stops_the_arm(arm: Arm) -> None:
    assert arm.motion_enable(False, servo_id=3) == 0
    assert arm.get_state() == (0, 4)
    assert until(lambda: arm.motor_enable_states[:6] == [1, 1, 0, 1, 1, 1])
    assert arm.set_state(0) == 0 and arm.get_state() == (0, 4)  # 0 that is no success
    ready(arm, 0)
