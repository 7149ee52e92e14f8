"""The vendor's client moves the emulated arm: streamed, planned, online and by velocity."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from vendor_arms import BENT, Arm, joints_of, position_of, ready, until

from ibc_gym.hardware.rig.process import Rig
from ibc_gym.kinematics import Kinematics
from ibc_gym.records import Float64
from ibc_gym.xarm6 import XARM6

FLANGE = Kinematics(XARM6, 0.0)


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
    sides: list[float] = []

    def side() -> float:
        sides.append(rig.state()["tool"]["position"][1])
        return sides[-1]

    for sideways in (60.0, -60.0):
        if mode == 6:
            assert (
                arm.set_servo_angle(angle=[sideways / 300, *BENT[1:]], speed=0.25, mvacc=8.0) == 0
            )
        else:
            goal = [start[0], start[1] + sideways, *start[2:]]
            assert arm.set_position(*goal, speed=75, mvacc=2000) == 0
        assert until(lambda: side() > 0.002)
    goal_y = FLANGE.forward(np.array([-0.2, *BENT[1:]])).position[1] if mode == 6 else -0.06
    assert until(lambda: side() == pytest.approx(goal_y, abs=1e-4))
    assert max(sides) < 0.055  # it never was at the first goal, 0.8 s away
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
    for goal in ([0.6, *BENT[1:]], BENT):
        assert arm.set_servo_angle(angle=goal, speed=0.6, mvacc=15.0) == 0
    assert arm.set_state(3) == 0
    assert arm.get_state() == (0, 3) and arm.get_cmdnum()[1] == 2
    assert until(lambda: not np.any(rig.state()["joint_velocities"]))
    assert 0 < rig.state()["joints"][0] < 0.6
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
    asked = time.monotonic()
    assert arm.set_pause_time(0.3) == 0
    assert arm.set_servo_angle(angle=[0.05, *BENT[1:]], speed=2.0) == 0
    assert until(lambda: rig.state()["joints"][0] > 0)
    assert time.monotonic() - asked >= 0.3
    assert until(lambda: rig.state()["joints"][0] == pytest.approx(0.05))
