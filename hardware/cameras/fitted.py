"""A camera whose pictures show what a task's camera sees, in its size: cut to the same angles, then scaled.

Pictures are a pinhole's: those of a lens that bends were made straight before (`intrinsics.py`). So rows stay rows, and both
axes are cut and scaled by themselves.
"""

from __future__ import annotations

from dataclasses import replace
from math import atan, degrees
from typing import Final

from ibc_gym.contracts import Camera
from ibc_gym.errors import ConfigError
from ibc_gym.offers import Returning
from ibc_gym.records import CameraSpec, Frame

from .resampling import Blocks, Resampling, Windows, taps

SAME: Final = 0.02
"""Pictures whose edges lie within this of each other are cut alike [px]: a device tells its lens in 32 bits."""
BEYOND: Final = 0.5
"""By so much the task may see past the edge of the device's picture [px]; the pixel at the edge stands for what is there."""
COARSEST: Final = 0.6
"""Of a device's pixel, at least, is a pixel of the task."""


class FittedCamera:
    """Another camera's pictures as the task's camera would take them from the same place."""

    def __init__(self, inner: Camera, wanted: CameraSpec) -> None:
        """Fit pictures to a task's.

        Args:
            inner: The camera, by its true intrinsics.
            wanted: The task's camera; its size, focal lengths and principal point count, its pose does not.

        Raises:
            ConfigError: It sees less than the task needs, or too coarsely.
        """
        self._inner = inner
        self._spec, self._how = _fitted(inner.spec, wanted)

    @property
    def spec(self) -> CameraSpec:
        """Intrinsics of the pictures that `read` gives, and the pose of the camera within."""
        return self._spec

    @property
    def serial(self) -> str | None:
        """Of the device, where the camera within has one."""
        return getattr(self._inner, "serial", None)

    def read(self) -> Frame:
        """The newest picture, cut and scaled.

        Raises:
            CameraTimeout: As the camera within.
        """
        frame = self._inner.read()
        depth = None if frame.depth is None else self._how.depth(frame.depth)
        return replace(frame, image=self._how.colour(frame.image), depth=depth)

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


def _fitted(device: CameraSpec, wanted: CameraSpec) -> tuple[CameraSpec, Resampling]:
    """What the pictures are in the end, and how they are made."""
    right, down = device.fx / wanted.fx, device.fy / wanted.fy  # of the device's pixels in a task's
    left, top = device.cx - right * wanted.cx, device.cy - down * wanted.cy
    width, height = right * wanted.width, down * wanted.height
    beyond = (-left, -top, left + width - device.width, top + height - device.height)
    if max(beyond) > BEYOND:
        raise ConfigError(_too_narrow(device, wanted))
    if min(right, down) < COARSEST:
        raise ConfigError(
            f"Camera {device.name!r} gives {device.width} x {device.height} px, and {width:.0f} x {height:.0f} of them would "
            f"make the task's picture of {wanted.width} x {wanted.height}: choose a larger mode of the camera, or a smaller "
            "image_size."
        )
    factor = round(right)
    whole = (device.width, device.height) == (factor * wanted.width, factor * wanted.height)
    if whole and max(map(abs, (left, top, *beyond))) < SAME:
        return _smaller(device, wanted, factor), Blocks(factor)
    size = {name: getattr(wanted, name) for name in ("width", "height", "fx", "fy", "cx", "cy")}
    rows = taps(device.height, top, down, wanted.height)
    columns = taps(device.width, left, right, wanted.width)
    return replace(device, **size), Windows(rows, columns)


def _smaller(device: CameraSpec, wanted: CameraSpec, factor: int) -> CameraSpec:
    """The device's own lens, in pixels that are so many times wider."""
    return replace(
        device,
        width=wanted.width,
        height=wanted.height,
        fx=device.fx / factor,
        fy=device.fy / factor,
        cx=device.cx / factor,
        cy=device.cy / factor,
    )


def _too_narrow(device: CameraSpec, wanted: CameraSpec) -> str:
    return (
        f"Camera {device.name!r} sees {_angles(device)}, but the task's picture is {_angles(wanted)}. Choose another mode of the "
        "camera (a wide one: 640 x 480 is a part of 848 x 480) or another model: docs/hardware.md says which sees enough."
    )


def _angles(spec: CameraSpec) -> str:
    """What a camera sees, in words."""
    sides = (
        (spec.cx, spec.fx, "left"),
        (spec.width - spec.cx, spec.fx, "right"),
        (spec.cy, spec.fy, "up"),
        (spec.height - spec.cy, spec.fy, "down"),
    )
    seen = {name: degrees(atan(length / focal)) for length, focal, name in sides}
    in_all = f"{seen['left'] + seen['right']:.1f} x {seen['up'] + seen['down']:.1f} degrees"
    return f"{in_all} ({', '.join(f'{angle:.1f} {name}' for name, angle in seen.items())})"
