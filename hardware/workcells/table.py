"""One real table: its arm, its cameras and its bounds, as a file says; and what a task asks of an arm."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import radians
from pathlib import Path
from typing import Any, Final

import numpy as np
from gymnasium import spaces

from ibc_gym.checks import settle
from ibc_gym.contracts import Camera, Task
from ibc_gym.errors import ConfigError
from ibc_gym.kinematics import CLOSE_ENOUGH, DOWN, Kinematics
from ibc_gym.records import CameraSpec, Float64, Pose
from ibc_gym.serialise import from_json

from ..arm.config import ARM, XArmConfig
from ..calibration import files
from ..cameras.config import CameraPose, RealSenseConfig
from ..cameras.fitted import FittedCamera
from ..safety import SafetyLimits

VARIABLE: Final = "IBC_GYM_TABLE"
"""Environment variable that says where the file is."""
FILE: Final = Path("table.toml")
"""Where it is by default."""
TILT: Final = radians(5.0)
"""Of a tool that stays upright, at most [rad]."""
SAFETY: Final = SafetyLimits(tilt=TILT, patience=5.0)
"""Of a table whose file says nothing of them: an upright tool, and a policy that keeps talking; `bounds_for` adds the task's."""
HEIGHT_ROOM: Final = 0.005
"""Between the heights at which a task works and the band that the guard holds [m]: half of a tip's height over the table."""
STEP_ROOM: Final = 2.0
"""Of a task's largest displacement, by so much a commanded tip may be ahead of the measured one: what is asked for now, and
what was asked for before and is still under way."""
JOINT_MARGIN: Final = 0.005
"""From the ends of the ranges that every xArm6 has [rad]; half of what the home of a task has that lies at the end of reach."""
NEARLY: Final = 0.006
"""As near to the task's home begins an arm whose joints do not reach it [m]."""
CLEAR_OF_STOPS: Final = 0.0025
"""So far within reach is that beginning [m]: some 0.01 rad before the end of a joint's range."""
SAME_LENGTH: Final = 5e-4
"""By which the tool of the table may differ from the task's [m]."""


@dataclass(frozen=True, kw_only=True)
class RigPorts:
    """Where a rig listens at the arm's address, as `ibc-gym rig` says it."""

    questions: int
    """For the referee and faults."""
    commands: int = 502
    """For the vendor's client."""

    def __post_init__(self) -> None:
        settle(self)
        for name in ("questions", "commands"):
            if not 0 < getattr(self, name) < 1 << 16:
                raise ConfigError(
                    f"RigPorts.{name} is {getattr(self, name)}, but must be a port, 1 to 65535."
                )


@dataclass(frozen=True, kw_only=True)
class TableConfig:
    """What stands around one real table; docs/hardware.md has an example of the file."""

    arm: XArmConfig
    cameras: tuple[RealSenseConfig, ...] = ()
    """By the names that the task's scene has for them."""
    calibrations: Mapping[str, str] | None = None
    """Files of `ibc-gym calibrate camera`, by the camera's name; they say where it stands."""
    safety: SafetyLimits = SAFETY
    rig: RigPorts | None = None
    """Where an emulated rig stands in for arm and cameras, for trying a table with nothing attached; None for a real one."""

    def __post_init__(self) -> None:
        settle(self)
        names = [camera.name for camera in self.cameras]
        if len(set(names)) != len(names):
            raise ConfigError(f"TableConfig.cameras has two of one name: {', '.join(names)}.")
        for name in self.calibrations or {}:
            if name not in names:
                raise ConfigError(
                    f"TableConfig.calibrations names camera {name!r}, but the table has {', '.join(names) or 'none'}."
                )

    def calibrated(self) -> tuple[RealSenseConfig, ...]:
        """The cameras, each where its calibration says that it stands.

        Raises:
            ConfigError: A calibration is not there, is another camera's, or has an error over its bound.
        """
        paths = self.calibrations or {}
        return tuple(
            replace(camera, pose=_measured(Path(paths[camera.name]), camera.serial))
            if camera.name in paths
            else camera
            for camera in self.cameras
        )


def _measured(path: Path, serial: str) -> CameraPose:
    pose = files.pose_of(files.load(path, "camera", serial=serial).numbers)
    x, y, z = pose.position.tolist()
    w, i, j, k = pose.quaternion.tolist()
    return CameraPose(position=(x, y, z), quaternion=(w, i, j, k))


