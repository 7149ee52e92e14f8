"""When a picture was taken, on the host's monotonic clock: the one that the robot's measurements are stamped with.

A camera stamps by a counter of its own that starts anywhere, runs a few parts in 10⁵ fast or slow, and wraps after 71.6
minutes. All the host sees is when each picture arrives, late by the transport and by its own scheduler, never early. So
the mapping is the line that all arrivals lie above and that is as high as they let it be (Moon, Skelly and Towsley 1999,
Estimation and removal of clock skew from network delay measurements), over the last minute. What it cannot see is the
least delay itself, which is told to it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final, Literal

Domain = Literal["hardware", "system", "global"]
"""Who stamped: the device's counter; the host at the arrival; the library, by a mapping of its own."""

WRAP: Final = 2**32 / 1e6
"""The device counts microseconds in 32 bits [s]."""
WINDOW: Final = 60
"""Seconds of the device's clock that are remembered, one arrival of each: the least late."""
LEVEL: Final = 10.0
"""Below this span of time drift cannot be told from delay, and is taken as none [s]."""
MAX_DRIFT: Final = 2e-4
"""More than two quartzes are apart. What rises faster is lateness that grows."""
LEARNING: Final = 10
"""Arrivals before the mapping is believed enough to refuse a stamp."""
TOLERANCE: Final = 0.002
"""By how much a stamp on the host's clock may lie in the future: its resolution [s]."""
FUTURE: Final = 0.1
"""A picture that comes sooner than any before, by less than this, shows that all of them were late; by more, that its
stamp is wrong [s]. What is learnt from a wrong one makes pictures look older than they are, never younger."""
STRANGE: Final = 5.0
"""After a restart, a picture later than this is none, but a counter that began anew [s]."""


class StampRefusedError(ValueError):
    """A stamp that cannot be true, such as one in the future."""


class OffsetFit:
    """The highest line below all arrivals of the last minute."""

    def __init__(self) -> None:
        self._least: deque[tuple[float, float]] = deque(maxlen=WINDOW)  # device, arrival - device
        self._line: tuple[float, float, float] | None = None  # device, delay, slope

    def add(self, device: float, arrival: float) -> None:
        """Learn from one arrival; stamps come in order [s]."""
        delay = arrival - device
        if self._least and int(self._least[-1][0]) == int(device):
            if delay >= self._least[-1][1]:
                return
            self._least.pop()
        self._least.append((device, delay))
        self._line = None

    def earliest(self, device: float) -> float:
        """When a picture of this stamp can have arrived at the earliest, on the host's clock [s].

        Raises:
            LookupError: Nothing has been learnt yet.
        """
        if not self._least:
            raise LookupError("no arrival yet")
        if self._line is None:
            self._line = _fit(list(self._least))
        at, delay, slope = self._line
        return device + delay + slope * (device - at)

    @property
    def drift(self) -> float:
        """By how much the host's clock runs faster than the device's, as a share; 0 until it can be told."""
        return 0.0 if not self._least else (self._line or _fit(list(self._least)))[2]


