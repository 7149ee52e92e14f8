"""A look through every camera that is attached: for the person who has just plugged them in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ibc_gym.errors import ConfigError, IbcGymError
from ibc_gym.paths import writable_folder
from ibc_gym.records import Float32, UInt8

from ..png import png
from .config import RealSenseConfig
from .devices import Attached, Bus, UsbBus, attached
from .realsense import RealSenseCamera


@dataclass(frozen=True, kw_only=True)
class View:
    """What one camera showed."""

    device: Attached
    pictures: tuple[Path, ...] = ()
    """Colour, then depth."""
    latency: float | None = None
    """From exposure to arrival, as it is estimated [s]."""
    seen: float | None = None
    """Share of the picture that depth was measured in."""
    problem: str | None = None
    """Why there is no picture."""


def usb() -> Bus:
    """The cameras of this machine."""
    return UsbBus()


def look(
    bus: Bus, out: Path, *, width: int, height: int, fps: int, depth: bool, serial: str | None
) -> tuple[View, ...]:
    """Take a picture with every camera on a bus, one after the other.

    Args:
        bus: Where they are plugged in.
        out: Folder for the pictures.
        width: Of the picture [px].
        height: Of the picture [px].
        fps: Frame rate to ask for [Hz].
        depth: Whether to show depth too.
        serial: Only this one.

    Raises:
        ConfigError: `out` cannot be written to, or there is no camera of that serial number.
    """
    devices = attached(bus)
    if serial is not None:
        known = ", ".join(device.serial for device in devices) or "none"
        devices = tuple(device for device in devices if device.serial == serial)
        if not devices:
            raise ConfigError(f"No camera {serial!r} is attached; attached: {known}.")
    if devices:
        writable_folder(out)
    views = []
    for device in devices:
        config = RealSenseConfig(
            serial=device.serial,
            name=device.serial,
            width=width,
            height=height,
            fps=fps,
            depth=depth,
        )
        views.append(_view(device, config, bus, out))
    return tuple(views)


def _view(device: Attached, config: RealSenseConfig, bus: Bus, out: Path) -> View:
    try:
        with RealSenseCamera(config, bus=bus) as camera:
            frame, latency = camera.read(), camera.health.latency
    except (IbcGymError, RuntimeError) as error:  # the library's own: the next camera may be well
        return View(device=device, problem=str(error))
    pictures = [out / f"{device.serial}.png"]
    pictures[0].write_bytes(png(frame.image))
    seen = None
    if frame.depth is not None:
        pictures.append(out / f"{device.serial}-depth.png")
        pictures[1].write_bytes(png(depth_as_grey(frame.depth)))
        seen = float((frame.depth > 0).mean())
    return View(device=device, pictures=tuple(pictures), latency=latency, seen=seen)


def depth_as_grey(depth: Float32) -> UInt8:
    """Depth for the eye: near is bright, black is where nothing was measured.

    Args:
        depth: (H, W) [m], 0 where there is none.
    """
    seen = depth > 0
    if not seen.any():
        return np.zeros(depth.shape, np.uint8)
    near, far = np.percentile(depth[seen], (2, 98))
    share = (far - depth) / max(float(far - near), 1e-6)
    return np.where(seen, 40 + 215 * np.clip(share, 0, 1), 0).astype(np.uint8)
