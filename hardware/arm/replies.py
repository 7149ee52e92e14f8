"""What the bodies of the controller's replies say, in SI; one that is too short is a ValueError."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ibc_gym.records import Float64

from .frames import JOINTS
from .units import MM, metres


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Which arm this is."""

    model: int
    axes: int
    firmware: tuple[int, int, int]
    serial: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Protection:
    """What the controller itself watches."""

    fence_on: bool
    fence_lower: Float64
    """(3,) [m]"""
    fence_upper: Float64
    """(3,) [m]"""
    reduced_on: bool
    reduced_tip_speed: float
    """[m/s]"""
    reduced_joint_speed: float
    """[rad/s]"""


def geometry_of(body: list[Any]) -> Float64:
    """Offset [rad], d [m], alpha [rad], a [m] of every joint, (6, 4)."""
    table = np.array(_first(4 * JOINTS, body), dtype=np.float64).reshape(JOINTS, 4)
    table[:, [1, 3]] *= MM
    return table


def protection_of(body: list[Any]) -> Protection:
    """Fence and reduced mode."""
    on, box, tip, joint, _, fence, _ = body
    sides = metres(_first(6, box))
    return Protection(
        fence_on=bool(fence),
        fence_lower=sides[1::2],
        fence_upper=sides[0::2],
        reduced_on=bool(on),
        reduced_tip_speed=float(tip) * MM,
        reduced_joint_speed=float(joint),
    )


def errors_of(body: list[Any]) -> tuple[int, int]:
    """Codes of error and warning."""
    error, warning = _first(2, body)
    return int(error), int(warning)


def joints_of(body: list[Any]) -> Float64:
    """Of the arm, (6,) [rad]."""
    return np.array(_first(JOINTS, body), dtype=np.float64)


def _first(count: int, body: list[Any]) -> list[Any]:
    """So many values, or a ValueError."""
    if len(body) < count:
        raise ValueError(f"{len(body)} values instead of {count}")
    return body[:count]
