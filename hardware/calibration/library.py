"""OpenCV, imported once; and what to do where it lacks what a calibration needs."""

from __future__ import annotations

from types import ModuleType
from typing import Any, Final

from ibc_gym.errors import ConfigError, MissingSystemLibrary

try:
    import cv2 as _module
except ModuleNotFoundError:
    raise
except ImportError as error:  # installed, but a library of the system is missing
    raise MissingSystemLibrary(
        f"OpenCV is installed but cannot be loaded ({error}): sudo apt-get install -y libgl1 libglib2.0-0"
    ) from error

NEEDED: Final = ("calibrateCamera", "calibrateHandEye", "solvePnP", "aruco.CharucoDetector")
"""What we call that some release lacks: hand-eye calibration is missing in 5.0.0, ChArUco detection before 4.7."""


def require_complete(module: ModuleType) -> None:
    """Refuse an OpenCV that lacks what a calibration needs.

    Raises:
        ConfigError: It does; the message says what to install.
    """
    for name in NEEDED:
        found: Any = module
        for part in name.split("."):
            found = getattr(found, part, None)
        if found is None:
            raise ConfigError(
                f"OpenCV {getattr(module, '__version__', '?')} has no {name}: pip install 'opencv-python>=4.10,<5'."
            )


require_complete(_module)
cv2: Final[Any] = _module
"""The library; its own stubs are stricter than what it takes."""