class CaptureClock:
    """Maps a camera's stamps.

    It is kept over a restart of the streams, through which the counter runs on: learnt anew while pictures come late, it
    would take the lateness for the transport's, and late pictures for fresh ones. After a reset of the device there is no
    choice, and a lateness that has been there ever since shows only when it ends.
    """

    def __init__(
        self, *, min_latency: float, wall_offset: Callable[[], float] | None = None
    ) -> None:
        """Know nothing yet.

        Args:
            min_latency: Least time from exposure to arrival [s].
            wall_offset: What to take from the host's time of day for its monotonic clock, now [s].
        """
        self._min_latency = min_latency
        self._wall_offset = wall_offset or (lambda: time.time() - time.monotonic())
        self._fit = OffsetFit()
        self._domain: Domain | None = None
        self._learnt = self._turns = 0
        self._last: float | None = None
        self._resuming = False

    def resume(self) -> None:
        """The streams start again: the counter has most likely run on, but may begin anew."""
        self._resuming = True

    def time_of(self, stamp: float, domain: Domain, arrival: float) -> float:
        """When the picture was taken, on the host's monotonic clock [s].

        Args:
            stamp: The picture's own stamp [s].
            domain: Who stamped.
            arrival: When it was received, on the host's monotonic clock [s].

        Raises:
            StampRefusedError: It would have been taken after it arrived, or the clock was changed under way.
        """
        if self._resuming:
            self._resuming = False
            if domain != self._domain or self._is_strange(stamp, arrival):
                self._forget()
        if domain != (self._domain or domain):
            raise StampRefusedError(f"the stamps changed from {self._domain} to {domain} time")
        self._domain = domain
        if domain == "hardware":
            return self._by_arrivals(stamp, arrival)
        taken = stamp - self._wall_offset()
        if taken > arrival + TOLERANCE:
            raise StampRefusedError(f"the stamp lies {taken - arrival:.3f} s in the future")
        return taken - self._min_latency if domain == "system" else taken

    def described(self) -> dict[str, object]:
        """What maps a raw stamp to the host's clock later, as JSON: host = stamp + offset at `at`, and the drift."""
        told: dict[str, object] = {"domain": self._domain, "drift": self._fit.drift}
        if self._last is not None and self._learnt:
            host = self._fit.earliest(self._last) - self._min_latency
            told |= {"at": self._last, "host": host, "wraps": self._turns}
        return told

    def _forget(self) -> None:
        self._fit = OffsetFit()
        self._domain = None
        self._learnt = self._turns = 0
        self._last = None

    def _is_strange(self, stamp: float, arrival: float) -> bool:
        if self._domain != "hardware" or self._last is None:
            return False
        device, _ = self._unwrapped(stamp)
        ahead = self._fit.earliest(device) - arrival
        return ahead > FUTURE or ahead < -STRANGE

    def _by_arrivals(self, stamp: float, arrival: float) -> float:
        device, turns = self._unwrapped(stamp)
        if self._learnt >= LEARNING:  # before, every arrival teaches
            ahead = self._fit.earliest(device) - arrival
            if ahead > FUTURE:
                raise StampRefusedError(f"the stamp lies {ahead:.3f} s in the future")
        self._fit.add(device, arrival)
        self._learnt += 1
        self._last, self._turns = device, turns
        return min(self._fit.earliest(device), arrival) - self._min_latency

    def _unwrapped(self, stamp: float) -> tuple[float, int]:
        """The counter without its wraps, and how many there were; a stamp a little out of order is no wrap."""
        device = stamp + self._turns * WRAP
        if self._last is not None and self._last - device > WRAP / 2:
            return device + WRAP, self._turns + 1
        return device, self._turns


def _fit(points: list[tuple[float, float]]) -> tuple[float, float, float]:
    """The line below all points that is highest at their middle: (device, delay, slope)."""
    span = points[-1][0] - points[0][0]
    slope = 0.0
    if span >= LEVEL:
        hull: list[tuple[float, float]] = []
        for point in points:
            while len(hull) > 1 and _turns_down(hull[-2], hull[-1], point):
                hull.pop()
            hull.append(point)
        middle = sum(x for x, _ in points) / len(points)
        right = next(n for n, (x, _) in enumerate(hull) if n and x >= middle)
        (x0, y0), (x1, y1) = hull[right - 1], hull[right]
        slope = min(max((y1 - y0) / (x1 - x0), -MAX_DRIFT), MAX_DRIFT)
    last = points[-1][0]
    return last, min(y + slope * (last - x) for x, y in points), slope


def _turns_down(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    """Whether b lies on or above the line from a to c."""
    return (b[1] - a[1]) * (c[0] - a[0]) >= (c[1] - a[1]) * (b[0] - a[0])
