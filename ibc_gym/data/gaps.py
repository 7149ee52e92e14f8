"""By how much an episode parts from the stored one, as a number and by the name of the element that parts furthest."""

from __future__ import annotations

from collections.abc import Sequence
from math import pi

import numpy as np
from numpy.typing import ArrayLike

from ibc_gym.geometry import wrap_angle
from ibc_gym.records import Float64


class Gaps:
    """By how much an input parts from what is stored, step by step."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        """Compare elements that have these names; "…orientation" is an angle [rad]."""
        self._names = tuple(names)
        self._angles = np.array([name.endswith("_orientation") for name in names], np.bool_)
        self._widest: Float64 = np.zeros(0)
        self._steps = 0
        self.parts_at: int | None = None
        """First step at which any element differs."""

    def add(self, seen: ArrayLike, stored: ArrayLike) -> None:
        """Compare one step more."""
        gap = np.abs(np.subtract(seen, stored, dtype=np.float64)).reshape(-1)
        if self.parts_at is None and gap.any():
            self.parts_at = self._steps
        if self._angles.size:
            gap = np.where(self._angles, np.abs(wrap_angle(gap, 2 * pi)), gap)
        self._widest = gap if self._steps == 0 else np.maximum(self._widest, gap)
        self._steps += 1

    @property
    def largest(self) -> float:
        """Of any element at any step."""
        return float(self._widest.max(initial=0.0))

    @property
    def furthest(self) -> str:
        """The element's name; empty where it has none, or nothing differs."""
        if not (self._names and self.largest):
            return ""
        return self._names[int(np.argmax(self._widest))]
