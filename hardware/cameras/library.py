"""The vendor's library, imported in one place, so that its absence is explained in one place."""

from __future__ import annotations

from typing import Any

from ibc_gym.errors import MissingDependency, MissingSystemLibrary

try:
    import pyrealsense2
except ModuleNotFoundError as error:
    raise MissingDependency(
        "pyrealsense2", extra="realsense", needed_for="A RealSense camera"
    ) from error
except ImportError as error:
    raise MissingSystemLibrary(
        f"pyrealsense2 is installed but cannot be loaded ({error}). It needs libusb: "
        "sudo apt-get install libusb-1.0-0"
    ) from error

rs: Any = pyrealsense2
"""Most of it is compiled and has no types."""
