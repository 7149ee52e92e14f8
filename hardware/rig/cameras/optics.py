"""What a sensor makes of a perfect picture: noise in colour, and depth as a stereo pair measures it.

A source renders depth from the colour imager, but the device measures it from its left infrared imager, some 15 mm aside
and through another lens. So depth is carried over, pixel by pixel, and what the colour imager does not see stays empty. The
driver's own alignment brings it back, with the shadows at edges that a real camera has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ibc_gym.checks import settle
from ibc_gym.records import Float32, UInt8

from .models import CameraModel, Lens

UInt16 = NDArray[np.uint16]

BANK: Final = 64
"""Noise is drawn once and shifted by up to so many pixels; a picture of fresh numbers each time would cost a core."""
ROUNDS: Final = 2
"""Of the search for the point that both imagers see."""
HELD: Final = 0.02
"""Beyond this difference the two imagers see different things there, and nothing is measured [m]."""


@dataclass(frozen=True, kw_only=True)
class OpticsConfig:
    """How well the sensors see."""

    colour_noise: float = 1.0
    """Standard deviation in grey levels; at 0 a scene at rest looks frozen to the driver."""
    disparity_noise: float = 0.08
    """Standard deviation of the stereo match [px]: depth is off by z² of it over focal length times base."""
    depth_units: float = 0.001
    """Depth of one count [m]."""

    def __post_init__(self) -> None:
        settle(self)


class Optics:
    """One camera's sensors."""

    def __init__(
        self,
        model: CameraModel,
        colour: Lens,
        depth: Lens,
        config: OpticsConfig,
        rng: np.random.Generator,
    ) -> None:
        """Draw the noise.

        Args:
            model: Which camera.
            colour: The lens that sources render through.
            depth: The lens that depth is measured through.
            config: How well the sensors see.
            rng: Where noise comes from.
        """
        self._model, self._depth_lens, self._config, self._rng = model, depth, config, rng
        self._size = (colour.height, colour.width)
        grain = rng.normal(0, config.colour_noise, (colour.height + BANK, colour.width + BANK, 3))
        self._grain = grain.round().astype(np.int16)
        spread = rng.normal(size=(depth.height + BANK, depth.width + BANK))
        self._spread = spread.astype(np.float32)
        self._shift = np.float32(colour.fx * abs(model.depth_offset))
        # Nearer things are seen, though not measured; their distance does not matter.
        self._least = np.float32(0.99 * model.nearest(depth.width))
        u = colour.cx - 0.5 + (np.arange(depth.width) + 0.5 - depth.cx) * colour.fx / depth.fx
        # Where the colour imager is on the other side of the left one, all is done on pictures turned left to right.
        self._turned = slice(None, None, -1 if model.depth_offset < 0 else 1)
        u = u if model.depth_offset >= 0 else (colour.width - 1 - u)[::-1]
        v = colour.cy - 0.5 + (np.arange(depth.height) + 0.5 - depth.cy) * colour.fy / depth.fy
        self._reach = int(np.ceil(self._shift / self._least)) + 1
        # Around the picture there is room for whatever a ray asks for, so that no ray needs to be checked.
        left = max(0, -int(np.floor(u[0])))
        right = max(0, int(np.ceil(u[-1])) + self._reach + 1 - colour.width)
        above = max(0, -int(np.floor(v[0])))
        below = max(0, int(np.ceil(v[-1])) + 1 - colour.height)
        self._padded: Float32 = np.full(
            (above + colour.height + below, left + colour.width + right), np.inf, np.float32
        )
        self._inside = (slice(above, above + colour.height), slice(left, left + colour.width))
        rows = np.rint(v).astype(np.int32) + above
        columns = np.floor(u).astype(np.int32) + left
        self._start = rows[:, None] * self._padded.shape[1] + columns[None, :]
        self._half = (u - np.floor(u) + 0.5).astype(np.float32)[None, :]

    def colour(self, image: UInt8) -> UInt8:
        """The picture with noise, (H, W, 3)."""
        if self._config.colour_noise == 0:
            return image
        noisy = self._grain[self._crop(*self._size)] + image
        seen: UInt8 = np.clip(noisy, 0, 255, out=noisy).astype(np.uint8)
        return seen

    def depth(self, depth: Float32) -> UInt16:
        """Counts as the device measures them through its own lens, (H', W'); 0 where it measures nothing."""
        lens = self._depth_lens
        z = self._from_the_left(depth)
        strength = lens.fx * self._model.stereo_base  # disparity in pixels, times z
        error = self._spread[self._crop(lens.height, lens.width)] * np.float32(
            self._config.disparity_noise / strength
        )
        # The right imager does not see what lies as far to the left as the disparity there.
        outside = np.arange(lens.width, dtype=np.float32)[None, :] * z < strength
        z = z + z * z * error
        counts = (z / np.float32(self._config.depth_units)).round()
        counts[outside | (z < self._model.nearest(lens.width)) | (counts > 65535)] = 0
        measured: UInt16 = counts.astype(np.uint16)
        return measured

    def _from_the_left(self, depth: Float32) -> Float32:
        """Depth as the left infrared imager sees it, (H', W') [m].

        A ray of its may meet several things that the colour imager sees; the nearest is the one in front. So the search
        begins once at the nearest thing around, and once at what lies straight ahead.
        """
        seen = np.where(depth > 0, np.maximum(depth, self._least), np.float32(np.inf))
        self._padded[self._inside] = seen[:, self._turned]
        nearest = self._follow(_least_to_the_right(self._padded, self._reach).take(self._start))
        straight = self._follow(self._padded.take(self._start))
        found = np.minimum(nearest, straight)[:, self._turned]
        return np.where(np.isfinite(found), found, np.float32(0))

    def _follow(self, z: Float32) -> Float32:
        """The depth at which both imagers see the same point, from a first guess; infinite where there is none."""
        for _ in range(ROUNDS):
            before = z
            z = self._padded.take(self._start + (self._half + self._shift / z).astype(np.int32))
        with np.errstate(invalid="ignore"):
            agreed = np.abs(z - before) < HELD
        return np.where(agreed, z, np.float32(np.inf))

    def _crop(self, height: int, width: int) -> tuple[slice, slice]:
        top, left = self._rng.integers(0, BANK, 2)
        return slice(top, top + height), slice(left, left + width)


def _least_to_the_right(depth: Float32, reach: int) -> Float32:
    """The least of each pixel and its `reach` right neighbours, (H, W); by doubling."""
    least, covered = depth, 1
    while covered < reach + 1:
        step = min(covered, reach + 1 - covered)
        moved = np.concatenate((least[:, step:], least[:, -step:]), axis=1)
        least = np.minimum(least, moved)
        covered += step
    return least
