"""The paced stream: what reaches the controller between two set-points, and what when nobody speaks any more."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest
from arm_bench import Bench, tip

from ibc_gym.errors import RobotFault
from ibc_gym.hardware.arm.follower import Follower
from ibc_gym.hardware.arm.setpoints import PAUSE
from ibc_gym.hardware.arm.timing import LATE, Stopwatch, Timing
from ibc_gym.hardware.arm.trajectory import Course
from ibc_gym.records import Float64, Pose, Target

PERIOD = 0.01
MORE = 1.02
"""By which a limit may seem to be passed, for numbers of 32 bits on the wire."""
NEAR = 0.01
"""By which the tip is off half the time at the end of a control period [m]: 0.7 to 1.6 mm where nobody else computes."""


def trace(
    bench: Bench, periods: int, control_rate: float = 5.0, **changes: Any
) -> tuple[Float64, Float64, Timing]:
    """Joints that were heard while a sine is followed, (N, 6), how far the tip was off at each period's end, and figures."""
    with bench.arm(control_rate=control_rate, **changes) as arm:
        off = []
        for number in range(periods):
            phase = 2 * np.pi * 0.25 * number / control_rate
            target = tip(0.375 + 0.05 * np.sin(phase), 0.05 - 0.05 * np.cos(phase))
            arm.command(target)
            arm.advance()
            tool = arm.observe().tool
            assert tool is not None and target.tool is not None
            off.append(float(np.linalg.norm(tool.position - target.tool.position)))
        entries = bench.rig.heard()
        assert all(each["accepted"] for each in entries)
        joints = np.array([each["joints"] for each in entries if "joints" in each])
        return joints, np.array(off), arm.timing


@pytest.mark.parametrize("control_rate", [pytest.param(5.0, marks=pytest.mark.slow), 10.0])
def test_sine_is_streamed_within_limits_and_in_its_plane(bench: Bench, control_rate: float) -> None:
    joints, off, timing = trace(bench, int(3 * control_rate), control_rate)
    config = bench.config
    assert np.median(off) < NEAR
    steps = np.diff(joints, axis=0)
    assert len(joints) > 60
    assert np.abs(steps).max() <= config.joint_speed * PERIOD * (1 + 1e-3)
    if max(timing.late_most, timing.call_most) < PAUSE:  # after a pause it begins anew from rest
        for order, limit in ((2, config.joint_acceleration), (3, config.joint_jerk)):
            changes = np.diff(joints, n=order, axis=0)
            assert np.abs(changes).max() <= MORE * limit * PERIOD**order
    kinematics = config.kinematics()
    tips = np.array([kinematics.forward(each).position for each in joints])
    lower, upper = np.array(config.workspace_lower), np.array(config.workspace_upper)
    assert (tips >= lower - 1e-6).all() and (tips <= upper + 1e-6).all(), "32 bits on the wire"


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("servo-cartesian", marks=pytest.mark.slow),
        pytest.param("online", marks=pytest.mark.slow),
        pytest.param("velocity", marks=pytest.mark.slow),
    ],
)
def test_other_ways_to_stream_follow_as_well(bench: Bench, kind: str) -> None:
    _, off, _ = trace(bench, 10, stream=kind)
    assert np.median(off) < NEAR


@pytest.mark.realtime
def test_arm_holds_when_no_word_comes_and_goes_on_when_one_does(bench: Bench) -> None:
    with bench.arm(hold_after=1.0) as arm:
        arm.command(tip(0.375, 0.3))  # more than a second away
        until = time.monotonic() + 10.0
        while arm.timing.holds == 0 and time.monotonic() < until:
            time.sleep(0.01)
        assert arm.timing.holds == 1
        time.sleep(0.2)
        assert bench.still()
        held = arm.observe().tool
        assert held is not None and 0.0 < held.position[1] < 0.2
        assert arm.fault is None
        for _ in range(3):
            arm.command(tip(0.375, 0.0))
            arm.advance()
        assert arm.timing.holds == 1
        tool = arm.observe().tool
        assert tool is not None and tool.position[1] < held.position[1]


def test_stop_is_the_last_thing_that_is_sent(bench: Bench) -> None:
    with bench.arm() as arm:
        for side in (0.05, -0.05):
            arm.command(tip(0.375, side))
            arm.advance()
            arm.stop()
            bench.rig.heard()
            assert bench.rig.state()["state"] == 4
            arm.command(tip(0.375, -side))
            arm.advance()
            assert bench.rig.heard() == []
            assert bench.still()
            arm.reset()


def test_velocities_always_have_an_end(bench: Bench) -> None:
    with bench.arm(stream="velocity") as arm:
        for _ in range(3):
            arm.command(tip(0.4, 0.05))
            arm.advance()
        durations = [each["duration"] for each in bench.rig.heard()]
    assert len(durations) > 20
    assert all(0 < duration <= 5 * PERIOD for duration in durations)


def test_motion_begins_where_the_arm_is(bench: Bench) -> None:
    with bench.arm(reset=False) as arm:
        there = bench.rig.state()["joints"]
        arm.reset(tip(0.375, 0.05))
        np.testing.assert_allclose(bench.targets()[0], there, atol=1e-5)


