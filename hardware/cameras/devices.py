"""What is attached: where the library's devices come from, one of them by its serial number, and a list for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from ibc_gym.errors import CameraTimeout, ConfigError

from .library import rs


class Bus(Protocol):
    """Where cameras are plugged in. Emulated cameras have one of their own; the driver is the same."""

    def context(self) -> Any:
        """A `pyrealsense2.context` that lists what is plugged in."""

    def reset(self, device: Any) -> None:
        """Let a device start anew: it leaves the bus and comes back seconds later."""


class UsbBus:
    """The USB of this machine."""

    def context(self) -> Any:
        """A new one: one that has seen a device go may not see it come back."""
        return rs.context()

    def reset(self, device: Any) -> None:
        """The device's own hardware reset."""
        device.hardware_reset()


@dataclass(frozen=True, kw_only=True)
class Attached:
    """One device that is plugged in."""

    name: str
    serial: str
    firmware: str
    usb: str
    """"3.2", or "2.1" where cable, hub or port let it have no more."""
    modes: tuple[str, ...]
    """What it offers: "color 640x360 rgb8 30 Hz"."""

    @property
    def is_slow(self) -> bool:
        """Whether its link is too slow for most modes."""
        return self.usb.startswith("2")


def attached(bus: Bus) -> tuple[Attached, ...]:
    """Every device on the bus, by serial number."""
    found = [describe(device) for device in bus.context().query_devices()]
    return tuple(sorted(found, key=lambda device: device.serial))


def describe(device: Any) -> Attached:
    """What a device says of itself."""
    return Attached(
        name=_told(device, rs.camera_info.name),
        serial=_told(device, rs.camera_info.serial_number),
        firmware=_told(device, rs.camera_info.firmware_version),
        usb=_told(device, rs.camera_info.usb_type_descriptor),
        modes=tuple(
            dict.fromkeys(
                mode_of(profile)
                for sensor in device.query_sensors()
                for profile in sensor.get_stream_profiles()
                if profile.is_video_stream_profile()
            )
        ),
    )


def find(context: Any, serial: str) -> Any | None:
    """The device of a serial number; None if it is not on the bus."""
    for device in context.query_devices():
        if _told(device, rs.camera_info.serial_number) == serial:
            return device
    return None


def require(context: Any, serial: str, name: str) -> Any:
    """The device of a serial number.

    Raises:
        CameraTimeout: It is not on the bus.
    """
    device = find(context, serial)
    if device is None:
        others = [_told(other, rs.camera_info.serial_number) for other in context.query_devices()]
        raise CameraTimeout(
            f"Camera {name!r} (serial {serial}) is not attached; attached: {', '.join(sorted(others)) or 'none'}. "
            "Check its cable, then: ibc-gym cameras"
        )
    return device


def require_mode(device: Any, modes: tuple[str, ...], name: str) -> None:
    """Refuse, at once, what the device does not offer.

    Raises:
        ConfigError: One of the modes is not among those of the device.
    """
    told = describe(device)
    for mode in modes:
        if mode not in told.modes:
            stream, pixels = mode.split()[0], mode.split()[2]
            offered = [
                mode
                for mode in told.modes
                if mode.startswith(f"{stream} ") and f" {pixels} " in mode
            ]
            slow = " It hangs on USB 2: use a USB 3 port and cable." if told.is_slow else ""
            raise ConfigError(
                f"Camera {name!r} ({told.name}) does not offer {mode}; it offers {'; '.join(offered)}.{slow}"
            )


def mode_of(profile: Any) -> str:
    """A stream profile in words: "color 640x360 rgb8 30 Hz"."""
    video = profile.as_video_stream_profile()
    return mode(
        profile.stream_type().name,
        video.width(),
        video.height(),
        profile.format().name,
        profile.fps(),
    )


def mode(stream: str, width: int, height: int, pixels: str, fps: int) -> str:
    """The same words from numbers."""
    return f"{stream} {width}x{height} {pixels} {fps} Hz"


def _told(device: Any, info: Any) -> str:
    return str(device.get_info(info)) if device.supports(info) else "?"
