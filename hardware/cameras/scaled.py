"""A camera whose pictures are made smaller, to the size that a task's policies are trained on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ibc_gym.contracts import Camera
from ibc_gym.errors import ConfigError
from ibc_gym.offers import Returning
from ibc_gym.records import CameraSpec, Float32, Frame, UInt8


class ScaledCamera:
    """Another camera's pictures, a whole number of times smaller; colours are averaged, depth over what is measured."""

    def __init__(self, inner: Camera, width: int, height: int) -> None:
        """Scale to a size [px].

        Raises:
            ConfigError: The camera's own size is no whole multiple of it.
        """
        spec = inner.spec
        factor = spec.width // width if width else 0
        if factor < 1 or (spec.width, spec.height) != (factor * width, factor * height):
            raise ConfigError(
                f"Camera {spec.name!r} gives {spec.width} x {spec.height} px, which is no whole multiple of the "
                f"{width} x {height} px that the task wants: choose another mode of the camera, or another image_size."
            )
        self._inner, self._factor = inner, factor
        self._spec = replace(
            spec,
            width=width,
            height=height,
            fx=spec.fx / factor,
            fy=spec.fy / factor,
            cx=spec.cx / factor,
            cy=spec.cy / factor,
        )

    @property
    def spec(self) -> CameraSpec:
        """Intrinsics of the smaller pictures, and the pose."""
        return self._spec

    @property
    def serial(self) -> str | None:
        """Of the device, where the camera within has one."""
        return getattr(self._inner, "serial", None)

    def read(self) -> Frame:
        """The newest picture, smaller.

        Raises:
            CameraTimeout: As the camera within.
        """
        frame = self._inner.read()
        if self._factor == 1:
            return frame
        depth = None if frame.depth is None else self._measured(frame.depth)
        return replace(frame, image=self._averaged(frame.image), depth=depth)

    def wait_until_fresh(self, timeout: float | None = None) -> None:
        """Wait until the camera within has a picture, if it sees to its own return.

        Raises:
            CameraTimeout: As the camera within.
        """
        if isinstance(self._inner, Returning):
            self._inner.wait_until_fresh(timeout)

    def close(self) -> None:
        """Close the camera within."""
        self._inner.close()

    def _averaged(self, image: UInt8) -> UInt8:
        blocks = self._blocks(image).astype(np.float32).mean(axis=(1, 3))
        smaller: UInt8 = np.rint(blocks).astype(np.uint8)
        return smaller

    def _measured(self, depth: Float32) -> Float32:
        blocks = self._blocks(depth[..., None])[..., 0]
        there = (blocks > 0).sum(axis=(1, 3))
        total = blocks.sum(axis=(1, 3))
        mean: Float32 = np.divide(total, there, out=np.zeros_like(total), where=there > 0)
        return mean

    def _blocks(self, pixels: NDArray[Any]) -> NDArray[Any]:
        height, width, channels = pixels.shape
        n = self._factor
        return pixels.reshape(height // n, n, width // n, n, channels)
