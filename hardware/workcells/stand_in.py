"""An emulated rig in place of the arm and the cameras that a table's file names: all of it is tried with nothing attached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ibc_gym.closing import Closing
from ibc_gym.errors import ConfigError
from ibc_gym.records import CameraSpec

from ..cameras.config import RealSenseConfig
from ..rig.cameras.bus import SoftwareBus
from ..rig.cameras.emulator import EmulatedConfig, SoftwareCamera
from ..rig.cameras.models import lens_of
from ..rig.cameras.picture_link import PictureReader
from ..rig.lines import LineClient
from .table import RigPorts


def software_camera(
    serial: str, told: Mapping[str, Any], bus: SoftwareBus
) -> tuple[CameraSpec, SoftwareCamera]:
    """Plug in a camera that shows what a rig's camera sees; gives what that camera is in truth, and the device.

    Args:
        serial: What the driver finds it by.
        told: What the rig says of its camera: "spec", "model" and "address".
        bus: Where it is plugged in; closing that closes it.
    """
    spec = CameraSpec(**told["spec"])
    lens = lens_of(spec)
    config = EmulatedConfig(
        serial=serial, model=told["model"], lens=lens, width=spec.width, height=spec.height
    )
    return spec, SoftwareCamera(config, PictureReader(told["address"]), bus)


class StandInCameras(Closing):
    """Devices of software with the serial numbers of a table's cameras, on a bus that the driver takes for USB."""

    def __init__(self, address: str, ports: RigPorts, cameras: tuple[RealSenseConfig, ...]) -> None:
        """Plug them in.

        Args:
            address: Of the rig.
            ports: Where it listens.
            cameras: The table's; those that the rig has by the same name are there, the others are not attached.

        Raises:
            RigError: Nobody answers at the port of questions.
            ConfigError: The rig has no cameras.
        """
        with LineClient(address, ports.questions) as client:
            seen: Mapping[str, Any] = client.ask("cameras")
        if not seen:
            raise ConfigError(
                f"The rig at {address} has no cameras. Start it with: ibc-gym rig TASK --cameras"
            )
        self.bus = SoftwareBus()
        try:
            for camera in cameras:
                if camera.name in seen:
                    software_camera(camera.serial, seen[camera.name], self.bus)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Unplug them; may be called twice, after the drivers."""
        self.bus.close()
