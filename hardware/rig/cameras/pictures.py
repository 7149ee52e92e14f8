"""Where an emulated camera's pictures come from: anything that gives the newest one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np

from ibc_gym.records import Float32, UInt8

from .models import Lens


class Picture(NamedTuple):
    """What the scene looked like from the colour imager at one moment."""

    image: UInt8
    """(H, W, 3) RGB."""
    depth: Float32
    """Along the optical axis, (H, W) [m]; 0 where there is nothing."""
    time: float
    """Of the moment, on the host's monotonic clock [s]."""


class PictureSource(Protocol):
    """Gives pictures. It is called from the emulated camera's thread, and what it gave is never changed later."""

    def __call__(self) -> Picture | None:
        """The newest picture; None while there is none that was not given before."""


class MovingPattern:
    """A textured wall, and in front of it a bright square that goes round: a scene that needs no simulator."""

    wall: float = 0.8
    """Distance of the wall [m]."""
    square: float = 0.5
    """Distance of the square [m]."""

    def __init__(
        self,
        lens: Lens,
        *,
        period: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """A pattern as the lens sees it, that repeats itself after `period` seconds."""
        self._lens = lens
        self._period = period
        self._clock = clock
        self.side = lens.height // 4
        """Of the square [px]."""
        v, u = np.mgrid[0 : lens.height, 0 : lens.width]
        stripes = 40 + 40 * ((u // 20 + v // 20) % 2)
        shade = 60 * u / lens.width
        self._wall = np.stack((stripes + shade, stripes, stripes + 20), -1).astype(np.uint8)

    def __call__(self) -> Picture:
        """The picture of now."""
        return self.at(self._clock())

    def at(self, moment: float) -> Picture:
        """The picture of any moment [s]."""
        image = self._wall.copy()
        depth = np.full(image.shape[:2], self.wall, np.float32)
        u, v = self.corner(moment)
        image[v : v + self.side, u : u + self.side] = (250, 220, 30)
        depth[v : v + self.side, u : u + self.side] = self.square
        return Picture(image, depth, moment)

    def corner(self, moment: float) -> tuple[int, int]:
        """Upper left corner of the square (u, v) at any moment [px]."""
        angle = 2 * np.pi * (moment % self._period) / self._period
        room_u = self._lens.width - self.side
        room_v = self._lens.height - self.side
        return (
            round(room_u * (0.5 + 0.4 * np.cos(angle))),
            round(room_v * (0.5 + 0.4 * np.sin(angle))),
        )
