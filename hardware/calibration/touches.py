"""Poses of the flange with the tip at one point: planned for an arm that goes there by itself, or read from a file."""

from __future__ import annotations

from math import cos, pi, sin
from pathlib import Path
from typing import Final

import numpy as np
from scipy.spatial.transform import Rotation

from ibc_gym import geometry
from ibc_gym.errors import ConfigError
from ibc_gym.kinematics import CLOSE_ENOUGH, DOWN, Kinematics
from ibc_gym.records import Float64, Pose, RobotLimits

TILT: Final = (0.35, 0.75)
"""Least and greatest angle between the tool and straight down [rad]."""
TURN: Final = 1.5
"""Greatest turn about the tool's own axis, either way [rad]."""
TRIES: Final = 12
"""Candidates, at most, for every pose that is wanted."""


def plan_touches(
    kinematics: Kinematics,
    flange_T_tip: Pose,
    point: Float64,
    limits: RobotLimits,
    home: Float64,
    rng: np.random.Generator,
    count: int,
    unsteady: float = 0.0,
) -> list[Float64]:
    """Joints (J,) [rad] that bring the tip to a point, each with the tool tilted another way.

    For simulated arms, whose tip is known: at a real table a person brings it there, and `read_poses` reads what the
    arm then says.

    Args:
        kinematics: Of the arm with its tool as it is said to be.
        flange_T_tip: Where the tip is.
        point: Where it shall be held, in the base frame, (3,) [m].
        limits: Where the tool as it is said to be may be.
        home: Joints from which the arm sets out, (J,) [rad].
        rng: Draws the tilts.
        count: How many.
        unsteady: By how much the tip is off, as a person's hand would have it (standard deviation per axis) [m].

    Raises:
        ConfigError: The arm reaches the point in too few ways.
    """
    flange = Kinematics(kinematics.arm, 0.0)
    tip_T_flange = np.linalg.inv(geometry.matrix(flange_T_tip))
    lower, upper = np.array(limits.lower), np.array(limits.upper)
    here, found = home, []
    for number in range(TRIES * count):
        held = point + rng.normal(0.0, unsteady, 3)
        tip = _tilted(held, 2 * pi * number / count, rng)
        solution = flange.least_squares(geometry.pose_of(tip @ tip_T_flange), here)
        said = kinematics.forward(solution.joints).position
        if solution.error < CLOSE_ENOUGH and ((said >= lower) & (said <= upper)).all():
            here = solution.joints
            found.append(here)
        if len(found) == count:
            return found
    raise ConfigError(
        f"The arm can bring its tip to {point.round(3).tolist()} m in {len(found)} of {count} ways only; choose a point "
        "nearer to the middle of its workspace."
    )


def _tilted(point: Float64, way: float, rng: np.random.Generator) -> Float64:
    """base_T_tip at a point, the tool tilted from straight down towards `way` [rad]."""
    tilt = rng.uniform(*TILT)
    turn = Rotation.from_rotvec([tilt * cos(way), tilt * sin(way), 0.0]) * geometry.rotation(DOWN)
    turn = turn * Rotation.from_euler("z", rng.uniform(-TURN, TURN))
    return geometry.matrix(Pose(position=point, quaternion=geometry.quaternion(turn)))


def read_poses(path: Path) -> list[Pose]:
    """Poses of the flange, base_T_flange, that a person wrote down.

    A line is `x y z roll pitch yaw` as the arm's own screen shows them with a TCP offset of zero: millimetres and
    degrees, turns about the fixed axes x, y, z in this order; separated by blanks or commas. What follows a # is a comment.

    Raises:
        ConfigError: It cannot be read, or a line is no pose; it names the line.
    """
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"No poses can be read from {path} ({error}).") from error
    poses = []
    for number, line in enumerate(lines, start=1):
        words = line.partition("#")[0].replace(",", " ").split()
        if words:
            poses.append(_pose_of(words, f"{path}, line {number}"))
    return poses


def _pose_of(words: list[str], where: str) -> Pose:
    try:
        numbers = np.array([float(word) for word in words])
    except ValueError:
        numbers = np.empty(0)
    if numbers.shape != (6,) or not np.isfinite(numbers).all():
        raise ConfigError(
            f"{where} is {' '.join(words)!r}, but must be six numbers: x y z [mm] roll pitch yaw [degrees]."
        )
    turn = Rotation.from_euler("xyz", numbers[3:], degrees=True)
    return Pose(position=numbers[:3] / 1000, quaternion=geometry.quaternion(turn))
