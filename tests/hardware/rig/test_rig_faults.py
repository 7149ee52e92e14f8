"""Faults on demand, as the vendor's client meets them: each does what its name says, and ends."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import numpy as np
import pytest
from vendor_arms import BENT, Arm, connected, ready, until

from ibc_gym.hardware.rig.faults import KINDS
from ibc_gym.hardware.rig.lines import RigError
from ibc_gym.hardware.rig.process import Rig


def slept(seconds: float) -> float:
    """Sleep, and say since when."""
    begun = time.monotonic()
    time.sleep(seconds)
    return begun


def recover(arm: Arm, rig: Rig, mode: int = 1) -> None:
    ready(arm, mode)
    assert rig.state()["error"] == 0
    assert arm.set_servo_angle_j(rig.state()["commanded"]) == 0


@pytest.mark.parametrize(
    "kind, code", [("collision", 31), ("joint-limit", 23), ("speed", 24), ("error", 25)]
)
def test_error_stops_the_arm_and_drops_what_was_planned(
    arm: Arm, rig: Rig, kind: str, code: int
) -> None:
    for goal in ([1.0, *BENT[1:]], BENT):
        assert arm.set_servo_angle(angle=goal, speed=0.6, mvacc=10) == 0
    assert until(lambda: rig.state()["joints"][0] > 0.02)
    rig.inject(kind)
    assert until(lambda: rig.state()["error"] == code)
    assert arm.get_err_warn_code() == (0, [code, 0])
    assert arm.get_state() == (0, 4) and arm.get_cmdnum() == (0, 0)
    assert until(lambda: not np.any(rig.state()["joint_velocities"]))
    assert rig.state()["joints"][0] < 0.4
    assert arm.set_state(0) == 0 and arm.get_state() == (0, 4)  # 0 that is no success
    assert arm.set_servo_angle(angle=BENT) == 1
    recover(arm, rig)


def test_error_ends_a_servo_stream_at_its_next_command(arm: Arm, rig: Rig) -> None:
    ready(arm, 1)
    assert arm.set_servo_angle_j([0.002, *BENT[1:]]) == 0
    rig.inject("error", code=27)
    assert until(lambda: arm.set_servo_angle_j([0.002, *BENT[1:]]) == 1)
    assert until(lambda: arm.error_code == 27)
    recover(arm, rig)


def test_warning_does_not_stop_the_arm(arm: Arm, rig: Rig) -> None:
    ready(arm, 1)
    rig.inject("warning", code=11)
    assert until(lambda: arm.get_err_warn_code() == (0, [0, 11]))
    assert arm.set_servo_angle_j([0.002, *BENT[1:]]) == 0
    assert until(lambda: rig.state()["joints"][0] == pytest.approx(0.002, abs=1e-6))
    assert arm.clean_warn() == 0 and arm.get_err_warn_code() == (0, [0, 0])


def test_servo_error_needs_the_joint_enabled_before_it_can_be_cleared(arm: Arm, rig: Rig) -> None:
    rig.inject("error", code=13)
    assert until(lambda: rig.state()["error"] == 13)
    assert until(lambda: not any(arm.motor_enable_states[:6]))
    assert until(lambda: arm.servo_codes[2] == [3, 23])
    arm.clean_error()
    assert arm.get_err_warn_code() == (0, [13, 0])
    assert arm.motion_enable(True) == 0
    arm.clean_error()
    assert arm.get_err_warn_code() == (0, [0, 0])
    recover(arm, rig)


@pytest.mark.parametrize("code", [1, 2, 3])
def test_emergency_stop_cannot_be_cleared_while_it_is_held(arm: Arm, rig: Rig, code: int) -> None:
    rig.inject("emergency-stop", code=code)
    assert until(lambda: rig.state()["error"] == code)
    arm.clean_error()
    assert arm.motion_enable(True) == 10
    assert arm.get_err_warn_code() == (0, [code, 0])
    assert not rig.state()["enabled"]
    rig.release()
    assert until(lambda: rig.state()["held"] == 0)
    assert rig.state()["error"] == code  # letting go clears nothing
    recover(arm, rig)


def test_emergency_stop_may_be_held_for_a_time(arm: Arm, rig: Rig) -> None:
    rig.inject("emergency-stop", duration=0.1)
    assert until(lambda: rig.state()["error"] == 1)
    assert until(lambda: rig.state()["held"] == 0)
    recover(arm, rig)


def test_rebound_backs_off_after_a_collision(arm: Arm, rig: Rig) -> None:
    arm.set_collision_rebound(True)
    ready(arm, 0)
    assert arm.set_servo_angle(angle=[1.0, *BENT[1:]], speed=0.6, mvacc=10) == 0
    assert until(lambda: rig.state()["joints"][0] > 0.15)
    before = rig.state()["joints"][0]
    rig.inject("collision")
    assert until(lambda: rig.state()["error"] == 31)
    assert until(lambda: not np.any(rig.state()["joint_velocities"]))
    # 0.15 s at 0.6 rad/s, less what went on between looking and colliding.
    assert rig.state()["joints"][0] < before
    recover(arm, rig)


def test_stalled_stream_is_taken_late_and_loses_nothing(arm: Arm, rig: Rig) -> None:
    ready(arm, 1)
    rig.inject("stall")
    waits = []
    for step in range(1, 21):
        begun = time.monotonic()
        assert arm.set_servo_angle_j([0.001 * step, *BENT[1:]]) == 0
        waits.append(time.monotonic() - begun)
        time.sleep(0.01)
    assert max(waits) > 0.12
    assert len(rig.heard()) == 20
    assert until(lambda: rig.state()["joints"][0] == pytest.approx(0.02, abs=1e-6))


def test_reports_go_on_while_commands_stall(connect: Callable[..., Arm], rig: Rig) -> None:
    arm = ready(connect(report_type="real"), 4)
    assert arm.vc_set_joint_velocity([0.3, 0, 0, 0, 0, 0], duration=1.0) == 0
    rig.inject("stall", duration=0.5)
    time.sleep(0.1)
    seen = {arm.angles[0] for _ in range(20) if slept(0.01)}
    assert len(seen) > 5


def test_rejected_targets_are_not_followed_and_the_reply_says_so(arm: Arm, rig: Rig) -> None:
    ready(arm, 1)
    before = rig.state()["joints"]
    rig.inject("reject", duration=30.0)
    time.sleep(0.05)
    assert arm.set_servo_angle_j([0.002, *BENT[1:]]) == 10
    assert arm.get_state()[0] == 0 and arm.get_err_warn_code() == (0, [0, 0])
    assert rig.state()["joints"] == before and rig.heard() == []
    rig.release()
    assert until(lambda: arm.set_servo_angle_j([0.002, *BENT[1:]]) == 0)


def test_late_replies_do_not_keep_commands_back(arm: Arm, rig: Rig) -> None:
    ready(arm, 1)
    rig.inject("delay", duration=30.0, late=0.3)
    time.sleep(0.05)
    arm.set_timeout(0.1)
    assert arm.set_servo_angle_j([0.002, *BENT[1:]]) == 3
    assert until(lambda: rig.state()["joints"][0] == pytest.approx(0.002, abs=1e-6))
    rig.release()
    assert until(lambda: arm.set_servo_angle_j([0.004, *BENT[1:]]) == 0)


def test_frames_in_two_halves_are_put_together(arm: Arm, rig: Rig) -> None:
    rig.inject("half-frames", duration=30.0)
    time.sleep(0.05)
    begun = time.monotonic()
    for _ in range(5):
        assert arm.get_position()[0] == 0
    assert time.monotonic() - begun > 0.05
    rig.place([0.3, *BENT[1:]])
    assert until(lambda: arm.angles[0] == pytest.approx(0.3, abs=1e-5))


def test_frozen_controller_answers_nothing_and_thaws(arm: Arm, rig: Rig) -> None:
    ready(arm, 4)
    assert arm.vc_set_joint_velocity([0.3, 0, 0, 0, 0, 0], duration=5.0) == 0
    time.sleep(0.1)
    rig.inject("freeze", duration=30.0)
    time.sleep(0.05)
    arm.set_timeout(0.1)
    stood = rig.state()["joints"]
    assert arm.get_state()[0] == 3 and arm.connected
    assert rig.state()["joints"] == stood
    rig.release()
    assert until(lambda: arm.get_state()[0] == 0)
    assert until(lambda: rig.state()["joints"][0] > stood[0] + 0.01)


def test_arm_goes_on_while_its_cable_is_out_and_comes_back(arm: Arm, rig: Rig) -> None:
    ready(arm, 4)
    assert arm.vc_set_joint_velocity([0.3, 0, 0, 0, 0, 0]) == 0
    assert until(lambda: rig.state()["joints"][0] > 0.01)
    rig.inject("unplug", duration=30.0)
    time.sleep(0.05)
    arm.set_timeout(0.1)
    before = rig.state()["joints"][0]
    assert arm.vc_set_joint_velocity([0, 0, 0, 0, 0, 0]) == 3
    assert rig.state()["joints"][0] > before + 0.02  # nobody told it to stop
    with pytest.raises(OSError):
        socket.create_connection((rig.address, rig.port), timeout=0.2)
    rig.release()
    assert until(lambda: arm.get_state()[0] == 0)
    assert until(lambda: not rig.state()["moving"])  # what was sent meanwhile comes late
    with socket.create_connection((rig.address, rig.port), timeout=1.0):
        pass


def test_velocity_with_a_time_stops_by_itself_while_the_cable_is_out(arm: Arm, rig: Rig) -> None:
    ready(arm, 4)
    assert arm.vc_set_joint_velocity([0.3, 0, 0, 0, 0, 0], duration=0.1) == 0
    rig.inject("unplug", duration=30.0)
    assert until(lambda: not rig.state()["moving"])
    assert rig.state()["joints"][0] < 0.06


def test_closed_sockets_are_noticed_and_a_client_comes_back(arm: Arm, rig: Rig) -> None:
    ready(arm, 1)
    rig.inject("close")
    assert until(lambda: rig.state()["clients"] == 0)
    assert until(lambda: not arm.connected)
    assert arm.set_servo_angle_j(BENT) == -1
    again = connected(rig)
    try:
        recover(again, rig)
    finally:
        again.disconnect()


def test_refused_connection_leaves_those_that_are_there(arm: Arm, rig: Rig) -> None:
    rig.inject("refuse", duration=30.0)
    assert until(lambda: not _reachable(rig))
    with pytest.raises(Exception, match="connect socket failed"):
        connected(rig)
    assert arm.get_state()[0] == 0
    rig.release()
    assert until(lambda: _reachable(rig))


def _reachable(rig: Rig) -> bool:
    try:
        socket.create_connection((rig.address, rig.port), timeout=0.5).close()
    except OSError:
        return False
    return True


def test_stale_reports_repeat_what_was(connect: Callable[..., Arm], rig: Rig) -> None:
    arm = ready(connect(report_type="real"), 1)
    assert until(lambda: arm.angles[0] == 0.0)
    rig.inject("stale-reports", duration=30.0)
    time.sleep(0.05)
    rig.place([0.2, *BENT[1:]])
    time.sleep(0.1)
    assert arm.angles[0] == 0.0
    assert arm.get_servo_angle()[1][0] == pytest.approx(0.2, abs=1e-5)
    rig.release()
    assert until(lambda: arm.angles[0] == pytest.approx(0.2, abs=1e-5))


def test_fault_comes_at_its_time(arm: Arm, rig: Rig) -> None:
    injected = rig.inject("warning", at=0.3)
    assert arm.get_err_warn_code() == (0, [0, 0])
    assert until(lambda: rig.state()["warning"] == 12)
    assert rig.state()["time"] - injected >= 0.3


def test_unknown_fault_is_refused_in_words(rig: Rig) -> None:
    with pytest.raises(RigError, match=r"no fault called 'colision'. Did you mean 'collision'"):
        rig.inject("colision")
    with pytest.raises(RigError, match="cannot have the code"):
        rig.inject("stall", code=3)


def test_every_kind_of_fault_can_be_injected_and_recovered_from(
    connect: Callable[..., Arm], rig: Rig
) -> None:
    for kind in KINDS:
        rig.inject(kind)
        time.sleep(0.02)
        rig.release()
        assert until(lambda: rig.state()["held"] == 0)
    assert until(lambda: _reachable(rig))
    arm = connect()
    arm.motion_enable(True)
    recover(arm, rig)
