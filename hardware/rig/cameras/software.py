"""A camera as librealsense's own software device: everything above it is the vendor's true code.

The library pairs depth with colour by the frame rate that it guesses from the stamps, unless each frame says its rate
(`actual_fps`); so each does, and the device's clock may start anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from ...cameras.intrinsics import MIDDLE
from ...cameras.library import rs
from ...cameras.remapping import Remap
from .models import CameraModel, Lens

OPTIONS: Final[dict[str, dict[str, tuple[float, float, float, float]]]] = {
    "depth": {
        "enable_auto_exposure": (0, 1, 1, 1),
        "exposure": (1, 165000, 8500, 1),
        "gain": (16, 248, 16, 1),
        "emitter_enabled": (0, 2, 1, 1),
        "laser_power": (0, 360, 150, 30),
        "visual_preset": (0, 5, 0, 1),
        "global_time_enabled": (0, 1, 1, 1),
    },
    "color": {
        "enable_auto_exposure": (0, 1, 1, 1),
        "exposure": (1, 10000, 156, 1),
        "gain": (0, 128, 64, 1),
        "auto_exposure_priority": (0, 1, 1, 1),
        "enable_auto_white_balance": (0, 1, 1, 1),
        "white_balance": (2800, 6500, 4600, 10),
        "power_line_frequency": (0, 3, 3, 1),
        "global_time_enabled": (0, 1, 1, 1),
    },
}
"""Least, most, default and step of what a D400 has; nothing here changes the pictures."""


@dataclass(frozen=True, kw_only=True)
class DeviceInfo:
    """What a device says of itself."""

    serial: str
    firmware: str = "5.16.0.1"
    usb: str = "3.2"


class SoftwareDevice:
    """One plugged-in camera; a replugged one is another object."""

    def __init__(
        self,
        info: DeviceInfo,
        model: CameraModel,
        colour: Lens,
        depth: Lens,
        *,
        bend: Sequence[float] | None,
        fps: int,
        depth_units: float,
    ) -> None:
        self.device = rs.software_device()
        for key, text in (
            (rs.camera_info.name, model.name),
            (rs.camera_info.serial_number, info.serial),
            (rs.camera_info.firmware_version, info.firmware),
            (rs.camera_info.usb_type_descriptor, info.usb),
            (rs.camera_info.product_line, "D400"),
        ):
            self.device.register_info(key, text)
        self._fps = fps
        self._units = depth_units
        self._sensors = {
            "depth": self.device.add_sensor("Stereo Module"),
            "color": self.device.add_sensor("RGB Camera"),
        }
        self._profiles = {
            "depth": self._add_stream("depth", 0, _intrinsics("depth", depth), 2, rs.format.z16),
            "color": self._add_stream(
                "color", 1, _intrinsics("color", colour, bend), 3, rs.format.rgb8
            ),
        }
        self._sensors["depth"].add_read_only_option(rs.option.depth_units, depth_units)
        for sensor, options in OPTIONS.items():
            for name, span in options.items():
                self._sensors[sensor].add_option(
                    getattr(rs.option, name), rs.option_range(*span), True
                )
        extrinsics = rs.extrinsics()
        extrinsics.rotation = [1, 0, 0, 0, 1, 0, 0, 0, 1]
        extrinsics.translation = [model.depth_offset, 0, 0]
        self._profiles["depth"].register_extrinsics_to(self._profiles["color"], extrinsics)

    @property
    def streaming(self) -> frozenset[str]:
        """The streams that somebody has started: "color", "depth"."""
        return frozenset(
            name for name, sensor in self._sensors.items() if sensor.get_active_streams()
        )

    def push(
        self,
        stream: Literal["color", "depth"],
        pixels: NDArray[np.generic],
        *,
        number: int,
        stamp: float,
        domain: Any,
    ) -> None:
        """Hand a frame to the library, which copies it; `stamp` is on the device's clock [s]."""
        sensor = self._sensors[stream]
        sensor.set_metadata(rs.frame_metadata_value.actual_fps, self._fps * 1000)
        frame = rs.software_video_frame()
        frame.pixels = np.ascontiguousarray(pixels)
        frame.bpp = 2 if stream == "depth" else 3
        frame.stride = frame.bpp * pixels.shape[1]
        frame.timestamp = stamp * 1000
        frame.domain = domain
        frame.frame_number = number
        frame.profile = self._profiles[stream]
        if stream == "depth":
            frame.depth_units = self._units
        sensor.on_video_frame(frame)

    def _add_stream(self, name: str, uid: int, intrinsics: Any, size: int, pixels: Any) -> Any:
        stream = rs.video_stream()
        stream.type = getattr(rs.stream, name)
        stream.index, stream.uid = 0, uid
        stream.width, stream.height, stream.fps = intrinsics.width, intrinsics.height, self._fps
        stream.bpp, stream.fmt = size, pixels
        stream.intrinsics = intrinsics
        return self._sensors[name].add_video_stream(stream).as_video_stream_profile()


def bending(lens: Lens, bend: Sequence[float]) -> Remap:
    """Makes of a pinhole's picture what the colour imager of a device sees whose lens bends so."""
    intrinsics = _intrinsics("color", lens, bend)

    def where(u: float, v: float) -> Sequence[float]:
        x, y, _ = rs.rs2_deproject_pixel_to_point(intrinsics, [u, v], 1.0)
        return lens.cx - MIDDLE + lens.fx * x, lens.cy - MIDDLE + lens.fy * y

    return Remap(lens.width, lens.height, where)


def _intrinsics(stream: str, lens: Lens, bend: Sequence[float] | None = None) -> Any:
    """As the library has them."""
    intrinsics = rs.intrinsics()
    intrinsics.width, intrinsics.height = lens.width, lens.height
    intrinsics.fx, intrinsics.fy = lens.fx, lens.fy
    intrinsics.ppx, intrinsics.ppy = lens.cx - MIDDLE, lens.cy - MIDDLE
    models = rs.distortion
    intrinsics.model = models.brown_conrady if stream == "depth" else models.inverse_brown_conrady
    intrinsics.coeffs = [0.0] * 5 if bend is None else list(bend)
    return intrinsics
