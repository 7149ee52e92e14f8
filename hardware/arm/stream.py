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
from .follower import Follower
from .frames import Motion
from .motion import MotionLimits
from .reports import Reports
from .timing import Stopwatch, Timing
from .trajectory import Course
from .vendor import Controller
from .watching import watch

PAUSE: Final = 0.05
"""A gap in the stream after which the arm stands still [s]: the motion begins anew from rest."""
LASTING: Final = 3.0
"""Stream periods that a joint velocity lasts, if no other comes."""
GAIN: Final = 4.0
"""By which a velocity makes up for the distance to where the arm should be [1/s]."""
MOVED: Final = 0.005
"""A joint that was sent so far [rad] must show in the reports, within a control period."""
IDLE: Final = 0.002
"""How often the thread sees whether there is something to do [s]."""


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
            return not self._abandoned and self._course.arrived and self._follower.resting

    @property
    def abandoned(self) -> bool:
        """Whether the target in force was given up: within limits and box no way leads on from where the arm stands."""
        return self._abandoned

    @property
    def here(self) -> Float64:
        """Where the arm is sent at the moment, but for what it lags behind, (6,) [rad]."""
        with self._lock:
            return self._course.here

    def stay(self) -> None:
        """Slow down and hold."""
        with self._lock:
            self._course.stay()

    def begin(self, joints: Float64, lower: Float64, upper: Float64) -> None:
        """Send targets from now on, the first of them where the arm is.

        Args:
            joints: Where it is, at rest, (6,) [rad].
            lower: Of the box that the tip stays in, (3,) [m]; made so large that it is in it now.
            upper: Of the same box.
        """
        config = self._config
        with self._lock:
            self._follower = Follower(
                self._kinematics,
                joints,
                period=config.stream_period,
                limits=MotionLimits(
                    speed=config.joint_speed,
                    acceleration=config.joint_acceleration,
                    jerk=config.joint_jerk,
                ),
            )
            self._course = Course(
                self._kinematics,
                joints,
                period=config.stream_period,
                speed=config.joint_speed,
            )
            self._sent = np.array(joints, dtype=np.float64)
            tip = self._kinematics.forward(joints).position
            self.confine(np.minimum(lower, tip), np.maximum(upper, tip))
            self._began = self._touched = self._ticked = self._clock()
            self._holding, self._first, self._abandoned = False, True, False
            self._seen, self._sent_then = np.full_like(self._sent, np.nan), self._sent
            self._left_at: float | None = None
            self._streaming = True

    def confine(self, lower: Float64, upper: Float64) -> None:
        """Keep the tip in a box from now on, (3,) each [m]."""
        with self._lock:
            self._follower.confine(lower, upper)

    def aim(self, joints: Float64, tool: Pose | None, *, tip_speed: float) -> None:
        """Go to a target within a control period, or as soon as speeds allow; straight with the tool if there is one."""
        samples = round(self._config.stream_rate / self._config.control_rate)
        with self._lock:
            self._course.aim(joints, tool, samples, tip_speed=tip_speed)
            self._holding = self._abandoned = False
            self.touch()

    def touch(self) -> None:
        """Say that the policy is there."""
        self._touched = self._clock()

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
        """Stop the arm, find out why it was, and latch that; the fault that came first stays."""
        notes = []
        try:
            self.halt()
        except RobotFault as unheard:
            notes.append(
                f"The stop was not confirmed ({unheard}) If the arm moves, press the emergency stop."
            )
        fault = RobotFault(" ".join([self._explain(error, stands=not notes), *notes]))
        fault.__cause__ = error
        return self.latch(fault)

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
        deadline, period = self._clock(), self._config.stream_period
        while not self._over:
            if not self._streaming:
                time.sleep(IDLE)
                deadline = self._clock()
                continue
            self._period(deadline)
            deadline += period
            behind = self._clock() - deadline
            if behind > period:  # never in a burst: what could not be sent in time is left out
                skipped = int(behind / period)
                deadline += skipped * period
                self._stopwatch.skip(skipped)
                with self._lock:
                    self._course.skip(skipped)
            time.sleep(max(0.0, deadline - self._clock()))

    def _period(self, deadline: float) -> None:
        began = self._clock()
        try:
            with self._sending:
                with self._lock:
                    if not self._streaming:
                        return
                    self._watch(began)
                    before, sample = self._sent, self._next(began)
                self._send(before, sample)
                self._sent = sample
            self._stopwatch.note(began - deadline, self._clock() - began)
        except Exception as error:  # whatever it is, the arm must not go on
            self.fail(error)

    def _watch(self, now: float) -> None:
        """Hold what the controller reports against what it should be doing."""
        watch(self._config, self._reports, self._mode, since=self._began, now=now)
        motion = self._reports.motion
        if motion is not None and motion.time > self._began:
            self._watch_motion(motion)

    def _watch_motion(self, motion: Motion) -> None:
        """Reports that come, but repeat themselves while the arm was sent elsewhere, are no measurements."""
        if not np.array_equal(motion.joints, self._seen):
            self._seen, self._sent_then, self._left_at = motion.joints, self._sent, None
        elif float(np.abs(self._sent - self._sent_then).max()) > MOVED:
            self._left_at = motion.time if self._left_at is None else self._left_at
            same = motion.time - self._left_at  # by reports that came: `watch` tells where none do
            if same > self._config.control_period:
                raise RobotFault(
                    f"The controller at {self._config.address} has reported the very same joints for {same:.2f} s, though "
                    "the arm was sent elsewhere: its reports repeat themselves, or the arm is held."
                )

    def _next(self, now: float) -> Float64:
        config = self._config
        if self._first:  # the controller wants to hear first where the arm is
            self._first, self._ticked = False, now
            return self._sent
        if now - self._ticked > max(PAUSE, 2 * config.stream_period):
            self._follower.rest(self._sent)
        self._ticked = now
        if (
            not self._holding
            and now - self._touched > config.hold_after * config.control_period
            and not self._course.arrived
        ):
            self._course.stay()
            self._holding = True
            self._stopwatch.holds += 1
        stood = self._follower.resting
        sample = self._follower.push(
            self._course.next(), self._course.tool, furthest=self._course.furthest
        )
        if self._follower.refused and stood:  # the way leads out of the box: it ends here
            self._course.stand(sample)
            self._abandoned = True
            self._stopwatch.abandoned += 1
        if not np.isfinite(sample).all():
            raise RobotFault(
                f"A target for the arm at {config.address} was {sample}; it was not sent."
            )
        return sample

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
        except RobotFault:
            return f"{error} The connection is gone: check power and cable, then recover."
        if not code:
            still = " The arm stands still." if stands else ""
            return f"{error}{still} Find out who or what did that, then recover."
        setup = self._reports.setup
        servo = codes.servo(setup.servos) if setup is not None and code in codes.SERVO else ""
        return f"The arm at {address} stopped: {codes.describe(code)}" + (
            f" The servos say: {servo}." if servo else ""
        )
