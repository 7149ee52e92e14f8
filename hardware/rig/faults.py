"""What can go wrong on demand: errors of the controller, of the network and of the people beside it, at times that are set."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import inf, isfinite
from typing import Final

import numpy as np

from ibc_gym.errors import ConfigError, UnknownName

CODES: Final = {
    "error": 25,
    "warning": 12,
    "collision": 31,
    "joint-limit": 23,
    "speed": 24,
    "emergency-stop": 1,
    "gripper": 11,
}
"""Faults that raise a code, and the one that they raise if none is named."""
LASTING: Final = {
    "emergency-stop": inf,
    "stall": 0.19,
    "refuse": 1.0,
    "reject": 1.0,
    "delay": 0.5,
    "half-frames": 1.0,
    "freeze": 1.0,
    "unplug": 1.0,
    "stale-reports": 1.0,
}
"""Faults that last, and for how long if nothing is said [s]."""
KINDS: Final = {
    "error": "the controller stops on an error",
    "warning": "the controller warns and goes on",
    "collision": "the controller feels a collision",
    "joint-limit": "the controller finds a joint at its limit",
    "speed": "the controller finds the arm too fast",
    "emergency-stop": "somebody holds the button, until the time is over or it is released",
    "gripper": "the gripper reports an error of its own",
    "stall": "commands are taken late, all at once; reports go on",
    "refuse": "nobody can connect; who is connected notices nothing",
    "reject": "targets are refused: the replies say that nothing was done",
    "delay": "replies come late; commands are done at once",
    "half-frames": "replies and reports come in two halves, a moment apart",
    "freeze": "the controller neither answers nor reports nor moves on; its sockets stay open",
    "close": "all connections are closed",
    "unplug": "no byte comes or goes, and nobody can connect; the arm goes on with what it was told",
    "stale-reports": "reports repeat what was true when it began",
}
"""Every fault, in words."""
LATE: Final = 0.15
"""By how much replies come late [s]."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that goes wrong."""

    kind: str
    """One of `KINDS`."""
    at: float = 0.0
    """When it begins, counted from when it is scheduled [s]."""
    duration: float | None = None
    """How long it lasts [s]; None is what is usual for its kind, and one without end can only be released."""
    code: int | None = None
    """The controller's code, for faults that have one."""
    late: float = LATE
    """By how much replies come late, where they do [s]."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UnknownName("fault", self.kind, KINDS)
        lasting = LASTING.get(self.kind, 0.0) if self.duration is None else self.duration
        if not (isfinite(self.at) and self.at >= 0 and lasting >= 0 and 0 <= self.late < inf):
            raise ConfigError(
                f"The fault {self.kind!r} begins at {self.at} s, lasts {lasting} s, is late by {self.late} s; "
                "none may be negative, and only a duration may be infinite."
            )
        if self.code is not None and (self.kind not in CODES or not 0 < self.code < 256):
            raise ConfigError(
                f"The fault {self.kind!r} cannot have the code {self.code}: codes are 1 to 255, and belong to "
                f"{', '.join(CODES)}."
            )

    @property
    def raises(self) -> int:
        """The code that it raises, 0 for none."""
        return CODES.get(self.kind, 0) if self.code is None else self.code

    @property
    def lasts(self) -> float:
        """How long it lasts [s]."""
        return LASTING.get(self.kind, 0.0) if self.duration is None else self.duration


class FaultSchedule:
    """Faults that are still to come, and those that last."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        """Schedule faults from time 0."""
        self._coming: list[Fault] = []
        self._lasting: list[tuple[float, Fault]] = []
        for fault in faults:
            self.add(fault, 0.0)

    @classmethod
    def drawn(
        cls, rng: np.random.Generator, *, until: float, rate: float, kinds: Iterable[str]
    ) -> FaultSchedule:
        """Faults at random times until a time [s], `rate` of them each second on average, of random kinds.

        What usually lasts until it is released lasts a second here.
        """
        names = sorted(kinds)
        faults = []
        time = float(rng.exponential(1 / rate))
        while time < until:
            kind = names[int(rng.integers(len(names)))]
            endless = LASTING.get(kind) == inf
            faults.append(Fault(kind=kind, at=time, duration=1.0 if endless else None))
            time += float(rng.exponential(1 / rate))
        return cls(faults)

    @property
    def coming(self) -> tuple[Fault, ...]:
        """What is still to come, the next first; `at` is the time at which it will be."""
        return tuple(self._coming)

    def add(self, fault: Fault, now: float) -> None:
        """Schedule one more, counted from now [s]."""
        self._coming.append(replace(fault, at=now + fault.at))
        self._coming.sort(key=lambda each: each.at)

    def begin(self, now: float) -> list[Fault]:
        """Those whose time has come, each once."""
        begun = [fault for fault in self._coming if fault.at <= now]
        del self._coming[: len(begun)]
        self._lasting += [(now + fault.lasts, fault) for fault in begun if fault.lasts > 0]
        return begun

    def end(self, now: float) -> list[Fault]:
        """Those whose time is over, each once."""
        ended = [fault for until, fault in self._lasting if until <= now]
        self._lasting = [row for row in self._lasting if row[0] > now]
        return ended

    def active(self, *kinds: str) -> Fault | None:
        """One of these kinds that lasts, if any does."""
        return next((fault for _, fault in self._lasting if fault.kind in kinds), None)

    def release(self) -> None:
        """End all that lasts, and drop what is still to come."""
        self._coming.clear()
        self._lasting = [(-inf, fault) for _, fault in self._lasting]
