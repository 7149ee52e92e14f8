"""A hand leads the arm while the controller bears it; before and afterwards the arm stands, and that is seen."""

from __future__ import annotations

from collections.abc import Callable

from ibc_gym.errors import RobotFault

from .bring_up import make_ready
from .config import XArmConfig
from .reports import Reports
from .stream import Stream, telling
from .vendor import POSITION, TEACHING, Controller
from .watching import watch


class Lead:
    """One time that a hand leads it."""

    def __init__(
        self,
        config: XArmConfig,
        controller: Controller,
        reports: Reports,
        stream: Stream,
        clock: Callable[[], float],
    ) -> None:
        """Of an arm that stands, and to which nothing is streamed."""
        self._config, self._controller, self._reports = config, controller, reports
        self._stream, self._clock = stream, clock
        self._since = clock()

    def begin(self) -> None:
        """Let it go.

        Raises:
            RobotFault: The controller does not let it be led.
        """
        try:
            make_ready(self._config, self._controller, self._reports, TEACHING)
        except RobotFault as error:
            raise telling(self._stream.fail(error)) from error
        self._since = self._clock()

    def watch(self) -> None:
        """Notice that the controller has left off bearing it.

        Raises:
            RobotFault: It has; the arm was stopped.
        """
        if self._stream.fault is not None:
            raise telling(self._stream.fault)
        try:
            watch(self._config, self._reports, TEACHING, since=self._since, now=self._clock())
        except RobotFault as error:
            raise telling(self._stream.fail(error)) from error

    def end(self, stop: Callable[[], None]) -> None:
        """Stop the arm, and see that it stands; one that has a fault already was stopped when that was noticed.

        Raises:
            RobotFault: The controller does not say that it stands: it may still follow a hand, or sink.
        """
        known, asked = self._stream.fault, self._clock()
        stop()
        if known is not None:
            return
        if self._stream.fault is not None:
            raise telling(self._stream.fault)
        try:
            self._reports.wait_motion(
                lambda motion: motion.state >= 3, after=asked, timeout=self._config.ready_timeout
            )
            self._controller.set_mode(POSITION)  # or whoever readies the arm next finds it soft
        except RobotFault as error:
            raise telling(self._stream.fail(error)) from error
