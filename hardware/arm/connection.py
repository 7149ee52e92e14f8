"""What leads to one control box, and is had anew when it is lost: commands, reports, and the stream of targets."""

from __future__ import annotations

from collections.abc import Callable

from ibc_gym.closing import Closing
from ibc_gym.errors import RobotFault
from ibc_gym.kinematics import Kinematics

from .config import XArmConfig
from .reports import Reports
from .stream import Stream
from .timing import Stopwatch
from .vendor import Controller


class Connection(Closing):
    """To the control box of a config. Nothing is asked and nothing moves by connecting."""

    controller: Controller
    """Takes commands."""
    reports: Reports
    """What the box says by itself."""

    def __init__(
        self, config: XArmConfig, kinematics: Kinematics, clock: Callable[[], float]
    ) -> None:
        """Connect.

        Args:
            config: Of the arm.
            kinematics: Of it.
            clock: Measures all times [s].

        Raises:
            RobotFault: The box cannot be reached.
        """
        self._config, self._kinematics, self._clock = config, kinematics, clock
        self._stopwatch = Stopwatch()  # of all streams: a new connection's counts go on
        self._connect()
        self.stream = self._make_stream()
        """Sends targets, once it is told to begin."""

    @property
    def stands(self) -> bool:
        """Whether questions are still answered, reports come, and targets would be sent."""
        if self.reports.lost is not None or not self.stream.alive:
            return False
        try:
            self.controller.errors()
        except RobotFault:
            return False
        return True

    def renew(self, fault: RobotFault) -> None:
        """Hang up and connect again; the new stream is at fault as the old one was, also where nobody answers.

        Raises:
            RobotFault: The box cannot be reached.
        """
        self.close()
        try:
            self._connect()
        finally:
            self.stream = self._make_stream()
            self.stream.latch(fault)

    def close(self) -> None:
        """End the stream and hang up; may be called twice. The arm holds where it was last sent."""
        self.stream.close()
        self.reports.close()
        self.controller.close()

    def _connect(self) -> None:
        config = self._config
        self.controller = Controller(
            config.address,
            port=config.port,
            connect_timeout=config.connect_timeout,
            command_timeout=config.command_timeout,
        )
        try:
            self.reports = Reports(
                config.address, timeout=config.connect_timeout, clock=self._clock
            )
        except BaseException:
            self.controller.close()
            raise

    def _make_stream(self) -> Stream:
        return Stream(
            self._config,
            self.controller,
            self.reports,
            self._kinematics,
            self._stopwatch,
            clock=self._clock,
        )
