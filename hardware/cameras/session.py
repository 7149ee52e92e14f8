"""One run of a camera's streams, and what is believed of it: each picture inspected, timed on the host's clock, aligned."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

from ibc_gym.records import Frame

from . import raw
from .clock import CaptureClock, StampRefusedError
from .config import RealSenseConfig
from .devices import Bus
from .freshness import Arrival, Flaw, Inspector
from .stream import Stream

_log = logging.getLogger(__name__)


class Settling:
    """A picture that is thrown away because exposure and clock are not settled yet."""


SETTLING: Final = Settling()


class Session:
    """From one start of the streams to their stop."""

    def __init__(
        self,
        config: RealSenseConfig,
        bus: Bus,
        times: CaptureClock,
        clock: Callable[[], float],
    ) -> None:
        """Start the streams; raises what `Stream` does.

        Args:
            config: Which camera, and how.
            bus: Where it is plugged in.
            times: Maps the device's stamps; may have learnt from the session before.
            clock: The workcell's [s].
        """
        self._config = config
        self._clock = clock
        self.stream = Stream(config, bus)
        self._times = times
        self._inspector = Inspector(
            fps=config.fps, depth=config.depth, min_contrast=config.min_contrast
        )
        self._unsettled = config.settle_frames

    def next(self, timeout: float) -> Frame | Flaw | Settling | None:
        """The newest picture with the device's own number, or why it is refused; None if none comes in time [s].

        Raises:
            RuntimeError: The library lost the device.
        """
        arrival = self.stream.wait(timeout)
        if arrival is None:
            return None
        now = self._clock()
        flaw = self._inspector.flaw(arrival)
        taken = self._time_of(arrival, now)
        self._unsettled -= 1
        if flaw is not None:
            return flaw
        if taken is None:
            return Flaw.STAMP
        if self._unsettled >= 0:
            return SETTLING
        if now - taken > self._config.max_age:
            return Flaw.LATE
        depth = self.stream.depth()
        return Frame(image=arrival.image, time=taken, number=arrival.number, depth=depth)

    def stop(self) -> None:
        """Stop the streams; may hang."""
        self.stream.stop()

    def describe_raw(self) -> None:
        """Write beside the recording, if there is one, whose it is and how its times are meant."""
        if self.stream.raw is None:
            return
        told = {
            "camera": self._config.name,
            "serial": self._config.serial,
            "clock": self._times.described(),
            "wall_minus_monotonic": time.time() - time.monotonic(),
        }
        raw.describe(self.stream.raw, told)

    def _time_of(self, arrival: Arrival, now: float) -> float | None:
        try:
            return self._times.time_of(arrival.stamp, self.stream.domain, now)
        except StampRefusedError as error:
            _log.warning("Camera %r, picture %d: %s", self._config.name, arrival.number, error)
            return None
