"""Configs are checked when they are made; a calibration belongs to one camera."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ibc_gym.errors import ConfigError
from ibc_gym.hardware.cameras.config import CameraOptions, CameraPose, RealSenseConfig
from ibc_gym.hardware.cameras.raw import beside, extension


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


class TestPose:
    def page(self, folder: Path, **told: Any) -> Path:
        path = folder / "front.json"
        path.write_text(json.dumps(told))
        return path

    def test_calibration_is_read(self, tmp_path: Path) -> None:
        turn = [0.5, 0.5, -0.5, 0.5]
        path = self.page(tmp_path, serial="12", position=[0.1, 0.2, 0.3], quaternion=turn)
        pose = CameraPose.load(path, serial="12")
        assert pose.position == (0.1, 0.2, 0.3)
        assert pose.quaternion == pytest.approx(turn)

    def test_calibration_of_another_camera_is_refused(self, tmp_path: Path) -> None:
        path = self.page(tmp_path, serial="12", position=[0, 0, 0], quaternion=[1, 0, 0, 0])
        with pytest.raises(ConfigError, match="made with camera '12', but this one is '13'"):
            CameraPose.load(path, serial="13")

    @pytest.mark.parametrize("told", [{}, {"position": [1, 2], "quaternion": [1, 0, 0, 0]}])
    def test_page_that_is_none_is_refused(self, tmp_path: Path, told: dict[str, Any]) -> None:
        with pytest.raises(ConfigError, match="No calibration can be read"):
            CameraPose.load(self.page(tmp_path, **told), serial="12")

    def test_quaternion_that_is_none_is_refused(self) -> None:
        with pytest.raises(ConfigError, match="length 2"):
            CameraPose(quaternion=(0.0, 0.0, 2.0, 0.0))


def test_raw_streams_lie_beside_the_data() -> None:
    assert beside("runs/demos.zarr") == Path("runs/demos.raw")
    assert [extension(version) for version in ("2.55.1", "2.59.1")] == [".bag", ".db3"]
