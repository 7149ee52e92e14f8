"""The vendor's client, unmodified, against the emulated controller: every feature that a driver may want."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from vendor_arms import BENT, Arm, ready, until

from ibc_gym.hardware.rig.configuration import DH
from ibc_gym.hardware.rig.process import Rig
from ibc_gym.kinematics import Kinematics
from ibc_gym.records import Float64
from ibc_gym.xarm6 import XARM6

FLANGE = Kinematics(XARM6, 0.0)


def joints_of(arm: Arm) -> Float64:
    code, angles = arm.get_servo_angle()
    assert code == 0
    return np.array(angles[:6])


def position_of(arm: Arm) -> Float64:
    code, pose = arm.get_position()
    assert code == 0
    return np.array(pose)


def test_client_learns_model_serial_and_firmware(connect: Callable[..., Arm]) -> None:
    arm = connect(check_robot_sn=True)
    assert arm.connected
    assert (arm.axis, arm.device_type, arm.sn) == (6, 6, "XI130406B01A02")
    assert arm.version_number == (2, 6, 107)
    assert arm.get_robot_sn() == (0, "XI130406B01A02")
    assert arm.control_box_sn == "AC130407C01D02"


def test_arm_is_not_ready_until_it_is_enabled(connect: Callable[..., Arm], rig: Rig) -> None:
    arm = connect()
    assert until(lambda: arm.state == 4)
    assert arm.get_err_warn_code() == (0, [0, 0])
    assert arm.set_servo_angle_j(BENT) == 9
    assert not rig.state()["enabled"]
    ready(arm, 1)
    assert until(lambda: all(arm.motor_enable_states[:6]) and all(arm.motor_brake_states[:6]))
    assert arm.set_servo_angle_j(BENT) == 0


def test_pose_and_joints_agree_with_our_kinematics(arm: Arm) -> None:
    assert joints_of(arm) == pytest.approx(BENT, abs=1e-5)
    flange = FLANGE.forward(np.array(BENT))
    assert position_of(arm)[:3] / 1000 == pytest.approx(flange.position, abs=1e-5)
    code, pose = arm.get_position_aa()
    assert code == 0 and pose[:3] == pytest.approx(position_of(arm)[:3], abs=1e-3)
    assert np.linalg.norm(pose[3:]) == pytest.approx(math.pi, abs=1e-4)  # it points straight down
    code, states = arm.get_joint_states()
    assert code == 0 and states[0][:6] == pytest.approx(BENT, abs=1e-5)
    assert states[1] == [0.0] * 7


def test_properties_follow_the_reports(arm: Arm) -> None:
    assert until(lambda: np.allclose(arm.angles[:6], BENT, atol=1e-5))
    assert until(lambda: np.allclose(arm.position, position_of(arm), atol=1e-2))
    assert arm.tcp_acc_limit == [1.0, 50000.0] and arm.joint_speed_limit[1] == 4.0
    assert arm.error_code == 0 and arm.warn_code == 0 and arm.cmd_num == 0


def test_kinematics_of_the_controller_invert_each_other(arm: Arm) -> None:
    code, pose = arm.get_forward_kinematics([0.5, 0.2, -1.0, 0.3, 0.7, 1.5])
    assert code == 0
    code, joints = arm.get_inverse_kinematics(pose)
    assert code == 0
    assert arm.get_forward_kinematics(joints)[1] == pytest.approx(pose, abs=1e-2)
    code, _ = arm.get_inverse_kinematics([2000, 0, 0, math.pi, 0, 0])
    assert code == 10


def test_dh_table_gives_the_pose_that_is_reported(arm: Arm) -> None:
    code, numbers = arm.get_dh_params()
    assert code == 0
    table = np.array(numbers).reshape(7, 4)
    base_T_link = np.eye(4)
    for angle, (offset, d, alpha, a) in zip(BENT, table[:6], strict=True):
        base_T_link = base_T_link @ _standard(angle + offset, d, alpha, a)
    assert base_T_link[:3, 3] == pytest.approx(position_of(arm)[:3], abs=1e-2)
    assert table[0, 1] == pytest.approx(1000 * DH[0][1])


def _standard(theta: float, d: float, alpha: float, a: float) -> Float64:
    c, s, ca, sa = math.cos(theta), math.sin(theta), math.cos(alpha), math.sin(alpha)
    return np.array(
        [
            [c, -s * ca, s * sa, a * c],
            [s, c * ca, -c * sa, a * s],
            [0, sa, ca, d],
            [0, 0, 0, 1],
        ]
    )


def test_limits_are_checked_when_asked(arm: Arm) -> None:
    assert arm.is_joint_limit(BENT) == (0, False)
    assert arm.is_joint_limit([0, 0, 1.0, 0, 0, 0]) == (0, True)
    assert arm.is_tcp_limit([300, 0, 300, math.pi, 0, 0]) == (0, False)
    assert arm.is_tcp_limit([3000, 0, 300, math.pi, 0, 0]) == (0, True)


def test_servo_stream_of_joints_is_followed(arm: Arm, rig: Rig) -> None:
    ready(arm, 1)
    targets = [[BENT[0] + 0.002 * step, *BENT[1:]] for step in range(1, 41)]
    for target in targets:
        assert arm.set_servo_angle_j(target) == 0
        time.sleep(0.005)
    assert until(lambda: np.allclose(rig.state()["joints"], targets[-1], atol=1e-6))
    heard = rig.heard()
    assert [entry["name"] for entry in heard] == ["servo_joints"] * len(targets)
    assert all(entry["accepted"] and entry["mode"] == 1 for entry in heard)
    assert np.allclose([entry["joints"] for entry in heard], targets, atol=1e-6)
    assert rig.heard() == []


def test_servo_stream_of_poses_is_followed(arm: Arm, rig: Rig) -> None:
    ready(arm, 1)
    start = position_of(arm)
    for step in range(1, 31):
        assert arm.set_servo_cartesian([start[0], start[1] + 2.0 * step, *start[2:]]) == 0
        time.sleep(0.005)
    goal = (start[:3] + np.array([0, 60, 0])) / 1000
    assert until(lambda: np.allclose(rig.state()["tool"]["position"], goal, atol=2e-5))
    heard = rig.heard()
    assert heard[-1]["name"] == "servo_tool" and heard[-1]["frame"] == "base"
    assert heard[-1]["position"] == pytest.approx(goal, abs=1e-6)
    assert abs(heard[-1]["quaternion"][2]) == pytest.approx(1.0, abs=1e-4) or abs(
        heard[-1]["quaternion"][1]
    ) == pytest.approx(1.0, abs=1e-4)


def test_servo_stream_in_the_axes_of_the_tool(arm: Arm, rig: Rig) -> None:
    ready(arm, 1)
    height = position_of(arm)[2]
    for _ in range(5):
        assert arm.set_servo_cartesian([0, 0, 2.0, 0, 0, 0], is_tool_coord=True) == 0
        time.sleep(0.01)
    lower = (height - 10) / 1000  # it points down
    assert until(lambda: rig.state()["tool"]["position"][2] == pytest.approx(lower, abs=1e-5))


def test_servo_stream_with_rotation_vectors(arm: Arm, rig: Rig) -> None:
    ready(arm, 1)
    _, start = arm.get_position_aa()
    for step in range(1, 6):
        assert arm.set_servo_cartesian_aa([start[0] + step, *start[1:]]) == 0
        time.sleep(0.01)
    for _ in range(5):
        assert arm.set_servo_cartesian_aa([1.0, 0, 0, 0, 0, 0], relative=True) == 0
        time.sleep(0.01)
    goal = (start[0] + 10) / 1000
    assert until(lambda: rig.state()["tool"]["position"][0] == pytest.approx(goal, abs=1e-5))
    assert rig.heard()[-1]["relative"] is True


def test_servo_target_in_the_wrong_mode_is_heard_and_not_followed(arm: Arm, rig: Rig) -> None:
    assert arm.set_servo_angle_j([0.01, *BENT[1:]]) == 0  # the client only logs a reminder
    heard = rig.heard()
    assert [entry["accepted"] for entry in heard] == [False] and heard[0]["mode"] == 0
    assert rig.state()["commanded"] == pytest.approx(BENT)


def test_planned_joints_are_waited_for(arm: Arm, rig: Rig) -> None:
    goal = [0.3, -0.4, -0.5, 0.2, 0.6, -0.3]
    assert arm.set_servo_angle(angle=goal, speed=2.0, mvacc=15.0, wait=True, timeout=10) == 0
    assert joints_of(arm) == pytest.approx(goal, abs=1e-4)
    assert rig.state()["state"] == 2


def test_planned_line_is_straight(arm: Arm, rig: Rig) -> None:
    start = position_of(arm)
    goal = start + np.array([40, 80, -20, 0, 0, 0.3])
    assert arm.set_position(*goal, speed=200, mvacc=2000) == 0
    seen: list[Float64] = []
    while not seen or rig.state()["moving"]:
        seen.append(1000 * np.array(rig.state()["tool"]["position"]))
    way = (goal - start)[:3]
    along = way / np.linalg.norm(way)
    off = [np.linalg.norm(np.cross(place - start[:3], along)) for place in seen]
    assert len(seen) > 10 and max(off) < 0.05
    assert position_of(arm)[:3] == pytest.approx(goal[:3], abs=0.01)


def test_commands_wait_in_the_buffer_and_run_in_their_order(arm: Arm, rig: Rig) -> None:
    goals = [[0.1, *BENT[1:]], [0.1, -0.4, *BENT[2:]], BENT]
    for goal in goals:
        assert arm.set_servo_angle(angle=goal, speed=1.5, mvacc=15.0) == 0
    code, waiting = arm.get_cmdnum()
    assert code == 0 and waiting >= 2
    assert arm.get_state() == (0, 1)
    assert until(lambda: arm.get_cmdnum() == (0, 0))
    assert joints_of(arm) == pytest.approx(BENT, abs=1e-5)


def test_fields_that_are_left_out_are_kept(arm: Arm) -> None:
    start = position_of(arm)
    assert arm.set_position(z=float(start[2]) - 15, speed=300, wait=True, timeout=10) == 0
    assert position_of(arm)[:3] == pytest.approx(start[:3] - np.array([0, 0, 15]), abs=0.01)


def test_relative_moves_of_tool_and_joints(arm: Arm) -> None:
    start = position_of(arm)
    assert arm.set_position(y=12, relative=True, speed=300, wait=True, timeout=10) == 0
    assert position_of(arm)[:3] == pytest.approx(start[:3] + np.array([0, 12, 0]), abs=0.01)
    assert arm.set_tool_position(z=7, speed=300, wait=True, timeout=10) == 0
    assert position_of(arm)[2] == pytest.approx(start[2] - 7, abs=0.01)
    before = joints_of(arm)
    way = [0.05, 0, 0, 0, 0, -0.1]
    assert arm.set_servo_angle(angle=way, relative=True, speed=2, wait=True, timeout=10) == 0
    assert joints_of(arm) == pytest.approx(before + way, abs=1e-5)


def test_line_with_a_rotation_vector(arm: Arm) -> None:
    _, start = arm.get_position_aa()
    goal = [start[0] + 10, *start[1:]]
    assert arm.set_position_aa(goal, speed=300, wait=True, timeout=10) == 0
    assert arm.get_position_aa()[1][:3] == pytest.approx(goal[:3], abs=0.01)


def test_half_a_circle(arm: Arm) -> None:
    start = position_of(arm)
    side, end = start + np.array([20, 20, 0, 0, 0, 0]), start + np.array([0, 40, 0, 0, 0, 0])
    assert arm.move_circle(list(side), list(end), 50, speed=300, wait=True, timeout=10) == 0
    assert position_of(arm)[:3] == pytest.approx(end[:3], abs=0.02)


def test_home_is_where_all_joints_are_zero(arm: Arm) -> None:
    assert arm.move_gohome(speed=2.0, mvacc=15.0, wait=True, timeout=10) == 0
    assert joints_of(arm) == pytest.approx([0] * 6, abs=1e-5)
    assert position_of(arm) == pytest.approx(
        [207, 0, 112, math.copysign(math.pi, position_of(arm)[3]), 0, 0], abs=0.01
    )


def test_only_checking_a_motion_does_not_move(arm: Arm, rig: Rig) -> None:
    assert arm.set_servo_angle(angle=[0.1, *BENT[1:]], only_check_type=1) == 0
    assert arm.set_position(3000, 0, 300, math.pi, 0, 0, only_check_type=1) == 1
    assert rig.state()["error"] == 0 and rig.state()["joints"] == pytest.approx(BENT)


@pytest.mark.parametrize("mode", [6, 7])
def test_online_target_replaces_the_one_before(arm: Arm, rig: Rig, mode: int) -> None:
    ready(arm, mode)
    start = position_of(arm)
    for sideways in (60.0, -60.0):
        if mode == 6:
            assert arm.set_servo_angle(angle=[sideways / 300, *BENT[1:]], speed=1.0, mvacc=8.0) == 0
        else:
            goal = [start[0], start[1] + sideways, *start[2:]]
            assert arm.set_position(*goal, speed=200, mvacc=2000) == 0
        time.sleep(0.15)
    assert rig.state()["tool"]["position"][1] > -0.05  # still on its way
    goal_y = FLANGE.forward(np.array([-0.2, *BENT[1:]])).position[1] if mode == 6 else -0.06
    assert until(lambda: rig.state()["tool"]["position"][1] == pytest.approx(goal_y, abs=1e-4))
    assert until(lambda: rig.state()["state"] == 2)


def test_joint_velocity_ends_when_its_time_is_over(arm: Arm, rig: Rig) -> None:
    ready(arm, 4)
    assert arm.vc_set_joint_velocity([0.4, 0, 0, 0, 0, 0], duration=0.2) == 0
    assert until(lambda: rig.state()["joint_velocities"][0] == pytest.approx(0.4))
    assert until(lambda: not rig.state()["moving"])
    assert 0.06 < rig.state()["joints"][0] < 0.11
    assert rig.heard()[0]["duration"] == pytest.approx(0.2)


def test_tool_velocity_without_a_time_goes_on_until_it_is_told(arm: Arm, rig: Rig) -> None:
    ready(arm, 5)
    start = np.array(rig.state()["tool"]["position"])
    assert arm.vc_set_cartesian_velocity([0, 50, 0, 0, 0, 0]) == 0
    assert until(lambda: rig.state()["tool"]["position"][1] > start[1] + 0.02)
    assert arm.vc_set_cartesian_velocity([0, 0, 0, 0, 0, 0]) == 0
    assert until(lambda: not rig.state()["moving"])
    way = np.array(rig.state()["tool"]["position"]) - start
    assert np.abs(way[[0, 2]]).max() < 1e-4
    entry = rig.heard()[0]
    assert entry["duration"] is None and entry["twist"] == pytest.approx([0, 0.05, 0, 0, 0, 0])


def test_pause_keeps_the_buffer_and_stop_drops_it(arm: Arm, rig: Rig) -> None:
    for goal in ([0.4, *BENT[1:]], BENT):
        assert arm.set_servo_angle(angle=goal, speed=1.0, mvacc=15.0) == 0
    assert arm.set_state(3) == 0
    assert arm.get_state() == (0, 3) and arm.get_cmdnum()[1] == 2
    assert until(lambda: not np.any(rig.state()["joint_velocities"]))
    assert 0 < rig.state()["joints"][0] < 0.4
    assert arm.set_state(0) == 0
    assert until(lambda: arm.get_cmdnum() == (0, 1))
    arm.emergency_stop()
    assert arm.get_state() == (0, 4) and arm.get_cmdnum() == (0, 0)
    assert until(lambda: not np.any(rig.state()["joint_velocities"]))
    assert arm.set_state(0) == 0 and arm.get_state() == (0, 2)


def test_waiting_for_a_move_ends_when_it_is_stopped(arm: Arm, rig: Rig) -> None:
    code = arm.set_servo_angle(angle=[1.0, *BENT[1:]], speed=0.5)
    assert code == 0
    rig.inject("collision")
    assert until(lambda: arm.get_err_warn_code() == (0, [31, 0]))
    assert arm.set_servo_angle(angle=BENT, wait=True, timeout=2) == 1


def test_pause_time_holds_the_next_command_back(arm: Arm, rig: Rig) -> None:
    assert arm.set_pause_time(0.3) == 0
    assert arm.set_servo_angle(angle=[0.05, *BENT[1:]], speed=2.0) == 0
    time.sleep(0.1)
    assert rig.state()["joints"] == pytest.approx(BENT)
    assert until(lambda: rig.state()["joints"][0] == pytest.approx(0.05))


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


def test_gripper_opens_and_closes(arm: Arm, rig: Rig) -> None:
    assert arm.set_gripper_enable(True) == 0
    assert arm.set_gripper_mode(0) == 0
    assert arm.set_gripper_speed(5000) == 0
    assert arm.get_gripper_version() == (0, "3.4.3")
    assert arm.set_gripper_position(600, wait=True, timeout=5) == 0
    assert arm.get_gripper_position() == (0, 600)
    assert arm.set_gripper_position(-500, wait=True, timeout=5) == 0
    assert rig.state()["gripper"] == -10  # it closes no further
    assert arm.get_gripper_err_code() == (0, 0)


def test_gripper_that_fails_is_cleared(arm: Arm, rig: Rig) -> None:
    assert arm.set_gripper_enable(True) == 0
    rig.inject("gripper", code=11)
    assert until(lambda: arm.get_gripper_err_code() == (0, 11))
    assert arm.set_gripper_position(100) != 0
    assert arm.clean_gripper_error() == 0
    assert arm.get_gripper_err_code() == (0, 0)


def test_outputs_of_the_tool_and_of_the_box(arm: Arm) -> None:
    assert arm.set_tgpio_digital(0, 1) == 0 and arm.set_tgpio_digital(1, 1) == 0
    assert arm.set_tgpio_digital(0, 0) == 0
    code, outputs = arm.get_tgpio_output_digital()
    assert code == 0 and outputs[:2] == [0, 1]
    assert arm.get_tgpio_digital()[0] == 0
    assert arm.get_tgpio_analog() == (0, [0.0, 0.0])
    assert arm.set_cgpio_digital(3, 1) == 0
    assert arm.get_cgpio_digital()[0] == 0
    assert arm.set_cgpio_analog(0, 2.5) == 0
    code, state = arm.get_cgpio_state()
    assert code == 0 and state[8] == pytest.approx(2.5, abs=0.01)


def test_what_only_newer_clients_set_is_read_back(arm: Arm) -> None:
    assert arm.set_ft_collision_threshold([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]) == 0
    assert arm.get_ft_collision_threshold() == (0, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    assert arm.get_ft_collision_detection() == (0, 0)


@pytest.mark.parametrize("report", ["real", "normal", "rich"])
def test_every_stream_brings_state_and_joints(
    connect: Callable[..., Arm], rig: Rig, report: str
) -> None:
    arm = connect(report_type=report)
    ready(arm, 1)
    for step in range(1, 11):
        assert arm.set_servo_angle_j([0.002 * step, *BENT[1:]]) == 0
        time.sleep(0.01)
    assert until(lambda: arm.angles[0] == pytest.approx(0.02, abs=1e-5))
    rig.inject("error", code=25)
    assert until(lambda: arm.state == 4)
    if report == "real":  # it has no place for codes
        assert arm.error_code == 0
    else:
        assert until(lambda: arm.error_code == 25)


def test_reports_come_at_their_rates(connect: Callable[..., Arm]) -> None:
    counts = {"real": 0, "rich": 0}
    times: dict[str, list[float]] = {"real": [], "rich": []}

    def note(report: str) -> Callable[[object], None]:
        def seen(item: object) -> None:
            counts[report] += 1
            times[report].append(time.monotonic())

        return seen

    for report in counts:
        connect(report_type=report).register_report_callback(note(report))
    assert until(lambda: counts["rich"] >= 9)
    rates = {name: (len(row) - 1) / (row[-1] - row[0]) for name, row in times.items()}
    assert rates["rich"] == pytest.approx(5, rel=0.2)
    assert 50 < rates["real"] < 110  # the client's own thread may miss some
    assert all(later >= earlier for earlier, later in pairwise(times["rich"]))


def test_second_channel_and_several_clients(connect: Callable[..., Arm], rig: Rig) -> None:
    first, second = connect(), connect()
    ready(first, 1)
    assert second.get_state() == (0, 2)
    assert until(lambda: rig.state()["clients"] == 4)
    assert second.set_state(4) == 0
    assert first.set_servo_angle_j(BENT) == 9


def test_count_that_a_program_keeps(arm: Arm) -> None:
    assert arm.set_counter_increase() == 0
    assert arm.set_counter_increase() == 0
    assert until(lambda: arm.count == 2)
    assert arm.set_counter_reset() == 0
    assert until(lambda: arm.count == 0)
