"""Keeps a camera running: starts it, stops it, has it back by a restart or a reset, each bounded in time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

from .bounded import HungError, bounded
from .clock import CaptureClock
from .config import RealSenseConfig
from .devices import Bus, find
from .session import Session

_log = logging.getLogger(__name__)

POLL: Final = 0.25
"""Between two looks at the bus while a device is away [s]."""


class Keeper:
    """Holds the session of one camera. Called from one thread at a time."""

    def __init__(
        self,
        config: RealSenseConfig,
        bus: Bus,
        clock: Callable[[], float],
        given_up: threading.Event,
    ) -> None:
        """Hold none yet.

        Args:
            config: Which camera, and how.
            bus: Where it is plugged in.
            clock: The workcell's [s].
            given_up: Ends every wait when it is set.
        """
        self._config = config
        self._bus = bus
        self._clock = clock
        self._given_up = given_up
        self._times = CaptureClock(min_latency=config.min_latency)
        self.session: Session | None = None
        """What runs now; None where nothing does."""
        self.hung = 0
        """Calls into the library that never returned."""

    def open(self) -> Session:
        """Start the streams; raises what `Session` does, and `HungError`."""
        config = self._config
        self.session = bounded(
            lambda: Session(config, self._bus, self._times, self._clock),
            timeout=config.recovery.start_timeout,
            what=f"starting camera {config.name!r}",
            late=lambda session: session.stop(),
        )
        return self.session

    def stop(self) -> None:
        """Stop the streams; a library that hangs or fails is left behind, counted and logged."""
        session, self.session = self.session, None
        if session is None:
            return
        name, limit = self._config.name, self._config.recovery.stop_timeout
        try:
            bounded(session.stop, timeout=limit, what=f"stopping camera {name!r}")
        except HungError as error:
            self._count(error)
        except RuntimeError as error:  # of a device that went
            _log.warning("Camera %r was not stopped: %s", name, error)
        finally:
            session.describe_raw()

    def restart(self) -> bool:
        """Stop and start the streams; whether they run."""
        self.stop()
        self._times.resume()
        return self._try_open()

    def reset(self) -> bool:
        """Reset the device if it is there, wait until it is back, and start it; whether it runs."""
        self.stop()
        if self._try_reset():
            self._times = CaptureClock(min_latency=self._config.min_latency)
            self._await_bus(present=False)
        if not self._await_bus(present=True):
            _log.warning("Camera %r is not on the bus.", self._config.name)
            return False
        return self._try_open()

    def _try_reset(self) -> bool:
        """Whether a device was there and was told to; its handle is of no use afterwards and goes with the call."""
        bus, serial, name = self._bus, self._config.serial, self._config.name

        def reset() -> bool:
            device = find(bus.context(), serial)
            if device is None:
                return False
            bus.reset(device)
            return True

        limit = self._config.recovery.reset_timeout
        try:
            return bounded(reset, timeout=limit, what=f"resetting camera {name!r}")
        except HungError as error:
            self._count(error)
        except RuntimeError as error:
            _log.warning("Camera %r cannot be reset: %s", name, error)
        return False

    def _await_bus(self, *, present: bool) -> bool:
        """Whether the device has come, or gone, in time."""
        deadline = self._clock() + self._config.recovery.reset_timeout
        while (left := deadline - self._clock()) > 0 and not self._given_up.is_set():
            if self._is_attached(left) is present:
                return True
            self._given_up.wait(POLL)
        return False

    def _is_attached(self, timeout: float) -> bool | None:
        bus, serial = self._bus, self._config.serial
        try:
            return bounded(
                lambda: find(bus.context(), serial) is not None,
                timeout=timeout,
                what=f"looking for camera {self._config.name!r}",
            )
        except HungError as error:
            self._count(error)
        except RuntimeError as error:  # of a device that goes while it is asked
            _log.warning("Camera %r: %s", self._config.name, error)
        return None

    def _try_open(self) -> bool:
        try:
            self.open()
        except HungError as error:
            self._count(error)
            return False
        except RuntimeError as error:  # CameraTimeout is one too
            _log.warning("Camera %r cannot be started: %s", self._config.name, error)
            return False
        return True

    def _count(self, error: HungError) -> None:
        self.hung += 1
        _log.error("%s", error)
