"""Where the camera stands, measured through both vendors' own libraries: a board is moved by the driver and filmed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ibc_gym.calibrate import CalibrateConfig, calibrate

pytestmark = pytest.mark.realtime


def test_rig_recovers_the_known_pose_of_its_camera(tmp_path: Path) -> None:
    config = CalibrateConfig(
        what="camera",
        workcell="xarm-emulated",
        serial="emulated-front",
        date="2026-05-01",
        views=12,
        speed=0.8,
        options={"control_rate": 5.0},  # patient with pictures where others compute beside it
        out=tmp_path / "front.json",
    )
    found = calibrate(config)
    assert found.against["distance_m"] < 1e-3
    assert found.against["angle_rad"] < np.radians(0.2)
    assert config.file.exists()
