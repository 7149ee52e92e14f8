"""An OpenCV that lacks what is needed is told at once, and what to install."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace

import pytest

from ibc_gym.errors import ConfigError
from ibc_gym.hardware.calibration.library import cv2, require_complete


def release(version: str, **without: object) -> ModuleType:
    module = ModuleType("cv2")
    complete = {
        "__version__": version,
        "calibrateCamera": 1,
        "calibrateHandEye": 1,
        "solvePnP": 1,
        "aruco": SimpleNamespace(CharucoDetector=1),
    }
    vars(module).update({**complete, **without})
    return module


def test_installed_one_is_complete() -> None:
    require_complete(cv2)


def test_release_without_hand_eye_calibration_is_named() -> None:
    module = release("5.0.0")
    del module.calibrateHandEye
    with pytest.raises(
        ConfigError,
        match=r"OpenCV 5.0.0 has no calibrateHandEye: pip install 'opencv-python>=4.10,<5'",
    ):
        require_complete(module)


def test_release_before_the_charuco_detector_is_named() -> None:
    with pytest.raises(ConfigError, match=r"OpenCV 4.6.0 has no aruco.CharucoDetector"):
        require_complete(release("4.6.0", aruco=SimpleNamespace()))
