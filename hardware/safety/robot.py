"""A robot with a guard before it: no target beyond the limits gets through, and what stopped it once keeps it stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final, Protocol, TypeVar, runtime_checkable

import numpy as np

from ibc_gym.contracts import Recoverable, Robot
from ibc_gym.errors import ConfigError, RobotFault
from ibc_gym.kinematics import Kinematics
from ibc_gym.offers import LedByHand
from ibc_gym.records import Float64, RobotLimits, RobotState, Target

from .guard import Guard
from .limits import SafetyLimits
from .targets import check, same, standing
from .watchdog import Watchdog

CLEAR: Final = (
    "Nothing is sent to it until a person has seen to it and cleared it: recover() of the robot."
)
LEAST_PATIENCE: Final = 2
"""Control periods that the patience with whoever commands a robot in real time must have at least."""

T = TypeVar("T")


class DeadMan(Protocol):
    """A switch that a person holds while the robot may move."""

    def held(self) -> bool:
        """Whether it is held now."""


@runtime_checkable
class AsksFirst(Protocol):
    """A robot that asks whether it may go home, at an instant from which on a stop ends its way there."""

    may_go: Callable[[], None] | None
    """Raises `RobotFault` if it may not."""


class SafeRobot:
    """Any robot; what it is told is brought within `SafetyLimits` first, and that is counted as an intervention.

    A fault of the robot, a stop by `stop_for_good` and a command that did not come in time latch: the robot is stopped
    at once, and whatever moves it raises `RobotFault` until `recover` is called after a person has looked.

    From the first command of an episode until `rest`, `stop` or the next `reset`, commands must come within the limits'
    patience. A robot in real time is stopped from a thread of its own where they do not, since whoever commands it may
    hang; in a simulation periods are counted, however long they take.
    """

    def __init__(
        self,
        inner: Robot,
        limits: SafetyLimits | None = None,
        *,
        kinematics: Kinematics | None = None,
        dead_man: DeadMan | None = None,
    ) -> None:
        """Stand before a robot.

        Args:
            inner: What moves.
            limits: Bounds on what is commanded; none by default, which leaves what latches.
            kinematics: Of the arm; needed to bound the tool of a robot that is commanded by joints, and joints of one
                that is commanded by its tool.
            dead_man: While it is not held the robot stands where it was measured when that was seen first, whatever it is told.

        Raises:
            ConfigError: The limits need the arm's kinematics, and they are not given; or the patience is too short for
                commands that come once a period.
        """
        self._inner = inner
        self._guard = Guard(limits or SafetyLimits(), inner.limits, kinematics)
        self.dead_man = dead_man
        """May be put in place, or taken away, between any two calls."""
        self._recoverable = inner if isinstance(inner, Recoverable) else None
        self._fault: RobotFault | None = None
        self._latch = threading.Lock()  # held for moments only, never while the robot is called
        self._stops: list[RobotFault] = []  # those for good, since the last that was cleared
        self._stood: Target | None = None  # while the dead-man switch is let go
        if isinstance(inner, AsksFirst):
            inner.may_go = self._refuse_if_stopped
        self.interventions = 0
        """Of the guard alone since the reset."""
        self._idle = 0
        self._commanded = True
        self._in_episode = False
        self._watchdog: Watchdog | None = None
        patience = self.safety.patience
        if patience is not None and inner.limits.real_time:
            if patience < LEAST_PATIENCE * inner.limits.control_period:
                raise ConfigError(
                    f"SafetyLimits.patience is {patience:g} s, but a command comes once in a control period of "
                    f"{inner.limits.control_period:g} s; give it {LEAST_PATIENCE} of them or more."
                )
            self._watchdog = Watchdog(patience, self._fell_silent, failed=self._unwatched)

    @property
    def inner(self) -> Robot:
        """What moves. Nothing that is told to it directly is held to any limit."""
        return self._inner

    @property
    def serial(self) -> str | None:
        """Of the robot within, where it has one."""
        return getattr(self._inner, "serial", None)

    @property
    def limits(self) -> RobotLimits:
        """Of the robot within."""
        return self._inner.limits

    @property
    def safety(self) -> SafetyLimits:
        """The bounds that are held."""
        return self._guard.limits

    @property
    def fault(self) -> RobotFault | None:
        """What stopped the robot and has not been cleared; None while it may move."""
        if self._fault is None and self._recoverable is not None:
            return self._recoverable.fault
        return self._fault

    def reset(self, home: Target | None = None) -> None:
        """Move to `home`, and forget interventions.

        Raises:
            RobotFault: Something stopped the robot and has not been cleared; it does not move.
            SpecMismatch: The home is not finite, or not within the limits; it does not move.
            ConfigError: The robot's own home is not within the limits; it has been stopped there.
        """
        self.rest()  # before the look at the fault: a watchdog that barks at this moment is waited for
        self._refuse_if_stopped()
        if home is not None:
            check(home)
            self._guard.check_home(home)
        self._faults_latch(lambda: self._inner.reset(home))
        if self._fault is not None:  # another thread stopped it for good
            self.stop()
            self._refuse_if_stopped()
        self.interventions = self._idle = 0
        self._commanded = self._in_episode = True
        self._stood = None
        try:
            self._guard.begin(self.observe())
        except ConfigError:
            self.stop()
            raise

    def observe(self) -> RobotState:
        """The newest state, with the guard's interventions counted in."""
        state = self._faults_latch(self._inner.observe)
        if not self.interventions:
            return state
        return replace(state, interventions=state.interventions + self.interventions)

    def command(self, target: Target) -> Target:
        """Set the target, brought within the limits; gives what is really sent.

        Raises:
            SpecMismatch: It is not finite; nothing was sent.
            RobotFault: The robot was stopped before and has not been cleared, or fails now; nothing moves.
        """
        self._refuse_if_stopped()
        check(target)
        self._commanded = True
        if self._watchdog is not None and self._in_episode:
            self._watchdog.heard()
            self._refuse_if_stopped()
        if self.dead_man is not None and not self.dead_man.held():
            return self._stand(target)
        self._stood = None
        if not self._guard.limits.on:
            return self._faults_latch(lambda: self._inner.command(target))
        allowed = self._guard.allowed(target, self._faults_latch(self._inner.observe))
        return self._send(allowed, changed=allowed is not target)

    def advance(self) -> None:
        """Let one control period pass.

        Raises:
            RobotFault: The robot fails, or no command has come for longer than the limits' patience; it is stopped.
        """
        self._refuse_if_stopped()
        self._idle = 0 if self._commanded else self._idle + 1
        self._commanded = False
        patience = self._guard.limits.patience
        waited = self._idle * self.limits.control_period
        if self._watchdog is None and patience is not None and waited > patience:
            self._fell_silent(waited)
            self._refuse_if_stopped()
        self._faults_latch(self._inner.advance)

    def stop(self) -> None:
        """Stand still, now and until the next `reset`; never raises."""
        self.rest()
        self._inner.stop()

    def rest(self) -> None:
        """The episode is over: no command is waited for until the next `reset`; the robot stays where it is told to be."""
        self._in_episode = False
        if self._watchdog is not None:
            self._watchdog.rest()

    @contextmanager
    def led(self) -> Iterator[None]:
        """Let a hand lead the robot for the length of a block; no command is waited for, and none is held to any limit.

        Raises:
            ConfigError: It is none that a hand can lead.
            RobotFault: Something stopped it and has not been cleared, or stops it now.
        """
        if not isinstance(self._inner, LedByHand):
            raise ConfigError(
                "This robot cannot be led by hand: it is simulated, or its driver does not offer it."
            )
        self._refuse_if_stopped()
        self.stop()
        with self._inner.led():
            self._refuse_if_stopped()  # by somebody else, while the robot was made ready
            yield

    def stop_for_good(self, why: str) -> None:
        """Stand still, now and until a person has cleared it by `recover`; never raises. `why` is what others read.

        If the robot has a fault after that, a stop that it did not confirm for one, that is what they read first. May be
        called from any thread.
        """
        # Latched before it is stopped: whoever comes to move it meanwhile finds it so.
        at_first = self._latched(RobotFault(f"{why} The robot is told to stop. {CLEAR}"))
        trouble = self._trouble_of_stopping()
        done = f"{trouble} {why}" if trouble else f"{why} The robot was stopped."
        with self._latch:
            told = RobotFault(f"{done} {CLEAR}")
            self._stops = [told if each is at_first else each for each in self._stops]
            if self._fault is at_first:
                self._fault = told
            elif self._fault is not None and trouble and trouble not in str(self._fault):
                self._fault = RobotFault(f"{trouble} {self._fault}")

    def recover(self) -> None:
        """Clear what stopped the robot, after a person has seen that it is safe; a `reset` may follow.

        Raises:
            RobotFault: The cause is still there, or somebody has stopped the robot meanwhile; it stands still.
        """
        with self._latch:
            self._stops.clear()
        if self._recoverable is not None:
            self._recoverable.recover()
        self._inner.stop()  # whatever was under way is not taken up again: a reset comes first
        with self._latch:
            self._fault = self._stops[0] if self._stops else None
        self._refuse_if_stopped()

    def close(self) -> None:
        """Let go of the robot within; may be called twice."""
        if self._watchdog is not None:
            self._watchdog.close()
        self._inner.close()

    def save(self) -> Float64:
        """What the guard carries from one period to the next, (SAVED,); see `guarded`."""
        counts = (float(self.interventions), float(self._idle), float(self._commanded))
        return np.concatenate([counts, self._guard.save()])

    def restore(self, saved: Float64) -> None:
        """Go on from what `save` gave; what latched stays so."""
        self.interventions, self._idle = int(saved[0]), int(saved[1])
        self._commanded = bool(saved[2])
        self._guard.restore(saved[3:])
        self._stood = None

    def _stand(self, target: Target) -> Target:
        """Stand where the robot was measured when the dead-man switch was found let go, whatever it is told."""
        state = self._faults_latch(self._inner.observe)
        if self._stood is None:
            self._stood = self._guard.within_room(standing(state), state)
        sent = self._send(self._stood, changed=not same(self._stood, target))
        self._guard.stands()
        return sent

    def _send(self, target: Target, *, changed: bool) -> Target:
        before = self._faults_latch(self._inner.observe).interventions if changed else 0
        sent = self._faults_latch(lambda: self._inner.command(target))
        if changed and self._faults_latch(self._inner.observe).interventions == before:
            self.interventions += 1  # one command is one intervention, whoever else changes it
        self._guard.sent(sent)
        return sent

    def _fell_silent(self, seconds: float) -> None:
        """Nobody has commanded the robot for too long; called from the watchdog's thread where there is one."""
        self.stop_for_good(
            f"No command came for {seconds:.3g} s, longer than SafetyLimits.patience ({self.safety.patience:g} s): see what "
            "the policy waited for, or whether its computer is too slow."
        )

    def _unwatched(self, error: Exception) -> None:
        """Nobody would notice if whoever commands the robot fell silent."""
        self.stop_for_good(
            f"The watchdog over SafetyLimits.patience failed ({error!r}). This is a fault of ours; open the robot anew."
        )

    def _latched(self, fault: RobotFault) -> RobotFault:
        """Be stopped for good from now on; what came first is what is told."""
        with self._latch:
            self._stops.append(fault)
            self._fault = self._fault or fault
        return fault

    def _trouble_of_stopping(self) -> str:
        """Stop; what fault the robot has then, empty if none."""
        try:
            self.stop()
        except Exception as error:  # of a robot that breaks its contract: it may still move
            return f"The stop was not confirmed ({error!r}). If the robot moves, press the emergency stop."
        fault = None if self._recoverable is None else self._recoverable.fault
        return "" if fault is None else str(fault)

    def _refuse_if_stopped(self) -> None:
        fault = self.fault
        if fault is not None:
            raise RobotFault(str(fault)) from fault

    def _faults_latch(self, do: Callable[[], T]) -> T:
        try:
            return do()
        except RobotFault as fault:
            try:
                self.stop()
            finally:
                with self._latch:
                    self._fault = self._fault or fault
            raise
