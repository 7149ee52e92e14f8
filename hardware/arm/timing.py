"""How well a paced thread keeps its deadlines: counted over its life, measured over its last minute."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

LATE: Final = 2e-3
"""A period that begins more than this after its deadline has missed it [s]."""
KEPT: Final = 6000
"""Periods of which the figures are kept: a minute at 100 Hz."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """What a stream did so far; times in seconds."""

    periods: int = 0
    """How many targets were sent."""
    missed: int = 0
    """How many of them more than 2 ms late."""
    skipped: int = 0
    """Periods in which nothing was sent, because the one before took so long."""
    late_p50: float = 0.0
    """How late they began: median of the last ones."""
    late_p99: float = 0.0
    late_most: float = 0.0
    call_p50: float = 0.0
    """How long the controller took to answer."""
    call_p99: float = 0.0
    call_most: float = 0.0
    holds: int = 0
    """How often the arm was held because no word came from the policy."""
    abandoned: int = 0
    """Targets that were given up, since within limits and workspace no way led on; the arm stood then."""


class Stopwatch:
    """Gathers the figures of one stream after the other; written by its thread, read by others."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self._lock = threading.Lock()
        self._periods = self._missed = self._skipped = self.holds = self.abandoned = 0
        self._late: deque[float] = deque(maxlen=KEPT)
        self._calls: deque[float] = deque(maxlen=KEPT)

    def note(self, late: float, call: float) -> None:
        """One period: how late it began, and how long its call took [s]."""
        with self._lock:
            self._periods += 1
            self._missed += late > LATE
            self._late.append(late)
            self._calls.append(call)

    def skip(self, periods: int) -> None:
        """Periods that were left out."""
        self._skipped += periods

    @property
    def counts(self) -> tuple[int, int]:
        """Periods that were due so far, and those of them in which nothing was sent in time."""
        return self._periods + self._skipped, self._missed + self._skipped

    def read(self) -> Timing:
        """The figures."""
        with self._lock:
            late, calls = np.array(self._late or [0.0]), np.array(self._calls or [0.0])
        return Timing(
            periods=self._periods,
            missed=self._missed,
            skipped=self._skipped,
            late_p50=float(np.percentile(late, 50)),
            late_p99=float(np.percentile(late, 99)),
            late_most=float(late.max()),
            call_p50=float(np.percentile(calls, 50)),
            call_p99=float(np.percentile(calls, 99)),
            call_most=float(calls.max()),
            holds=self.holds,
            abandoned=self.abandoned,
        )
