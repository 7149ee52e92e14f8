"""What was measured, as a file: the numbers, how far off they may be, of which camera, when, and from how much.

A result whose error is over its bound is not written, and not read either: a file that is there can be relied on.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ibc_gym import geometry
from ibc_gym.errors import ConfigError, SpecMismatch
from ibc_gym.records import CameraSpec, Pose

if TYPE_CHECKING:  # a file is read where OpenCV is not installed, too
    from .hand_eye import HandEye
    from .intrinsics import Intrinsics
    from .tool_point import ToolPoint

BOUNDS: Final[Mapping[str, Mapping[str, float]]] = {
    "intrinsics": {"reprojection_px": 0.5, "bend_px": 0.5},
    "camera": {
        "spread_m": 0.003,
        "spread_rad": math.radians(0.5),
        "reprojection_px": 1.0,
        "methods_apart_m": 0.01,
        "methods_apart_rad": math.radians(1.0),
    },
    "tool": {"residual_m": 0.001, "uncertainty_m": 0.0005},
}
"""The greatest errors with which a result of each kind is stored; a good xArm with a D415 reaches 1 to 3 mm."""


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A result, as it stands in its file."""

    kind: str
    """"intrinsics", "camera" or "tool"."""
    date: str
    """When it was measured, as the caller says: "2026-05-01"."""
    serial: str
    """Of the camera, or of the arm for a tool."""
    errors: Mapping[str, float]
    """By what is bounded, the unit at the end of the name."""
    made_from: Mapping[str, Any] = field(default_factory=dict)
    """Numbers of views and the like."""
    numbers: Mapping[str, Any] = field(default_factory=dict)
    """The result."""

    def __post_init__(self) -> None:
        if self.kind not in BOUNDS:
            raise ConfigError(f"A calibration is of {', '.join(BOUNDS)}, not of {self.kind!r}.")
        if not self.serial or not self.date:
            raise ConfigError(
                f"A calibration of the {self.kind} says when it was made (date: {self.date!r}) and with which device "
                f"(serial: {self.serial!r}); neither may be empty."
            )


def of_intrinsics(found: Intrinsics, *, date: str, serial: str) -> Stored:
    """A file's content for what a lens does."""
    numbers = {name: getattr(found, name) for name in ("width", "height", "fx", "fy", "cx", "cy")}
    return Stored(
        kind="intrinsics",
        date=date,
        serial=serial,
        errors=found.errors,
        made_from=_counts(found),
        numbers=numbers,
    )


def of_camera(found: HandEye, *, date: str, serial: str) -> Stored:
    """A file's content for where a camera stands: base_T_camera as `position` [m] and `quaternion` (wxyz)."""
    board = found.flange_T_board
    return Stored(
        kind="camera",
        date=date,
        serial=serial,
        errors=found.errors,
        made_from=_counts(found),
        numbers={**_pose(found.base_T_camera), "flange_T_board": _pose(board)},
    )


def of_tool(found: ToolPoint, *, date: str, serial: str) -> Stored:
    """A file's content for where a tip is: `position` in the flange's frame [m]."""
    return Stored(
        kind="tool",
        date=date,
        serial=serial,
        errors=found.errors,
        made_from={"poses": found.poses, "dropped": found.dropped},
        numbers={"position": found.flange_p_tip.tolist()},
    )


def save(path: Path, result: Stored, bounds: Mapping[str, float] | None = None) -> None:
    """Write a result, whole or not at all.

    Args:
        path: Of the JSON file; one that is there is replaced.
        result: What was measured.
        bounds: By the name of the error; those of `BOUNDS` by default.

    Raises:
        ConfigError: An error is over its bound; nothing was written.
    """
    bounds = BOUNDS[result.kind] if bounds is None else bounds
    _require_within(result, bounds, f"{path} was not written")
    content = {**asdict(result), "bounds": dict(bounds)}
    content |= content.pop("numbers")
    path.parent.mkdir(parents=True, exist_ok=True)
    passing = path.with_name(f".{path.name}-{os.getpid()}")
    passing.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")
    passing.replace(path)