def load_table(path: Path | None = None) -> TableConfig:
    """The table's file: `path`, else what the variable IBC_GYM_TABLE names, else table.toml here.

    Raises:
        ConfigError: There is none, it is no TOML, or a value does not serve; the message says which.
    """
    path = path or Path(os.environ.get(VARIABLE, FILE))
    try:
        told = tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise ConfigError(
            f"There is no description of the real table at {path}. Write one as docs/hardware.md shows, "
            f"or say where it is: {VARIABLE}=/path/to/table.toml"
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as TOML: {error}.") from error
    try:
        return from_json(TableConfig, told)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def arm_for(task: Task, config: XArmConfig) -> XArmConfig:
    """The arm's config with the task's control rate, workspace and home.

    Raises:
        ConfigError: The task has no scene with an arm, or the tool is another.
    """
    scene = scene_of(task)
    if abs(scene.tool.length - config.tool_length) > SAME_LENGTH:
        raise ConfigError(
            f"Task {task.name!r} wants a tool that is {scene.tool.length} m long, but XArmConfig.tool_length is "
            f"{config.tool_length} m. Mount the other tool, measure it, and write its length into the table's file."
        )
    return replace(
        config,
        home_joints=tuple(_home(task, config.kinematics()).tolist()),
        control_rate=1.0 / scene.control_period,
        workspace_lower=scene.workspace_lower,
        workspace_upper=scene.workspace_upper,
    )


def _home(task: Task, kinematics: Kinematics) -> Float64:
    """Joints (6,) [rad] of the task's home; of a place beside it where those that every xArm6 has do not quite reach it."""
    wanted: Float64 = np.array(scene_of(task).home)
    place = kinematics.within_reach(wanted)
    short = float(np.linalg.norm(place - wanted))
    if short:
        place = place + CLEAR_OF_STOPS * (place - wanted) / short
    found = kinematics.inverse(Pose(position=place, quaternion=DOWN), np.array(ARM.rest))
    if found.error > CLOSE_ENOUGH or np.linalg.norm(place - wanted) > NEARLY:
        raise ConfigError(
            f"The home of task {task.name!r}, {wanted.tolist()} m, is {1000 * short:.1f} mm out of reach of an arm with the "
            "ranges of joints that every xArm6 has."
        )
    return found.joints


def bounds_for(task: Task, limits: SafetyLimits) -> SafetyLimits:
    """The table's bounds, and where they leave out patience, tilt, height, step or joint margin those that serve the task.

    A scene that is about tilting the tool has no bound on the tilt and none by default on joints, which are planned there.
    Only tasks whose actions are displacements [m] have a step by default.
    """
    scene = scene_of(task)
    lower, upper = scene.workspace_lower[2], scene.workspace_upper[2]
    limits = replace(
        limits,
        height=limits.height or (lower - HEIGHT_ROOM, upper + HEIGHT_ROOM),
        patience=limits.patience or SAFETY.patience,
    )
    if getattr(task, "tilts", False):
        return replace(limits, tilt=None)
    return replace(
        limits,
        tilt=TILT if limits.tilt is None else limits.tilt,
        step=limits.step or _largest_step(task),
        joint_margin=JOINT_MARGIN if limits.joint_margin is None else limits.joint_margin,
    )


def _largest_step(task: Task) -> float | None:
    """How far a commanded tip may be ahead of the measured one [m]; None where actions are no displacements."""
    space, names = task.action_space, task.action_names
    if not names or not all(name.endswith("displacement [m]") for name in names):
        return None
    assert isinstance(space, spaces.Box)
    return STEP_ROOM * float(np.linalg.norm(np.maximum(-space.low, space.high)))


def seen_by(task: Task, device: Camera, wanted: CameraSpec) -> Camera:
    """A device whose pictures are those of the task's camera; of a task that measures devices, the device as it is.

    Raises:
        ConfigError: The device sees less than the task needs, or too coarsely.
    """
    return device if getattr(task, "whole_pictures", False) else FittedCamera(device, wanted)


def scene_of(task: Task) -> Any:
    """The task's scene.

    Raises:
        ConfigError: It has none.
    """
    scene = getattr(task, "scene", None)
    if scene is None:
        raise ConfigError(f"Task {task.name!r} has no table, so there is nothing for an arm to do.")
    return scene
