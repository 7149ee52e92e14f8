"""The vendor's client, unmodified, against the emulated controller: what it reads, the tool's board, and several clients."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from vendor_arms import BENT, Arm, joints_of, position_of, ready, until

from ibc_gym.hardware.rig.configuration import DH
from ibc_gym.hardware.rig.process import Rig
from ibc_gym.kinematics import Kinematics
from ibc_gym.records import Float64
from ibc_gym.xarm6 import XARM6

FLANGE = Kinematics(XARM6, 0.0)


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
