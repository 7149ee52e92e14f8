"""The records that flow through the loop: shapes, units, frames.

SI units: metres, radians, seconds. Quaternions are wxyz. Records are frozen; their arrays are not to be written to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
UInt8 = NDArray[np.uint8]
Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

Observation = Mapping[str, NDArray[np.generic]]
"""What a policy sees, by input name: "state", "robot", "image" or "image.<camera>"."""

Progress = Mapping[str, float]
"""A task's running measures of one episode, such as the least distance so far [m]."""

Variation = Mapping[str, float]
"""How one world differs from its description, as numbers by name: "friction.block", "camera.front.shift.x", "latency"."""

IDENTITY: Float64 = np.array([1.0, 0.0, 0.0, 0.0])
IDENTITY.setflags(write=False)


def is_image(name: str) -> bool:
    """Whether an input of that name is a picture."""
    return name == "image" or name.startswith("image.")


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Pose:
    """Position and orientation of a body in the base frame.

    A pair of arms carries a leading axis of 2. The particle world has no orientation, and D dimensions.
    """

    position: Float64
    """(..., D) [m]; D is 3 but in the particle world."""
    quaternion: Float64 = field(default_factory=lambda: IDENTITY)
    """(..., 4), wxyz, unit length."""


Layout = Mapping[str, Pose]
"""Where the things of a scene are, by body name."""


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Target:
    """Where the robot should be when the next control period ends: by joints or by tool pose, not both."""

    joints: Float64 | None = None
    """(J,) [rad], or [m] for a sliding joint."""
    tool: Pose | None = None
    """base_T_tool, the tool tip in the base frame."""


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class RobotState:
    """The newest measurement of a robot."""

    time: float
    """When it was measured, on the workcell's clock [s]."""
    joints: Float64
    """(J,) [rad], or [m] for a sliding joint."""
    joint_velocities: Float64
    """(J,) [rad/s] or [m/s]."""
    tool: Pose | None
    """base_T_tool as measured, or None for a robot without a tool (the particle)."""
    target: Target
    """The target that is being followed."""
    deadline_missed: bool = False
    """Whether the last control period overran."""
    interventions: int = 0
    """How often a limit changed or refused a command since the reset."""
    setpoints: int | None = None
    """Set-points streamed to a controller since the reset; None where nothing is streamed."""
    setpoints_late: int = 0
    """Of them, those that went out late."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RobotLimits:
    """What a robot accepts; commands beyond it are limited, and what is really sent is returned."""

    control_period: float
    """Time that one `advance` lets pass [s]."""
    lower: tuple[float, ...]
    """Least tool position (x, y, z) [m], or least joint positions for a robot without a tool."""
    upper: tuple[float, ...]
    """Greatest tool position [m] or joint positions."""
    real_time: bool = False
    """Whether it moves on by itself, a second in a second, while nobody calls it; simulated time passes in `advance` alone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CameraSpec:
    """Intrinsics and pose of a pinhole camera without distortion."""

    name: str
    width: int
    """[px]"""
    height: int
    """[px]"""
    fx: float
    """Focal length [px]."""
    fy: float
    cx: float
    """Principal point from the left edge [px]."""
    cy: float
    """Principal point from the top edge [px]."""
    position: tuple[float, float, float]
    """Optical centre in the base frame [m]."""
    quaternion: tuple[float, float, float, float]
    """base_R_camera, wxyz; the camera looks along its +z with +x right and +y down (the OpenCV convention)."""
    depth: bool = False
    """Whether it measures depth, too, seen from the same point."""


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Frame:
    """One picture."""

    image: UInt8
    """(H, W, 3) RGB."""
    time: float
    """When it was taken, on the workcell's clock [s]."""
    number: int
    """The camera's own count; a repeated number is a repeated picture."""
    depth: Float32 | None = None
    """(H, W) [m], 0 where there is none."""


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Start:
    """How an episode begins: drawn by the task, arranged by the workcell."""

    layout: Layout
    """Pose of every movable or marked thing."""
    home: Target | None = None
    """Where the robot starts; None is its own home."""
    variation: Variation = field(default_factory=dict)
    """How this episode's world differs from its description; nothing by default."""


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Situation:
    """All that is known at one instant; what a task computes features and progress from."""

    robot: RobotState
    poses: Layout | None
    """Poses of the things, or None where nothing measures them (the real table)."""
    step: int
    """Control periods since the reset."""
    penetration: float = 0.0
    """The deepest that two things have been in each other since the reset [m], where a simulator watches contacts."""
    variation: Variation = field(default_factory=dict)
    """How this episode's world differs from its description, as `Start` has it."""


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Windows:
    """Training windows: the last T observations of every step, and the action that followed.

    A window never straddles two episodes; at the start of one the first observation is repeated. Those of an episode lie
    one behind the other, in the order of its steps.
    """

    frames: Mapping[str, NDArray[np.generic]]
    """Every observation once, by input name, (F, ...)."""
    index: Int64
    """(M, T): rows of `frames` that make up window m, the newest last."""
    action: Float32
    """(M, A), as asked for, in the task's units."""
    episode: Int64
    """(M,): the episode that window m belongs to."""

    def __len__(self) -> int:
        return len(self.index)

    def observation(self, name: str) -> NDArray[np.generic]:
        """All windows of one input, (M, T, ...); mind the memory with images."""
        return self.frames[name][self.index]
