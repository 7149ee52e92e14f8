"""What emulated cameras are plugged into, and out of: the driver sees what it would see of USB."""

from __future__ import annotations

import threading
from typing import Any, Protocol

from ibc_gym.closing import Closing
from ibc_gym.errors import ConfigError

from ...cameras.leaving import close_at_exit
from ...cameras.library import rs


class Pluggable(Protocol):
    """A camera, as its bus knows it."""

    def notice(self) -> None:
        """See now whether its streams have been stopped."""

    def reset(self) -> None:
        """Leave the bus and come back after a while."""

    def close(self) -> None:
        """Leave it for good."""


class SoftwareBus(Closing):
    """What emulated cameras are plugged into: the `Bus` that a driver is given instead of USB.

    Close the drivers first, then the bus: the library crashes where a device goes before a list that names it. For the
    same reason a device that was unplugged is only left out of what comes later, and kept until nobody has the bus.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._plugged: dict[str, Any] = {}
        self._cameras: dict[str, Pluggable] = {}
        self._lists: list[list[Any]] = []
        self._kept: list[Any] = []
        self._context: Any = None
        self._renew()
        close_at_exit(self)

    def context(self) -> Any:
        """One that lists what is plugged in now, and goes on listing that.

        A driver asks for it before every start; so no camera misses that its streams were stopped before, however short.
        """
        for camera in list(self._cameras.values()):
            camera.notice()
        with self._lock:
            return self._context

    def reset(self, device: Any) -> None:
        """The camera leaves the bus and comes back by itself."""
        self._cameras[device.get_info(rs.camera_info.serial_number)].reset()

    def own(self, serial: str, camera: Pluggable) -> None:
        """Know whom to tell of a reset.

        Raises:
            ConfigError: Another camera has this serial number.
        """
        if serial in self._cameras:
            raise ConfigError(f"Two emulated cameras have the serial number {serial!r}.")
        self._cameras[serial] = camera

    def plug(self, serial: str, device: Any) -> None:
        """Let the library see a device."""
        with self._lock:
            self._plugged[serial] = device
            self._renew()

    def unplug(self, serial: str) -> None:
        """Let the library see it no more."""
        with self._lock:
            self._kept.append(self._plugged.pop(serial))
            self._renew()

    def close(self) -> None:
        """Unplug all cameras; may be called twice."""
        for camera in list(self._cameras.values()):
            camera.close()
        self._cameras.clear()
        for lists in self._lists:  # before what they name
            lists.clear()

    def _renew(self) -> None:
        lists: list[Any] = []
        self._context = rs.context()
        # A context forgets a software device whose list nobody holds.
        self._context.set_devices_changed_callback(
            lambda info: lists.append(info.get_new_devices())
        )
        for device in self._plugged.values():
            device.add_to(self._context)
        self._lists.append(lists)
        self._kept.append(self._context)
