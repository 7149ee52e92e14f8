"""What an emulated camera does wrong, and when: scripted, or drawn from a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np

from ibc_gym.checks import settle
from ibc_gym.errors import ConfigError

FaultKind = Literal[
    "drop", "half", "repeat", "freeze", "late", "black", "leap", "stall", "hang", "unplug"
]
"""drop: no pictures come. half: no colour comes, so that the library pairs depth with an old one. repeat: the picture before
comes again, number and all. freeze: new numbers and times, old pixels. late: pictures come late. black: nothing is seen.
leap: stamps lie 100 s ahead. stall: no pictures until the streams are started anew. hang: none until the device is reset.
unplug: the device is not there."""
FAULTS: Final[tuple[FaultKind, ...]] = get_args(FaultKind)
CURES: Final[dict[FaultKind, str]] = {"stall": "start", "hang": "reset"}
"""Faults that wait for the driver to do something, and what."""
LATE: Final = 0.3
"""How much later late pictures come [s]."""
LEAP: Final = 100.0
"""How far ahead the stamps of a clock that leaps lie [s]."""


@dataclass(frozen=True, kw_only=True)
class CameraFault:
    """One thing that goes wrong."""

    kind: FaultKind
    at: float
    """When it begins, since the camera was made [s]."""
    duration: float
    """How long it lasts [s]; "stall" and "hang" last until their cure instead."""

    def __post_init__(self) -> None:
        settle(self)
        if self.kind not in FAULTS:
            raise ConfigError(f"CameraFault.kind is {self.kind!r}; known: {', '.join(FAULTS)}.")
        if self.at < 0 or self.duration <= 0:
            raise ConfigError(
                f"CameraFault lasts {self.duration} s from {self.at} s; it must last, and begin after the start."
            )


def random_faults(
    rng: np.random.Generator,
    *,
    within: float,
    count: int,
    kinds: Sequence[FaultKind] = FAULTS,
    longest: float = 2.0,
) -> tuple[CameraFault, ...]:
    """Draw faults, in the order in which they begin.

    Args:
        rng: Where chance comes from.
        within: They begin in the first so many seconds.
        count: How many.
        kinds: Of which kinds.
        longest: None lasts longer [s].
    """
    drawn = [
        CameraFault(
            kind=kinds[int(rng.integers(len(kinds)))],
            at=float(rng.uniform(0, within)),
            duration=float(rng.uniform(0.05, 1.0) * longest),
        )
        for _ in range(count)
    ]
    return tuple(sorted(drawn, key=lambda fault: fault.at))


class FaultPlan:
    """Which faults are going on."""

    def __init__(self, faults: Sequence[CameraFault] = ()) -> None:
        self._faults = list(faults)
        self._waiting: list[CameraFault] = []  # for their cure

    def inject(self, fault: CameraFault) -> None:
        """Add one."""
        self._faults.append(fault)

    def clear(self) -> None:
        """End all of them."""
        self._faults.clear()
        self._waiting.clear()

    def active(self, since_start: float) -> frozenset[FaultKind]:
        """The kinds that are going on at a time [s]."""
        for fault in tuple(self._faults):
            if fault.kind in CURES:
                if since_start >= fault.at and fault not in self._waiting:
                    self._waiting.append(fault)
            elif since_start >= fault.at + fault.duration:
                self._faults.remove(fault)
        begun = {fault.kind for fault in self._faults if fault.at <= since_start}
        return frozenset(begun)

    def streams_started(self) -> None:
        """The streams were started anew, which cures a stall."""
        self._cure("start")

    def device_reset(self) -> None:
        """The device was reset or plugged in anew, which cures a hang, and a stall too."""
        self._cure("start")
        self._cure("reset")

    def _cure(self, by: str) -> None:
        for fault in [fault for fault in self._waiting if CURES[fault.kind] == by]:
            self._waiting.remove(fault)
            self._faults.remove(fault)
