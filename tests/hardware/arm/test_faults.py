"""Whatever goes wrong: a RobotFault in bounded time, an arm that stands, a fault that stays until it is cleared."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from arm_bench import BOUND, SHIPPED, Bench, bring, pace, run_into, tip

from ibc_gym.contracts import Recoverable, Robot
from ibc_gym.errors import RobotFault
from ibc_gym.hardware.arm.robot import XArm


def stands_and_stays(bench: Bench, arm: XArm) -> None:
    """The fault latches: the arm stands, and nothing that is called moves it."""
    told = str(arm.fault)
    assert bench.still()
    bench.rig.heard()
    for call in (lambda: arm.command(tip(0.4, 0.1)), arm.advance, arm.reset):
        with pytest.raises(RobotFault) as raised:
            call()
        assert str(raised.value) == told
    arm.stop()
    assert bench.rig.heard() == []
    assert bench.still()


def recovers(bench: Bench, arm: XArm) -> None:
    """After the fault is cleared it still stands, until a reset; then it goes where it is sent."""
    bench.rig.heard()
    arm.recover()
    assert arm.fault is None
    assert bench.rig.heard() == []
    arm.command(tip(0.4, 0.1))
    arm.advance()
    assert bench.rig.heard() == [], "it moves only after a reset"
    before = np.array(bench.rig.state()["joints"])
    arm.reset()
    first = bench.targets()[0]
    np.testing.assert_allclose(first, before, atol=1e-4, err_msg="it begins where the arm is")
    bring(arm, tip(0.4, 0.02))


@pytest.mark.parametrize(
    "kind, told",
    [
        ({"kind": "error"}, "could not plan the motion (controller error 25)"),
        ({"kind": "collision"}, "a collision"),
        pytest.param({"kind": "joint-limit"}, "a joint is at its limit", marks=pytest.mark.slow),
        pytest.param({"kind": "speed"}, "more speed than the arm has", marks=pytest.mark.slow),
        pytest.param({"kind": "error", "code": 35}, "left the fence", marks=pytest.mark.slow),
        ({"kind": "error", "code": 12}, "servo of joint 2"),
        pytest.param(
            {"kind": "error", "code": 99}, "error 99, which is in no list", marks=pytest.mark.slow
        ),
    ],
    ids=lambda value: str(value.get("code", value["kind"])) if isinstance(value, dict) else "",
)
def test_error_of_the_controller_stops_latches_and_recovers(
    bench: Bench, kind: dict[str, Any], told: str
) -> None:
    with bench.arm() as arm:
        bench.rig.inject(**kind)
        fault = run_into(arm)
        assert told in str(fault)
        assert bench.rig.state()["state"] == 4
        stands_and_stays(bench, arm)
        recovers(bench, arm)


def test_emergency_stop_that_is_held_cannot_be_recovered_from(bench: Bench) -> None:
    with bench.arm() as arm:
        bench.rig.inject("emergency-stop")
        assert "emergency stop button" in str(run_into(arm))
        stands_and_stays(bench, arm)
        with pytest.raises(
            RobotFault, match=r"cannot be recovered yet.*emergency stop.*stays stopped"
        ):
            arm.recover()
        assert arm.fault is not None
        stands_and_stays(bench, arm)
        bench.rig.release()
        recovers(bench, arm)


def test_warning_is_no_fault(bench: Bench) -> None:
    with bench.arm() as arm:
        bench.rig.inject("warning")
        bring(arm, tip(0.4, 0.0))
        assert arm.fault is None


@pytest.mark.realtime
def test_stall_of_a_fifth_of_a_second_is_survived_and_counted(bench: Bench) -> None:
    with bench.arm(**SHIPPED) as arm:
        before = arm.timing
        bench.rig.inject("stall", duration=0.19)
        for number in range(6):
            arm.command(tip(0.375 + 0.01 * number, 0.0))
            arm.advance()
        assert arm.fault is None
        assert arm.timing.skipped > before.skipped
        joints = bench.targets()
    assert np.abs(np.diff(joints, axis=0)).max() <= 0.01 * (1 + 1e-3), "no jump after it"


@pytest.mark.parametrize(
    "kind", ["freeze", pytest.param("unplug", marks=pytest.mark.slow), "close"]
)
def test_lost_connection_is_a_fault_in_bounded_time_and_can_be_had_back(
    bench: Bench, kind: str
) -> None:
    with bench.arm(connect_timeout=1.0) as arm:
        lasting = {} if kind == "close" else {"duration": 60.0}
        bench.rig.inject(kind, **lasting)
        run_into(arm)
        with pytest.raises(RobotFault):
            arm.advance()
        if lasting:
            with pytest.raises(RobotFault, match="stays stopped"):
                arm.recover()
            bench.rig.release()
        assert bench.still()
        recovers(bench, arm)


def test_reports_that_repeat_themselves_while_the_arm_is_sent_elsewhere_are_a_fault(
    bench: Bench,
) -> None:
    with bench.arm() as arm:
        arm.command(tip(0.375, 0.0))
        arm.advance()
        bench.rig.inject("stale-reports", duration=60.0)
        with pytest.raises(RobotFault, match="the very same joints"):
            to_and_fro(arm, 20)
        assert bench.still()
        bench.rig.release()
        recovers(bench, arm)


def to_and_fro(arm: XArm, periods: int) -> None:
    for number in range(periods):
        arm.command(tip(0.375 + 0.03 * (number % 3), 0.0))
        arm.advance()


@pytest.mark.slow
def test_replies_that_come_too_late_are_a_fault(bench: Bench) -> None:
    with bench.arm(command_timeout=0.1) as arm:
        bench.rig.inject("delay", duration=60.0, late=0.3)
        run_into(arm)
        bench.rig.release()
        assert bench.still()
        recovers(bench, arm)


def test_half_frames_are_no_fault(bench: Bench) -> None:
    with bench.arm() as arm:
        bench.rig.inject("half-frames", duration=0.6)
        for _ in range(5):
            arm.command(tip(0.4, 0.0))
            arm.advance()
        assert arm.fault is None


def test_arm_stopped_by_somebody_else_is_a_fault(bench: Bench) -> None:
    with bench.arm() as arm, bench.controller() as other:
        other.stop()
        told = str(run_into(arm))
        assert "not ready" in told or "was stopped" in told
        recovers(bench, arm)


@pytest.mark.slow
def test_mode_changed_by_somebody_else_is_a_fault(bench: Bench) -> None:
    with bench.arm() as arm, bench.controller() as other:
        other.set_collision_sensitivity(3)  # which resets mode and state
        run_into(arm)
        assert bench.still()
        recovers(bench, arm)


def test_setup_changed_by_somebody_else_is_noticed_by_the_recovery(bench: Bench) -> None:
    length = bench.config.tool_length * 1000
    with bench.arm() as arm, bench.controller() as other:
        other._api.core.set_tcp_offset([0, 0, length + 20, 0, 0, 0])
        run_into(arm)
        with pytest.raises(Exception, match="TCP offset"):
            arm.recover()
        assert arm.fault is not None
        other._api.core.set_tcp_offset([0, 0, length, 0, 0, 0])
        recovers(bench, arm)


def test_fault_while_nobody_commands_is_told_at_the_next_word(bench: Bench) -> None:
    with bench.arm() as arm:
        bench.rig.inject("collision")
        until = time.monotonic() + BOUND
        while arm.fault is None and time.monotonic() < until:
            time.sleep(0.01)
        assert "collision" in str(arm.fault)
        assert arm.observe().tool is not None, "what was seen last can still be asked for"


@pytest.mark.slow
def test_fault_on_the_way_home_ends_the_reset(bench: Bench) -> None:
    with bench.arm() as arm:
        bench.rig.inject("collision", at=0.2)
        with pytest.raises(RobotFault, match="collision"):
            pace(arm)
        stands_and_stays(bench, arm)


def test_reset_that_takes_too_long_is_a_fault(bench: Bench) -> None:
    with bench.arm(reset=False, reset_timeout=0.2) as arm:
        with pytest.raises(RobotFault, match=r"did not come home within 0.2 s"):
            arm.reset(tip(0.3, 0.25))
        stands_and_stays(bench, arm)


def test_error_of_ours_in_the_stream_stops_the_arm(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bench.arm() as arm:
        monkeypatch.setattr(
            "ibc_gym.hardware.arm.trajectory.Course.next", lambda self: 1 / 0, raising=True
        )
        assert "a fault of ours" in str(run_into(arm))
        monkeypatch.undo()
        stands_and_stays(bench, arm)


def test_counts_of_the_episode_outlast_a_new_connection_and_begin_anew_with_the_next(
    bench: Bench,
) -> None:
    with bench.arm() as arm:
        for target in (tip(0.4, 0.0), tip(2.0, 0.0), tip(0.4, 0.0)):
            arm.command(target)
            arm.advance()
        assert arm.observe().interventions == 1
        bench.rig.inject("close")
        run_into(arm)
        assert bench.still()
        at_fault, timing = arm.observe(), arm.timing
        assert at_fault.interventions >= 1 and (at_fault.setpoints or 0) > 10
        arm.recover()
        recovered = arm.observe()
        for name in ("interventions", "setpoints", "setpoints_late"):
            assert getattr(recovered, name) == getattr(at_fault, name), name
        assert arm.timing.periods == timing.periods > 0
        arm.reset()
        begun = arm.observe()
        assert begun.interventions == 0
        assert 0 <= begun.setpoints_late <= (begun.setpoints or 0) < (at_fault.setpoints or 0)
        assert arm.timing.periods > timing.periods


def test_recovering_without_a_fault_does_nothing(bench: Bench) -> None:
    with bench.arm() as arm:
        arm.recover()
        assert arm.fault is None
        assert isinstance(arm, Recoverable)
        robot: Robot = arm
        robot.advance()