def load(
    path: Path, kind: str, *, serial: str | None, bounds: Mapping[str, float] | None = None
) -> Stored:
    """Read a result.

    Args:
        path: Of the JSON file.
        kind: What it must be of.
        serial: The device that it must have been made with; None takes any.
        bounds: By the name of the error; those of `BOUNDS` by default.

    Raises:
        ConfigError: There is none, it is of another kind or device, or an error is over its bound.
    """
    try:
        content = json.loads(path.read_text())
        parts = {
            name: content.pop(name) for name in ("kind", "date", "serial", "errors", "made_from")
        }
        content.pop("bounds", None)
        result = Stored(**parts, numbers=content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(
            f"No calibration can be read from {path} ({error!r}); make one with: ibc-gym calibrate {kind}"
        ) from error
    if result.kind != kind:
        raise ConfigError(f"{path} is a calibration of the {result.kind}, not of the {kind}.")
    if serial is not None and result.serial != serial:
        raise ConfigError(
            f"{path} was made with device {result.serial!r}, but this one is {serial!r}: calibrate this one, with "
            f"ibc-gym calibrate {kind}"
        )
    bounds = BOUNDS[kind] if bounds is None else bounds
    _require_within(result, bounds, f"{path} is not used")
    return result


def place(device: CameraSpec, stored: Stored) -> CameraSpec:
    """A camera's spec with the pose of a stored calibration of kind "camera"."""
    pose = pose_of(stored.numbers)
    x, y, z = pose.position.tolist()
    w, i, j, k = pose.quaternion.tolist()
    return replace(device, position=(x, y, z), quaternion=(w, i, j, k))


def lens(device: CameraSpec, stored: Stored) -> CameraSpec:
    """A camera's spec with the numbers of a stored calibration of kind "intrinsics".

    Raises:
        SpecMismatch: They are of pictures of another size.
    """
    numbers = stored.numbers
    if (numbers["width"], numbers["height"]) != (device.width, device.height):
        raise SpecMismatch(
            f"The stored intrinsics are of {numbers['width']} x {numbers['height']} px, but camera {device.name!r} gives "
            f"{device.width} x {device.height} px; calibrate with that size."
        )
    fx, fy, cx, cy = (float(numbers[name]) for name in ("fx", "fy", "cx", "cy"))
    return replace(device, fx=fx, fy=fy, cx=cx, cy=cy)


def pose_of(numbers: Mapping[str, Any]) -> Pose:
    """A stored pose.

    Raises:
        ConfigError: It is none.
    """
    try:
        position = np.array([float(part) for part in numbers["position"]])
        quaternion = np.array([float(part) for part in numbers["quaternion"]])
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"A stored pose cannot be read: {error!r}.") from error
    if (
        position.shape != (3,)
        or quaternion.shape != (4,)
        or abs(np.linalg.norm(quaternion) - 1) > 1e-6
    ):
        raise ConfigError(
            f"{dict(numbers)} is no pose of position (3) and unit quaternion (4, wxyz)."
        )
    return Pose(position=position, quaternion=quaternion)


def _require_within(result: Stored, bounds: Mapping[str, float], otherwise: str) -> None:
    for name, bound in bounds.items():
        value = result.errors.get(name, math.nan)
        if not value <= bound:  # NaN, too
            raise ConfigError(
                f"The calibration of the {result.kind} has {name} {value:.4g}, over its bound of {bound:.4g}: {otherwise}. "
                "Measure again: docs/calibration.md says what usually is wrong."
            )


def _pose(pose: Pose) -> dict[str, Any]:
    turn = geometry.quaternion(geometry.rotation(pose.quaternion))
    return {"position": pose.position.tolist(), "quaternion": turn.tolist()}


def _counts(found: Intrinsics | HandEye) -> dict[str, int]:
    return {"views": found.views, "dropped": found.dropped, "held_out": found.held_out}
