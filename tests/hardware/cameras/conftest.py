"""Emulated cameras on a bus of their own, and drivers on it, closed in the order that the library wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from ibc_gym.hardware.cameras.config import RealSenseConfig
from ibc_gym.hardware.cameras.ladder import RecoveryConfig
from ibc_gym.hardware.cameras.realsense import RealSenseCamera
from ibc_gym.hardware.rig.cameras.bus import SoftwareBus
from ibc_gym.hardware.rig.cameras.emulator import EmulatedConfig, SoftwareCamera
from ibc_gym.hardware.rig.cameras.models import MODELS
from ibc_gym.hardware.rig.cameras.pictures import MovingPattern

SIZE = {"width": 424, "height": 240}


@pytest.fixture
def bus() -> Iterator[SoftwareBus]:
    with SoftwareBus() as made:
        yield made


@pytest.fixture
def plug(bus: SoftwareBus) -> Callable[..., SoftwareCamera]:
    """Plugs in a small camera that looks at the moving pattern; takes fields of its config, `faults` and `source`."""

    def make(
        serial: str = "1", *, faults: Any = (), source: Any = None, **changes: Any
    ) -> SoftwareCamera:
        config = EmulatedConfig(serial=serial, **{**SIZE, "reset_time": 0.3, **changes})
        lens = MODELS[config.model].colour_lens(config.width, config.height)
        return SoftwareCamera(config, source or MovingPattern(lens), bus, faults=faults)

    return make


@pytest.fixture
def drive(bus: SoftwareBus) -> Iterator[Callable[..., RealSenseCamera]]:
    """Opens a driver, impatient so that tests are quick; takes fields of its config."""
    quick = RecoveryConfig(
        stale_after=0.15,
        restart_after=0.3,
        patience=0.5,
        reset_timeout=1.0,
        start_timeout=5.0,
        stop_timeout=5.0,
    )
    with ExitStack() as stack:

        def make(serial: str = "1", **changes: Any) -> RealSenseCamera:
            told = {**SIZE, "settle_frames": 12, "recovery": quick, **changes}
            camera = RealSenseCamera(RealSenseConfig(serial=serial, **told), bus=bus)
            return stack.enter_context(camera)

        yield make
