"""What is sent to the controller in every stream period, from where the arm stood when its stream began."""

from __future__ import annotations

from typing import Final

import numpy as np

from ibc_gym.errors import RobotFault
from ibc_gym.kinematics import Kinematics
from ibc_gym.records import Float64, Pose

from .config import XArmConfig
from .follower import Follower
from .frames import Motion
from .motion import MotionLimits
from .timing import Stopwatch
from .trajectory import Course

PAUSE: Final = 0.05
"""A gap in the stream after which the arm stands still [s]: the motion begins anew from rest."""
MOVED: Final = 0.005
"""A joint that was sent so far [rad] must show in the reports, within a control period."""


class Setpoints:
    """The samples of one stream, and the target that they lead to; not for two threads at once."""

    def __init__(
        self,
        config: XArmConfig,
        kinematics: Kinematics,
        stopwatch: Stopwatch,
        joints: Float64,
        box: tuple[Float64, Float64],
        *,
        now: float,
    ) -> None:
        """Begin at rest.

        Args:
            config: Of the arm.
            kinematics: Of it.
            stopwatch: Counts what is held and given up.
            joints: Where the arm is, (6,) [rad].
            box: Least and greatest corner of what the tip stays in, (3,) each [m]; made so large that it is in it now.
            now: [s]
        """
        self._config, self._stopwatch = config, stopwatch
        self._follower = Follower(
            kinematics,
            joints,
            period=config.stream_period,
            limits=MotionLimits(
                speed=config.joint_speed,
                acceleration=config.joint_acceleration,
                jerk=config.joint_jerk,
            ),
        )
        self._course = Course(
            kinematics, joints, period=config.stream_period, speed=config.joint_speed
        )
        self.sent = np.array(joints, dtype=np.float64)
        """What was sent last, or where the arm stood, (6,) [rad]."""
        self.began = now
        """When it did [s]."""
        self.abandoned = False
        """Whether the target in force was given up: within limits and box no way leads on from where the arm stands."""
        self._touched = self._ticked = now
        self._first, self._holding = True, False
        self._seen, self._sent_then = np.full_like(self.sent, np.nan), self.sent
        self._left_at: float | None = None
        tip = kinematics.forward(joints).position
        self.confine(np.minimum(box[0], tip), np.maximum(box[1], tip))

    @property
    def arrived(self) -> bool:
        """Whether the target in force has been sent, and nothing moves any more."""
        return not self.abandoned and self._course.arrived and self._follower.resting

    @property
    def here(self) -> Float64:
        """Where the arm is sent at the moment, but for what it lags behind, (6,) [rad]."""
        return self._course.here

    def confine(self, lower: Float64, upper: Float64) -> None:
        """Keep the tip in a box from now on, (3,) each [m]."""
        self._follower.confine(lower, upper)

    def aim(self, joints: Float64, tool: Pose | None, *, tip_speed: float, now: float) -> None:
        """Go to a target within a control period, or as soon as speeds allow; straight with the tool if there is one."""
        samples = round(self._config.stream_rate / self._config.control_rate)
        self._course.aim(joints, tool, samples, tip_speed=tip_speed)
        self._holding = self.abandoned = False
        self.touch(now)

    def stay(self) -> None:
        """Slow down and hold."""
        self._course.stay()

    def touch(self, now: float) -> None:
        """Say that the policy is there."""
        self._touched = now

    def skip(self, periods: int) -> None:
        """Leave out what could not be sent in time."""
        self._course.skip(periods)

    def watch(self, motion: Motion) -> None:
        """Reports that come, but repeat themselves while the arm was sent elsewhere, are no measurements.

        Raises:
            RobotFault: That is what they do.
        """
        if not np.array_equal(motion.joints, self._seen):
            self._seen, self._sent_then, self._left_at = motion.joints, self.sent, None
        elif float(np.abs(self.sent - self._sent_then).max()) > MOVED:
            self._left_at = motion.time if self._left_at is None else self._left_at
            same = motion.time - self._left_at  # by reports: another look tells where none come
            if same > self._config.control_period:
                raise RobotFault(
                    f"The controller at {self._config.address} has reported the very same joints for {same:.2f} s, though "
                    "the arm was sent elsewhere: its reports repeat themselves, or the arm is held."
                )

    def next(self, now: float) -> Float64:
        """What is to be sent now, (6,) [rad].

        Raises:
            RobotFault: It would be no numbers.
        """
        if self._first:  # the controller wants to hear first where the arm is
            self._first, self._ticked = False, now
            return self.sent
        if now - self._ticked > max(PAUSE, 2 * self._config.stream_period):
            self._follower.rest(self.sent)
        self._ticked = now
        self._hold(now)
        stood = self._follower.resting
        sample = self._follower.push(
            self._course.next(), self._course.tool, furthest=self._course.furthest
        )
        if self._follower.refused and stood:  # the way leads out of the box: it ends here
            self._course.stand(sample)
            self.abandoned = True
            self._stopwatch.abandoned += 1
        if not np.isfinite(sample).all():
            raise RobotFault(
                f"A target for the arm at {self._config.address} was {sample}; it was not sent."
            )
        return sample

    def _hold(self, now: float) -> None:
        """Slow down where no word has come from the policy for too long."""
        silent = now - self._touched > self._config.hold_after * self._config.control_period
        if silent and not self._holding and not self._course.arrived:
            self._course.stay()
            self._holding = True
            self._stopwatch.holds += 1
