"""Reads the controller's reports in a thread of its own: the newest measurement with the time of its capture.

The vendor's client copies positions from reports five times a second, keeps them frozen after some errors and hears of
no error at all on the fast stream. So this reads both streams itself: joints from the fast one, errors and what is
configured from the rich one.
"""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final, TypeVar

import numpy as np

from ibc_gym.closing import Closing
from ibc_gym.errors import RobotFault
from ibc_gym.records import Float64

from .frames import JOINTS, BadFrame, Cutter, Motion, Setup, motion_of, setup_of

FAST_PORT: Final = 30003
RICH_PORT: Final = 30002
PERIOD: Final = 0.01
"""Of the fast stream [s]."""
SPAN: Final = 4
"""Periods over which joint velocities are measured."""
LOOK_UP: Final = 0.2
"""How often the thread sees whether it should end [s]."""

Report = TypeVar("Report", Motion, Setup)


class Reports(Closing):
    """The newest reports of one controller."""

    def __init__(
        self,
        address: str,
        *,
        timeout: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Connect to both streams.

        Args:
            address: Of the control box.
            timeout: For the connections [s].
            clock: What times are measured by [s].

        Raises:
            RobotFault: A stream cannot be had.
        """
        self._address, self.clock = address, clock
        """What times are measured by [s]."""
        self._changed = threading.Condition()
        self._recent: deque[Motion] = deque(maxlen=32)
        self._setup: Setup | None = None
        self._lost: str | None = None
        self._over = False
        self._selector = selectors.DefaultSelector()
        try:
            for port in (FAST_PORT, RICH_PORT):
                stream = socket.create_connection((address, port), timeout)
                stream.setblocking(False)
                self._selector.register(stream, selectors.EVENT_READ, (port, Cutter()))
        except OSError as error:
            self._hang_up()
            raise RobotFault(
                f"The controller at {address} gives no reports on port {port} ({error}). Is it the control box, switched "
                "on, and on the same network?"
            ) from error
        self._thread = threading.Thread(target=self._run, name=f"reports of {address}", daemon=True)
        self._thread.start()

    @property
    def lost(self) -> str | None:
        """Why no more reports will come; None while they may."""
        return self._lost

    @property
    def motion(self) -> Motion | None:
        """The newest measurement, or None before the first."""
        try:
            return self._recent[-1]
        except IndexError:
            return None

    @property
    def setup(self) -> Setup | None:
        """The newest rich report, or None before the first."""
        return self._setup

    def velocities(self) -> Float64:
        """Of the joints over the last reports, (6,) [rad/s]; zero before there are two."""
        recent = list(self._recent)
        if len(recent) < 2:
            return np.zeros(JOINTS)
        # Reports are counted: after a pause many arrive at once, and by their times a moving arm would seem at rest.
        period = max(PERIOD, float(np.median(np.diff([each.time for each in recent]))))
        before = recent[-1 - SPAN :]
        return (before[-1].joints - before[0].joints) / (period * (len(before) - 1))

    def wait_motion(
        self, holds: Callable[[Motion], bool], *, after: float, timeout: float
    ) -> Motion:
        """The first measurement from after a time for which something holds.

        Raises:
            RobotFault: None came in time, or the stream was lost.
        """
        return self._wait(lambda: self.motion, holds, after, timeout)

    def wait_setup(self, holds: Callable[[Setup], bool], *, after: float, timeout: float) -> Setup:
        """The first rich report from after a time for which something holds.

        Raises:
            RobotFault: None came in time, or the stream was lost.
        """
        return self._wait(lambda: self.setup, holds, after, timeout)

    def _wait(
        self,
        newest: Callable[[], Report | None],
        holds: Callable[[Report], bool],
        after: float,
        timeout: float,
    ) -> Report:
        until = self.clock() + timeout
        with self._changed:
            while True:
                report = newest()
                if report is not None and report.time > after and holds(report):
                    return report
                left = until - self.clock()
                if self._lost is not None or left <= 0:
                    break
                self._changed.wait(left)
        why = f"lost: {self._lost}" if self._lost is not None else "silent or not as expected"
        raise RobotFault(
            f"The reports of the controller at {self._address} are {why}, {timeout} s after they were waited for; the "
            f"newest: {newest()}. Check cable, power and the vendor's own interface."
        )

    def close(self) -> None:
        """Hang up; may be called twice."""
        self._over = True
        if self._thread is not threading.current_thread():
            self._thread.join()
        self._hang_up()

    def _run(self) -> None:
        try:
            while not self._over:
                for key, _ in self._selector.select(LOOK_UP):
                    assert isinstance(key.fileobj, socket.socket)
                    self._read(key.fileobj, *key.data)
        except Exception as error:  # whatever it is, nobody must go on with what was read before
            self._lose(str(error) if isinstance(error, OSError | BadFrame) else repr(error))

    def _read(self, stream: socket.socket, port: int, cutter: Cutter) -> None:
        heard = stream.recv(1 << 16)
        now = self.clock()
        if not heard:
            raise ConnectionError(f"it hung up port {port}")
        for frame in cutter.feed(heard):
            if port == FAST_PORT:
                self._recent.append(motion_of(frame, now))
            else:
                self._setup = setup_of(frame, now)
        with self._changed:
            self._changed.notify_all()

    def _lose(self, why: str) -> None:
        with self._changed:
            self._lost = why
            self._changed.notify_all()

    def _hang_up(self) -> None:
        streams = self._selector.get_map()  # None once it is closed
        for key in list(streams.values()) if streams else ():
            assert isinstance(key.fileobj, socket.socket)
            self._selector.unregister(key.fileobj)
            key.fileobj.close()
        self._selector.close()
