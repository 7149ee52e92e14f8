"""For any sequence of commands, faults, delays and restarts: no target beyond the limits reaches the controller's socket,
and after a stop nothing moves until a person has cleared it. Looked at from the controller's side."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from math import radians
from typing import Any, ClassVar

import numpy as np
import pytest
from arm_bench import Bench
from arm_bench import bench as make_bench
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from trials import trials

from ibc_gym.errors import RobotFault, SpecMismatch
from ibc_gym.hardware.rig.faults import KINDS
from ibc_gym.hardware.safety import SafeRobot, SafetyLimits
from ibc_gym.hardware.safety.limits import tilt_of
from ibc_gym.hardware.workcells.opened import OpenedArm
from ibc_gym.kinematics import DOWN
from ibc_gym.records import Float64, Pose, Target

LIMITS = SafetyLimits(
    tilt=radians(5.0), step=0.1, workspace=((1.0, 1.0, 0.0, 0.42), (1.0, -1.0, 0.0, 0.42))
)
SLACK = 2e-3
"""Of the tip: joints go straight between two allowed places, and the tip in a shallow arc [m]."""
ROUNDING = 2.5e-7
"""Of a number of 32 bits, as the protocol has them [rad]."""
RESTED = 0.03
"""Between two targets, one of which may begin anew from rest [s]."""
MORE = 1.02
"""By which a limit may seem to be passed, for rounding."""
HOLDING = ("stall", "freeze", "unplug")
"""Faults in which the controller takes what was sent only once they are over."""
coordinates = st.floats(-1, 1)


class Trying(RuleBasedStateMachine):
    """One arm, its guard, and somebody who tries everything."""

    bench: ClassVar[Bench]
    heard: ClassVar[int] = 0
    """Targets in all examples: a machine that hears none proves nothing."""

    @initialize()
    def connect(self) -> None:
        self.bench.clean()
        self.arm = OpenedArm(self.bench.config)
        self.kinematics = self.bench.config.kinematics()
        self.robot = SafeRobot(self.arm, LIMITS, kinematics=self.kinematics)
        self.may_move = self.homing = False
        self.late, self.held_up = 0, False
        self.last: list[dict[str, Any]] = []
        self.reset()

    @rule(x=coordinates, y=coordinates, z=coordinates, lean=st.floats(-1.0, 1.0))
    def command_and_advance(self, x: float, y: float, z: float, lean: float) -> None:
        self.command(x, y, z, lean)
        self.advance()

    @rule(x=coordinates, y=coordinates, z=coordinates, lean=st.floats(-1.0, 1.0))
    def command(self, x: float, y: float, z: float, lean: float) -> None:
        leaning = np.array([0.0, np.cos(lean / 2), 0.0, np.sin(lean / 2)]) if lean > 0 else DOWN
        target = Target(tool=Pose(position=np.array([x, y, z]), quaternion=leaning))
        with suppress(RobotFault):
            self.robot.command(target)

    @rule(where=st.integers(0, 6), what=st.sampled_from([np.nan, np.inf, -np.inf]))
    def command_nonsense(self, where: int, what: float) -> None:
        numbers = np.array([0.4, 0.0, 0.01, *DOWN])
        numbers[where] = what
        with pytest.raises((SpecMismatch, RobotFault)):
            self.robot.command(Target(tool=Pose(position=numbers[:3], quaternion=numbers[3:])))

    @rule()
    def advance(self) -> None:
        with suppress(RobotFault):
            self.robot.advance()

    @rule(seconds=st.floats(0.0, 0.4))
    def wait(self, seconds: float) -> None:
        time.sleep(seconds)

    @rule(kind=st.sampled_from(sorted(KINDS)))
    def something_goes_wrong(self, kind: str) -> None:
        self.held_up |= kind in HOLDING
        self.bench.rig.inject(kind)
        self.wait(0.1)

    @rule()
    def what_lasts_is_over(self) -> None:
        self.bench.rig.release()

    @rule()
    def somebody_presses_stop(self) -> None:
        self.robot.stop_for_good("Somebody pressed stop.")
        self._settled()

    @rule()
    def stop(self) -> None:
        self.robot.stop()
        self._settled()

    @rule()
    def reset(self) -> None:
        faulty = self.robot.fault is not None
        self._settled()
        self.may_move = not faulty
        self.homing = True
        with suppress(RobotFault):
            self.robot.reset()
        self._look()
        self.homing = False

    @rule(go_on=st.booleans())
    def recover(self, go_on: bool) -> None:
        if self.robot.fault is None:  # looked at here: real time lets no rule be chosen by it
            return
        self._settled()
        with suppress(RobotFault):
            self.robot.recover()
        self._settled()
        if go_on:
            self.reset()

    @rule(after=st.floats(0.0, 0.5), what=st.sampled_from(["reset", "recover"]))
    def somebody_presses_stop_meanwhile(self, after: float, what: str) -> None:
        stop = ["Somebody pressed stop."]
        pressed = threading.Timer(after, self.robot.stop_for_good, stop)
        with self._begun(what, pressed.start):
            if what == "reset":
                self.reset()
            else:
                self.recover(go_on=False)
        if pressed.ident is None:  # refused, before anything moved
            pressed.start()
        pressed.join()
        self._settled()
        assert self.robot.fault is not None, f"a stop during {what} was forgotten"

    @contextmanager
    def _begun(self, what: str, then: Callable[[], None]) -> Iterator[None]:
        """Within the block something else happens, too, once the arm's driver is asked for this."""
        verb = getattr(self.arm, what)

        def begun(*given: Any) -> None:
            then()
            verb(*given)

        setattr(self.arm, what, begun)
        try:
            yield
        finally:
            delattr(self.arm, what)

    @rule()
    def start_anew(self) -> None:
        self.arm.close()
        self._settled()
        self.bench.clean()
        self.held_up = False
        self.arm = OpenedArm(self.bench.config)
        self.robot = SafeRobot(self.arm, LIMITS, kinematics=self.kinematics)
        self.reset()

    @invariant()
    def what_was_heard_is_allowed(self) -> None:
        if hasattr(self, "arm"):
            self._look()

    def teardown(self) -> None:
        if hasattr(self, "arm"):
            self.arm.close()
            self._look()

    def _settled(self) -> None:
        """From here on nothing may be heard, but for what was on its way."""
        self._look()
        self.may_move, self.last = False, []
        self.late = int(self.held_up)

    def _look(self) -> None:
        over = (
            self.robot.fault is not None
        )  # known before it is listened: what follows that comes after it
        heard = [each for each in self.bench.rig.heard() if "joints" in each]
        for each in heard:
            joints = np.array(each["joints"])
            if not self.may_move:  # one may have been on its way to a controller that took nothing
                self.late -= 1
                assert self.late >= 0, "a target was sent to an arm that was stopped"
            assert np.isfinite(joints).all()
            beyond = max(self.kinematics.lower - joints), max(joints - self.kinematics.upper)
            assert max(beyond) <= ROUNDING, beyond
            pose = self.kinematics.forward(joints)
            self._check_place(pose.position)
            assert tilt_of(pose.quaternion) <= radians(5.0) + 1e-2
            self.last = [*self.last[-3:], each]
            self._check_motion()
            type(self).heard += 1
        if over and self.may_move:  # nobody need have pressed anything
            self.may_move, self.last, self.late = False, [], int(self.held_up)

    def _check_motion(self) -> None:
        """Speed, acceleration and jerk from one target to the next."""
        config, period = self.bench.config, self.bench.config.stream_period
        joints = [each["joints"] for each in self.last]
        told = [
            (each["name"], round(each["came"], 3), each["accepted"], each["joints"])
            for each in self.last
        ]
        gaps = np.diff([each["came"] for each in self.last])  # before it, too: it may be taken late
        limits = (config.joint_speed, config.joint_acceleration, config.joint_jerk)
        for order, limit in enumerate(limits, start=1):
            if order == 1 or (len(gaps) >= order and gaps.max() < RESTED):
                changes = np.abs(np.diff(joints, n=order, axis=0))
                most = MORE * limit * period**order + 2**order * ROUNDING
                assert changes.max(initial=0.0) <= most, (order, told)

    def _check_place(self, place: Float64) -> None:
        config = self.bench.config
        lower, upper = np.array(config.fence_lower), np.array(config.fence_upper)
        if self.may_move and not self.homing:
            lower, upper = np.array(config.workspace_lower), np.array(config.workspace_upper)
            for a, b, c, d in LIMITS.workspace:
                assert np.dot((a, b, c), place) <= d + SLACK
        assert (place >= lower - SLACK).all() and (place <= upper + SLACK).all()


@pytest.fixture
def bench() -> Iterator[Bench]:
    with make_bench() as made:
        yield made


@pytest.mark.realtime
def test_whatever_happens_nothing_beyond_the_limits_reaches_the_controller(bench: Bench) -> None:
    Trying.bench, Trying.heard = bench, 0
    run_state_machine_as_test(
        Trying,
        settings=settings(
            max_examples=trials(4),
            stateful_step_count=25,
            phases=[Phase.generate],  # what happened in real time does so no second time
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert Trying.heard > 100
