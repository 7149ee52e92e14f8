"""Where the tool's tip is on the flange: the tip stays at one point while the flange turns about it.

Every pose of the flange says R p + t = c, with the tip p in the flange's frame and the point c in the base's, both unknown
and the same for all: linear, and solved by least squares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ibc_gym import geometry
from ibc_gym.errors import ConfigError
from ibc_gym.records import Bool, Float64, Pose

from .selection import inliers, rms

LEAST_POSES: Final = 5
LEAST_SPREAD: Final = 0.15
"""Least singular value of the equations, per root of poses: below, the flange hardly turned about one of the axes."""
EXACT: Final = 5e-4
"""Poses that are off by less than this are never dropped [m]."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ToolPoint:
    """The tip, and how sure it is."""

    flange_p_tip: Float64
    """In the flange's frame, (3,) [m]."""
    base_p_point: Float64
    """Where the tip was held, in the base frame, (3,) [m]."""
    residual: float
    """How far off single poses have the tip (RMS) [m]."""
    uncertainty: float
    """Standard error of the tip, by the residual and by how the flange turned [m]."""
    poses: int
    """That it was solved from."""
    dropped: int
    """Poses that were far off."""

    @property
    def errors(self) -> dict[str, float]:
        """What a bound is set on."""
        return {"residual_m": self.residual, "uncertainty_m": self.uncertainty}


def solve_tool_point(base_T_flange: Sequence[Pose]) -> ToolPoint:
    """Find the tip.

    Args:
        base_T_flange: Poses of the flange, differently turned, while the tip is at one point.

    Raises:
        ConfigError: They are too few, or the flange turned too little.
    """
    if len(base_T_flange) < LEAST_POSES:
        raise ConfigError(
            f"The tip needs {LEAST_POSES} poses of the flange, not {len(base_T_flange)}."
        )
    poses = np.array([geometry.matrix(pose) for pose in base_T_flange])
    kept: Bool = np.ones(len(poses), dtype=bool)
    for _ in range(2):  # once more, without what was far off
        tip, point = _solved(poses[kept])
        errors = _errors(poses, tip, point)
        if np.array_equal(again := inliers(errors, EXACT), kept) or again.sum() < LEAST_POSES:
            break
        kept = again
    tip, point = _solved(poses[kept])
    errors = _errors(poses[kept], tip, point)
    return ToolPoint(
        flange_p_tip=tip,
        base_p_point=point,
        residual=rms(errors),
        uncertainty=_uncertainty(poses[kept], errors),
        poses=int(kept.sum()),
        dropped=int((~kept).sum()),
    )


def _equations(poses: Float64) -> Float64:
    """Of the unknowns p and c, (3 P, 6)."""
    eye = np.broadcast_to(-np.eye(3), (len(poses), 3, 3))
    return np.concatenate([poses[:, :3, :3], eye], axis=2).reshape(-1, 6)


def _solved(poses: Float64) -> tuple[Float64, Float64]:
    A = _equations(poses)
    spread = float(np.linalg.svd(A, compute_uv=False)[-1] / np.sqrt(len(poses)))
    if spread < LEAST_SPREAD:
        raise ConfigError(
            f"The flange turned too little about the tip: {spread:.3f}, and {LEAST_SPREAD} are needed. Tilt it by 30 degrees "
            "and more, this way and that, and turn it about its own axis too."
        )
    found = np.asarray(np.linalg.lstsq(A, -poses[:, :3, 3].ravel())[0], dtype=np.float64)
    return found[:3], found[3:]


def _errors(poses: Float64, tip: Float64, point: Float64) -> Float64:
    """How far each pose has the tip from the point, (P,) [m]."""
    return np.asarray(np.linalg.norm(poses[:, :3, :3] @ tip + poses[:, :3, 3] - point, axis=1))


def _uncertainty(poses: Float64, errors: Float64) -> float:
    A = _equations(poses)
    variance = float(np.square(errors).sum()) / (len(A) - 6)  # of one coordinate
    covariance = variance * np.linalg.inv(A.T @ A)
    return float(np.sqrt(np.trace(covariance[:3, :3])))