def test_reset_crosses_the_table_above_what_stands_on_it(bench: Bench) -> None:
    with bench.arm() as arm:
        arm.reset(tip(0.35, -0.05))
        bench.rig.heard()
        arm.reset(tip(0.4, 0.05))
        kinematics = bench.config.kinematics()
        path = np.array([kinematics.forward(each).position for each in bench.targets()])
        state = arm.observe()
    crossing = (np.linalg.norm(path[:, :2] - [0.35, -0.05], axis=1) > 0.01) & (
        np.linalg.norm(path[:, :2] - [0.4, 0.05], axis=1) > 0.01
    )
    assert crossing.any()
    assert (path[crossing, 2] > bench.config.reset_height - 0.005).all()
    assert state.tool is not None
    np.testing.assert_allclose(state.tool.position, [0.4, 0.05, 0.01], atol=1e-3)


def test_late_period_is_told_by_the_next_state(bench: Bench) -> None:
    with bench.arm() as arm:
        arm.command(tip(0.375, 0.0))
        arm.advance()
        time.sleep(0.3)
        arm.advance()
        assert arm.observe().deadline_missed
        arm.reset()
        assert not arm.observe().deadline_missed


def test_joint_targets_are_followed_as_well(bench: Bench) -> None:
    with bench.arm() as arm:
        goal = bench.config.kinematics().inverse(tip(0.42, 0.05).tool, bench.config.home()).joints  # type: ignore[arg-type]
        for _ in range(20):  # on a busy machine it takes a period more
            sent = arm.command(Target(joints=goal))
            arm.advance()
            if np.allclose(arm.observe().joints, goal, atol=1e-5):
                break
        assert sent.joints is not None
        np.testing.assert_allclose(arm.observe().joints, goal, atol=1e-5)


def test_way_that_leads_out_of_the_workspace_ends_before_it_does(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bench.arm() as arm:
        lower = np.array(bench.config.workspace_lower)
        kinematics = bench.config.kinematics()

        def into_the_table(course: Course, now: Pose, part: float) -> tuple[Float64, Pose]:
            joints = course.here + 0.02 * np.eye(6)[1]
            return joints, kinematics.forward(joints)

        monkeypatch.setattr(Course, "_towards", into_the_table)
        for _ in range(3):
            arm.command(tip(0.4, 0.0))
            arm.advance()
        assert arm.fault is None
        heights = [kinematics.forward(each).position[2] for each in bench.targets()]
    assert min(heights) > lower[2] - 1e-5


def test_target_that_no_way_leads_to_is_counted_and_on_the_way_home_told_at_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bench.arm(reset_timeout=600.0) as arm:
        arm.command(tip(0.375, 0.05))
        arm.advance()
        monkeypatch.setattr(Follower, "_try", lambda *told: None)
        for _ in range(3):
            arm.command(tip(0.4, 0.0))
            arm.advance()
        with arm._stream._lock:  # nothing is counted between the two
            assert arm.observe().interventions == arm.timing.abandoned >= 1
        told = r"no way leads on .*tip at \[0\.37.*was to go next \(tip at \[.*by hand"
        with pytest.raises(RobotFault, match=told):
            arm.reset(tip(0.4, -0.1))
        assert bench.rig.state()["state"] == 4 and bench.still()
        monkeypatch.undo()
        arm.reset(tip(0.4, -0.1))
        assert arm.observe().interventions == 0


def test_figures_of_the_stream_are_kept() -> None:
    watch = Stopwatch()
    for number in range(100):
        watch.note(0.0001 * (number == 50) + 2 * LATE * (number == 99), 0.001)
    watch.skip(3)
    timing = watch.read()
    assert (timing.periods, timing.missed, timing.skipped) == (100, 1, 3)
    assert timing.late_most == pytest.approx(2 * LATE)
    assert timing.late_p50 == 0.0
    assert timing.call_p50 == timing.call_p99 == pytest.approx(0.001)


def test_interrupted_reset_leaves_an_arm_that_stands(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(joints: Float64) -> bool:
        raise KeyboardInterrupt

    with bench.arm(reset=False) as arm:
        monkeypatch.setattr(arm, "_rests_at", interrupt)
        with pytest.raises(KeyboardInterrupt):
            arm.reset(tip(0.4, 0.1))
        assert bench.rig.state()["state"] == 4
        bench.rig.heard()
        arm.command(tip(0.375, 0.0))
        arm.advance()
        assert bench.rig.heard() == []


@pytest.mark.parametrize("late", [False, True], ids=["before it moves", "on its way"])
def test_stop_by_another_thread_ends_a_reset_at_once(
    bench: Bench, late: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bench.arm(reset=False) as arm:
        step = "_rests_at" if late else "_here"
        looked = getattr(arm, step)

        def stopped_meanwhile(*told: Any) -> Any:
            seen = looked(*told)
            thread = threading.Thread(target=arm.stop)
            thread.start()
            thread.join()
            return seen

        monkeypatch.setattr(arm, step, stopped_meanwhile)
        with pytest.raises(RobotFault, match="was stopped on its way"):
            arm.reset(tip(0.4, 0.1))
        assert bench.rig.state()["state"] == 4 and bench.still()
        monkeypatch.undo()
        arm.reset(tip(0.375, 0.0))
