"""What is to go wrong, in words: `collision@3s`, `freeze@2s+6s`, `error=27@4s`, `camera-unplug@5s+inf`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Final

import numpy as np

from ibc_gym.errors import ConfigError, UnknownName

from .cameras.faults import FAULTS, CameraFault, FaultKind, random_faults
from .faults import CODES, KINDS, LASTING, Fault, FaultSchedule

CAMERA: Final = "camera-"
"""What faults of cameras begin with."""
CAMERA_KINDS: Final = {
    "drop": "no pictures come",
    "half": "no colour comes, only depth",
    "repeat": "the picture before comes again, number and all",
    "freeze": "new numbers and times, old pixels",
    "late": "pictures come 0.3 s later",
    "black": "nothing is seen",
    "leap": "the stamps lie 100 s ahead",
    "stall": "no pictures until the streams are started anew",
    "hang": "no pictures until the device is reset",
    "unplug": "the device is not there",
}
"""Every fault of a camera, in words."""
USUAL: Final = 1.0
"""How long a fault of a camera lasts if nothing is said [s]."""
FOREVER: Final = 1e9
"""How long a fault of a camera without end lasts [s]."""
HOUR: Final = 3600.0
"""For how long faults are drawn [s]."""
_GRAMMAR: Final = re.compile(
    r"(?P<kind>[a-z-]+)(=(?P<value>[0-9.]+)s?)?(@(?P<at>[0-9.]+)s?)?(\+(?P<lasts>[0-9.]+|inf)s?)?"
)
EXAMPLES: Final = "collision@3s, freeze@2s+6s, error=27@4s, camera-unplug@5s+inf"


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Faults of an arm's controller and of the cameras beside it."""

    arm: tuple[Fault, ...] = ()
    cameras: tuple[CameraFault, ...] = ()


def schedule(
    words: Sequence[str], *, per_minute: float = 0.0, seed: int = 0, cameras: bool = True
) -> Schedule:
    """What goes wrong, and when.

    Args:
        words: Each KIND@BEGINS+LASTS in seconds; the beginning is 0 and the duration what is usual for the kind where they
            are left out. KIND=NUMBER is the code of the controller's error, or for "delay" by how much replies are late.
        per_minute: So many more are drawn at random, on average, for an hour.
        seed: Of the draw.
        cameras: Whether there are cameras to fail.

    Raises:
        UnknownName: No fault is called that.
        ConfigError: It makes no sense, or it is a camera's and there is none.
    """
    if not 0 <= per_minute < inf:
        raise ConfigError(f"{per_minute} faults per minute cannot be drawn; 0 draws none.")
    if seed < 0:
        raise ConfigError(f"The seed of faults that are drawn is {seed}, but must be at least 0.")
    said = [parse(word, cameras=cameras) for word in words]
    if not cameras and (eyes := [fault for fault in said if isinstance(fault, CameraFault)]):
        raise ConfigError(
            f"{CAMERA}{eyes[0].kind} cannot go wrong where no camera is emulated: one is in the workcell xarm-emulated, where "
            "pictures are observed, and fails as the file of its table says; docs/hardware.md shows one."
        )
    more = _drawn(per_minute, seed, cameras)
    return Schedule(
        arm=(*(fault for fault in said if isinstance(fault, Fault)), *more.arm),
        cameras=(*(fault for fault in said if isinstance(fault, CameraFault)), *more.cameras),
    )


def parse(word: str, *, cameras: bool = True) -> Fault | CameraFault:
    """One fault by its words; without cameras theirs are not offered to who mistypes one.

    Raises:
        UnknownName: No fault is called that.
        ConfigError: It cannot be read, or makes no sense.
    """
    told = _GRAMMAR.fullmatch(word)
    if told is None:
        raise ConfigError(f"{word!r} is no fault; write KIND@BEGINS+LASTS, such as {EXAMPLES}.")
    try:
        value, at, lasts = (
            None if told[name] is None else float(told[name]) for name in ("value", "at", "lasts")
        )
    except ValueError:
        raise ConfigError(
            f"{word!r} has a number that is none; such as {EXAMPLES} are faults."
        ) from None
    kind, begins = told["kind"], at or 0.0
    if kind not in known():
        raise UnknownName("fault", kind, known() if cameras else KINDS)
    if not kind.startswith(CAMERA):
        if kind == "delay" and value is not None:
            return Fault(kind=kind, at=begins, duration=lasts, late=value)
        if value is not None and kind not in CODES:
            raise ConfigError(f"{word!r} has a number, but {kind!r} takes none{_rather(told)}.")
        return Fault(kind=kind, at=begins, duration=lasts, code=_code(word, value))
    if value is not None:
        raise ConfigError(f"{word!r} has a number, but no fault of a camera takes one.")
    duration = USUAL if lasts is None else min(lasts, FOREVER)
    return CameraFault(kind=_eye(kind), at=begins, duration=duration)


def known() -> dict[str, str]:
    """Every fault by its name, in words."""
    return {**KINDS, **{f"{CAMERA}{kind}": text for kind, text in CAMERA_KINDS.items()}}


def arm_faults(words: Sequence[str], *, per_minute: float, seed: int) -> tuple[Fault, ...]:
    """As `schedule`, for a controller alone."""
    return schedule(words, per_minute=per_minute, seed=seed, cameras=False).arm


def _code(word: str, value: float | None) -> int | None:
    if value is not None and value != round(value):
        raise ConfigError(f"{word!r} has the code {value}, but codes are whole numbers.")
    return None if value is None else round(value)


def _rather(told: re.Match[str]) -> str:
    """What was meant, where a duration was said as a number."""
    kind, value, at, lasts = (told[name] for name in ("kind", "value", "at", "lasts"))
    if kind not in LASTING or lasts is not None:
        return ""
    begins = "" if at is None else f"@{at}s"
    return f"; how long it lasts comes last: {kind}{begins}+{value}s"


def _eye(kind: str) -> FaultKind:
    return next(known for known in FAULTS if f"{CAMERA}{known}" == kind)


def _drawn(per_minute: float, seed: int, cameras: bool) -> Schedule:
    if not per_minute:
        return Schedule()
    rng = np.random.default_rng(seed)
    share = len(FAULTS) / (len(FAULTS) + len(KINDS)) if cameras else 0.0
    rate = (1 - share) * per_minute / 60
    arm = FaultSchedule.drawn(rng, until=HOUR, rate=rate, kinds=KINDS).coming
    count = int(rng.poisson(share * per_minute / 60 * HOUR))
    return Schedule(arm=arm, cameras=random_faults(rng, within=HOUR, count=count))
