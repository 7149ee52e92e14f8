"""The thread that sends a target to the controller in every stream period, and the first to notice that something is wrong.

It sends whether the arm moves or not, so that an error shows in the answer to the next target. Whatever it notices, it
stops the arm first, then finds out why, and latches that as the fault.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

import numpy as np

from ibc_gym.closing import Closing
from ibc_gym.errors import RobotFault
from ibc_gym.kinematics import Kinematics
from ibc_gym.records import Float64, Pose

from . import codes
from .bring_up import MODES
from .config import XArmConfig
from .reports import Reports
from .setpoints import Setpoints
from .timing import Stopwatch, Timing
from .vendor import WRONG_LENGTH, CommandFailed, Controller
from .watching import watch

LASTING: Final = 3.0
"""Stream periods that a joint velocity lasts, if no other comes."""
GAIN: Final = 4.0
"""By which a velocity makes up for the distance to where the arm should be [1/s]."""
IDLE: Final = 0.002
"""How often the thread sees whether there is something to do [s]."""
UNCERTAIN: Final = "If the arm moves, press the emergency stop."
"""What to do where nobody knows whether it stands."""


class Unconfirmed(RobotFault):
    """The arm was told to stop, and nobody knows whether it did."""

    told = False
    """Whether it has been raised to whoever uses the arm."""


def telling(fault: RobotFault) -> RobotFault:
    """The same fault, which is about to be raised to whoever uses the arm."""
    if isinstance(fault, Unconfirmed):
        fault.told = True
    return fault


class Stream(Closing):
    """Targets to one controller; all but its own thread may call it from anywhere."""

    def __init__(
        self,
        config: XArmConfig,
        controller: Controller,
        reports: Reports,
        kinematics: Kinematics,
        stopwatch: Stopwatch,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start the thread; nothing is sent before `begin`. `stopwatch` goes on counting where the stream before left off."""
        self._config, self._controller, self._reports = config, controller, reports
        self._kinematics, self._clock = kinematics, clock
        self._mode = MODES[config.stream]
        self._stopwatch = stopwatch
        self._lock = threading.RLock()
        """Of what is to be sent."""
        self._sending = threading.Lock()
        """Held while a target or a stop is on its way: after a stop no target follows."""
        self._streaming = False
        self._setpoints: Setpoints | None = None
        self._fault: RobotFault | None = None
        self.faulted = threading.Event()
        """Set while there is a fault."""
        self._over = False
        self._thread = threading.Thread(
            target=self._run, name=f"stream to {config.address}", daemon=True
        )
        self._thread.start()

    @property
    def fault(self) -> RobotFault | None:
        """What stopped the arm; None while it may move."""
        return self._fault

    @property
    def alive(self) -> bool:
        """Whether the thread runs, without which nothing is sent and nothing noticed."""
        return self._thread.is_alive()

    @property
    def streaming(self) -> bool:
        """Whether targets are being sent."""
        return self._streaming

    @property
    def timing(self) -> Timing:
        """How well deadlines were kept."""
        return self._stopwatch.read()

    @property
    def counts(self) -> tuple[int, int, int]:
        """Stream periods that were due so far, those of them in which nothing was sent in time, and targets given up."""
        return *self._stopwatch.counts, self._stopwatch.abandoned

    @property
    def arrived(self) -> bool:
        """Whether the target in force has been sent, and nothing moves any more."""
        with self._lock:
            return self._begun().arrived

    @property
    def abandoned(self) -> bool:
        """Whether the target in force was given up: within limits and box no way leads on from where the arm stands."""
        return self._begun().abandoned

    @property
    def here(self) -> Float64:
        """Where the arm is sent at the moment, but for what it lags behind, (6,) [rad]."""
        with self._lock:
            return self._begun().here

    def begin(self, joints: Float64, lower: Float64, upper: Float64) -> None:
        """Send targets from now on, the first of them where the arm is.

        Args:
            joints: Where it is, at rest, (6,) [rad].
            lower: Of the box that the tip stays in, (3,) [m]; made so large that it is in it now.
            upper: Of the same box.
        """
        with self._lock:
            self._setpoints = Setpoints(
                self._config,
                self._kinematics,
                self._stopwatch,
                joints,
                (lower, upper),
                now=self._clock(),
            )
            self._streaming = True

    def confine(self, lower: Float64, upper: Float64) -> None:
        """Keep the tip in a box from now on, (3,) each [m]."""
        with self._lock:
            self._begun().confine(lower, upper)

    def aim(self, joints: Float64, tool: Pose | None, *, tip_speed: float) -> None:
        """Go to a target within a control period, or as soon as speeds allow; straight with the tool if there is one."""
        with self._lock:
            self._begun().aim(joints, tool, tip_speed=tip_speed, now=self._clock())

    def stay(self) -> None:
        """Slow down and hold."""
        with self._lock:
            self._begun().stay()

    def touch(self) -> None:
        """Say that the policy is there."""
        if self._setpoints is not None:
            self._setpoints.touch(self._clock())

    def _begun(self) -> Setpoints:
        if self._setpoints is None:
            raise RobotFault(
                f"Nothing has been streamed to the arm at {self._config.address} yet: a reset begins that."
            )
        return self._setpoints

    def halt(self) -> None:
        """Stop the arm, now, and send no more targets.

        Raises:
            RobotFault: The controller did not take the stop; it gets no more targets all the same.
        """
        with self._lock:
            self._streaming = False
        with self._sending:
            self._controller.stop()

    def fail(self, error: Exception) -> RobotFault:
        """Stop the arm, find out why it was, and latch that, whatever fails meanwhile; the fault that came first stays."""
        fault: RobotFault = Unconfirmed(f"{error} {UNCERTAIN}")
        try:
            fault = self._stopped(error)
        finally:
            fault.__cause__ = error
            fault = self.latch(fault)
        return fault

    def _stopped(self, error: Exception) -> RobotFault:
        try:
            self.halt()
        except Exception as unheard:  # whatever it is, the arm may go on
            why = self._why(error, stands=False)
            return Unconfirmed(f"{why} The stop was not confirmed ({unheard}) {UNCERTAIN}")
        return RobotFault(self._why(error, stands=True))

    def _why(self, error: Exception, *, stands: bool) -> str:
        try:
            return self._explain(error, stands=stands)
        except Exception as odd:  # what is known already must be told all the same
            return f"{error} Nothing more can be said ({odd!r}), which is a fault of ours."

    def latch(self, fault: RobotFault) -> RobotFault:
        """Be at fault from now on; the one that came first stays, and is given."""
        with self._lock:
            self._fault = self._fault or fault
            self.faulted.set()
            return self._fault

    def clear(self) -> None:
        """Forget the fault, once its cause is gone."""
        with self._lock:
            self._fault = None
            self.faulted.clear()

    def close(self) -> None:
        """End the thread; may be called twice. The arm holds what it was sent last."""
        self._over = True
        self._streaming = False
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        deadline = self._clock()
        while not self._over:
            if not self._streaming:
                time.sleep(IDLE)
                deadline = self._clock()
                continue
            try:
                self._period(deadline)
                deadline = self._next_deadline(deadline)
            except Exception as error:  # whatever it is, the arm must not go on
                self.fail(error)
            time.sleep(max(0.0, deadline - self._clock()))

    def _next_deadline(self, deadline: float) -> float:
        period = self._config.stream_period
        deadline += period
        behind = self._clock() - deadline
        if behind > period:  # never in a burst: what could not be sent in time is left out
            skipped = int(behind / period)
            deadline += skipped * period
            self._stopwatch.skip(skipped)
            with self._lock:
                self._begun().skip(skipped)
        return deadline

    def _period(self, deadline: float) -> None:
        began = self._clock()
        with self._sending:
            with self._lock:
                if not self._streaming:
                    return
                setpoints = self._begun()
                self._watch(setpoints, began)
                before, sample = setpoints.sent, setpoints.next(began)
            self._send(before, sample)
            setpoints.sent = sample
        self._stopwatch.note(began - deadline, self._clock() - began)

    def _watch(self, setpoints: Setpoints, now: float) -> None:
        """Hold what the controller reports against what it should be doing."""
        watch(self._config, self._reports, self._mode, since=setpoints.began, now=now)
        motion = self._reports.motion
        if motion is not None and motion.time > setpoints.began:
            setpoints.watch(motion)

    def _send(self, before: Float64, sample: Float64) -> None:
        config, controller = self._config, self._controller
        if config.stream == "servo":
            controller.servo_joints(sample)
        elif config.stream == "servo-cartesian":
            controller.servo_tool(self._kinematics.forward(sample))
        elif config.stream == "online":
            controller.plan_joints(sample, config.joint_speed, config.joint_acceleration)
        else:
            motion = self._reports.motion
            here = before if motion is None else motion.joints
            speeds = (sample - before) / config.stream_period + GAIN * (before - here)
            limit = config.joint_speed
            controller.turn_joints(np.clip(speeds, -limit, limit), LASTING * config.stream_period)

    def _explain(self, error: Exception, *, stands: bool) -> str:
        """What happened, in plain words, from what the controller says now that it was told to stop the arm."""
        address = self._config.address
        if not isinstance(error, RobotFault):
            stopped = ", and the arm was stopped" if stands else ""
            return f"The stream to the arm at {address} failed ({error!r}){stopped}. This is a fault of ours."
        try:
            code, _ = self._controller.errors()
        except CommandFailed as silent:
            if silent.code != WRONG_LENGTH:
                return f"{error} The connection is gone: check power and cable, then recover."
            return (
                f"{error} The controller does not say why ({silent}). Find that out, then recover."
            )
        if not code:
            still = " The arm stands still." if stands else ""
            return f"{error}{still} Find out who or what did that, then recover."
        setup = self._reports.setup
        servo = codes.servo(setup.servos) if setup is not None and code in codes.SERVO else ""
        return f"The arm at {address} stopped: {codes.describe(code)}" + (
            f" The servos say: {servo}." if servo else ""
        )
