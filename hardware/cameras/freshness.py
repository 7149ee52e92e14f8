"""Which pictures are refused: an arm must never act on a repeated, frozen, blank or half picture."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from ibc_gym.records import UInt8

from .clock import WRAP

SPARSE: Final = 8
"""Every so many pixels of a row and a column are looked at for contrast."""


class Flaw(StrEnum):
    """Why a picture was refused."""

    REPEATED = "repeated number"
    HALF = "half a pair"
    FROZEN = "frozen picture"
    BLANK = "blank picture"
    STAMP = "impossible stamp"
    LATE = "older than one control period"


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Arrival:
    """What the library handed over, before it is believed."""

    image: UInt8
    """(H, W, 3) RGB, a copy."""
    number: int
    """Of the colour picture."""
    stamp: float
    """Of the colour picture, on the device's clock [s]."""
    depth_number: int | None = None
    """Of the depth picture; None where there is none."""
    depth_stamp: float | None = None
    """[s]"""


class Inspector:
    """Compares each picture with the one before; made anew whenever the streams start."""

    def __init__(self, *, fps: int, depth: bool, min_contrast: float) -> None:
        """Know what a good picture is.

        Args:
            fps: Pictures per second [Hz].
            depth: Whether each must have its depth.
            min_contrast: Least spread of grey levels, 0..255.
        """
        self._apart = 0.6 / fps  # the library pairs pictures that are half a period apart
        self._depth = depth
        self._min_contrast = min_contrast
        self._last: Arrival | None = None

    def flaw(self, new: Arrival) -> Flaw | None:
        """What is wrong with a picture; None if nothing is."""
        last, self._last = self._last, new
        if last is not None and new.number == last.number:
            halved = self._depth and new.depth_number != last.depth_number
            return Flaw.HALF if halved else Flaw.REPEATED
        if self._depth and not self._is_paired(new, last):
            return Flaw.HALF
        if last is not None and np.array_equal(new.image, last.image):
            # A blacked out imager repeats itself too; say what will help to find it.
            return Flaw.BLANK if self._is_blank(new.image) else Flaw.FROZEN
        return Flaw.BLANK if self._is_blank(new.image) else None

    def _is_paired(self, new: Arrival, last: Arrival | None) -> bool:
        if new.depth_number is None or new.depth_stamp is None:
            return False
        if last is not None and new.depth_number == last.depth_number:
            return False
        apart = abs(new.stamp - new.depth_stamp)
        return min(apart, abs(WRAP - apart)) <= self._apart

    def _is_blank(self, image: UInt8) -> bool:
        return float(image[::SPARSE, ::SPARSE].std()) < self._min_contrast
