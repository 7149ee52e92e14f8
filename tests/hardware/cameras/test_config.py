"""Configs are checked when they are made; a calibration belongs to one camera."""

from __future__ import annotations

from typing import Any

import pytest

from ibc_gym.errors import ConfigError
from ibc_gym.hardware.cameras.config import CameraOptions, CameraPose, RealSenseConfig
from ibc_gym.hardware.cameras.raw import extension


@pytest.mark.parametrize(
    "changes, named",
    [
        ({"serial": ""}, "serial"),
        ({"width": 0}, "width"),
        ({"fps": -30}, "fps"),
        ({"settle_frames": -1}, "settle_frames"),
        ({"max_age": float("nan")}, "max_age"),
        ({"max_age": 0.03}, "every one would be refused"),
    ],
)
def test_camera_that_makes_no_sense_is_refused(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        RealSenseConfig(**{"serial": "1", **changes})


@pytest.mark.parametrize(
    "options, named",
    [
        ({"gain": 20}, "exposure is automatic"),
        ({"depth_gain": 20}, "depth_exposure is automatic"),
        ({"power_line": 55.0}, "power_line"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        CameraOptions(**options)


def test_quaternion_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="length 2"):
        CameraPose(quaternion=(0.0, 0.0, 2.0, 0.0))


def test_raw_streams_are_called_as_the_library_calls_them() -> None:
    assert [extension(version) for version in ("2.55.1", "2.59.1")] == [".bag", ".db3"]
