"""Robots and cameras that fail when they are told to, so that what stands above them can be held to its promises."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from ibc_gym.contracts import Camera, Robot, Workcell
from ibc_gym.errors import CameraTimeout, ConfigError, RobotFault
from ibc_gym.records import CameraSpec, Frame, RobotLimits, RobotState, Target

ROBOT_FAULTS: Final = ("fault", "refusal", "lost", "overrun")
"""Advancing raises; commanding raises; observing raises; the deadline of the period is missed."""
CAMERA_FAULTS: Final = ("timeout", "repeated", "late")
"""Reading raises; the picture is that of the period before; it is three periods old."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something that goes wrong once."""

    step: int
    """Control period since the reset; 0 is the reset itself."""
    kind: str
    """One of `ROBOT_FAULTS` and `CAMERA_FAULTS`."""

    def __post_init__(self) -> None:
        known = (*ROBOT_FAULTS, *CAMERA_FAULTS)
        if self.kind not in known:
            raise ConfigError(
                f"Fault.kind is {self.kind!r}, but must be one of {', '.join(known)}."
            )
        if self.step < 0:
            raise ConfigError(f"Fault.step is {self.step}, but must be 0 or more.")


class Schedule:
    """When what goes wrong; shared by the robot, which counts the control periods, and the cameras beside it."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        """Take what will go wrong, each once."""
        self.pending = list(faults)
        """What has not happened yet."""
        self.happened: list[Fault] = []
        """In its order."""
        self.step = 0
        """Control periods since the reset."""

    def due(self, *kinds: str) -> Fault | None:
        """A fault of these kinds that is due now; it is due no more."""
        for fault in self.pending:
            if fault.step == self.step and fault.kind in kinds:
                self.pending.remove(fault)
                self.happened.append(fault)
                return fault
        return None


class FaultyRobot:
    """Any robot, failing by schedule; it notes what it is asked to do, and refuses what must not follow a fault.

    The contract lets only `stop`, `close` and a `reset` follow `RobotFault`: any other call is an `AssertionError`,
    which is the caller's to answer for.
    """

    def __init__(self, inner: Robot, schedule: Schedule) -> None:
        """Stand in for a robot."""
        self.inner, self.schedule = inner, schedule
        self.calls: list[str] = []
        """The verbs it was asked for, in their order."""
        self._latched = False
        self._overran = False

    @property
    def limits(self) -> RobotLimits:
        """Of the robot within."""
        return self.inner.limits

    def reset(self, home: Target | None = None) -> None:
        """Begin anew, and count control periods from 0."""
        self.calls.append("reset")
        self.schedule.step, self._latched, self._overran = 0, False, False
        self._fail("fault", "refusal")
        self.inner.reset(home)

    def observe(self) -> RobotState:
        """The state within, its deadline missed where that is due."""
        self._note("observe")
        self._fail("lost")
        self._overran |= self.schedule.due("overrun") is not None
        state = self.inner.observe()
        return replace(state, deadline_missed=True) if self._overran else state

    def command(self, target: Target) -> Target:
        """Hand the target on."""
        self._note("command")
        self.schedule.step += 1  # the period that begins
        self._overran = False
        try:
            self._fail("refusal")
        finally:
            self.schedule.step -= 1
        return self.inner.command(target)

    def advance(self) -> None:
        """Let the period pass."""
        self._note("advance")
        self.schedule.step += 1
        self._fail("fault")
        self.inner.advance()

    def stop(self) -> None:
        """Stand still."""
        self.calls.append("stop")
        self.inner.stop()

    def close(self) -> None:
        """Let go."""
        self.calls.append("close")
        self.inner.close()

    def _note(self, verb: str) -> None:
        assert not self._latched, f"After RobotFault only stop and close may be called, not {verb}."
        self.calls.append(verb)

    def _fail(self, *kinds: str) -> None:
        fault = self.schedule.due(*kinds)
        if fault is not None:
            self._latched = True
            raise RobotFault(f"A {fault.kind} was due in control period {fault.step}.")


class FaultyCamera:
    """Any camera, failing by the schedule of the robot beside it."""

    def __init__(self, inner: Camera, schedule: Schedule, period: float) -> None:
        """Stand in for a camera; `period` is the control period [s]."""
        self.inner, self.schedule = inner, schedule
        self._period = period
        self._last: Frame | None = None

    @property
    def spec(self) -> CameraSpec:
        """Of the camera within."""
        return self.inner.spec

    def read(self) -> Frame:
        """The newest picture, or what is due in its stead."""
        if self.schedule.due("timeout"):
            raise CameraTimeout(f"A timeout was due in control period {self.schedule.step}.")
        if self._last is not None and self.schedule.step and self.schedule.due("repeated"):
            return self._last
        frame = self._last = self.inner.read()
        if self.schedule.due("late"):
            return replace(frame, time=frame.time - 3 * self._period)
        return frame

    def close(self) -> None:
        """Let go."""
        self.inner.close()


def faulty(workcell: Workcell, faults: Iterable[Fault]) -> tuple[Workcell, FaultyRobot]:
    """The same workcell with a robot and cameras that fail by one schedule, and that robot."""
    schedule = Schedule(faults)
    robot = FaultyRobot(workcell.robot, schedule)
    period = workcell.robot.limits.control_period
    cameras: dict[str, Any] = {
        name: FaultyCamera(camera, schedule, period) for name, camera in workcell.cameras.items()
    }
    return replace(workcell, robot=robot, cameras=cameras), robot
