"""The numbers in which a motion goes straight, those of the tool or those of the joints, and the box that the tip stays in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from ibc_gym import geometry
from ibc_gym.records import Float64, Pose

from .motion import USED
from .nearby import Nearby

TIP_ROUNDING: Final = 1e-9
"""A tip outside of its box or workspace by no more than this is inside [m]."""
FAR: Final = 0.02
"""From a tip outside of its box to the box, for joints to be refused and not corrected [m]."""


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Box:
    """Where the tip stays."""

    lower: Float64
    """(3,) [m]"""
    upper: Float64
    """(3,) [m]"""

    def clip(self, positions: Float64) -> Float64:
        """The nearest places in it, (..., 3) [m]."""
        return np.minimum(np.maximum(positions, self.lower), self.upper)


class Coordinates(Protocol):
    """C numbers for where the arm is."""

    def numbers(self, joints: Float64) -> Float64:
        """Of joints (J,) [rad]; (C,)."""

    def inside(self, numbers: Float64, box: Box) -> Float64:
        """The numbers (..., C) themselves, or the nearest that have the tip in the box, as far as they tell."""

    def turn(self, numbers: Float64, change: Float64, joints: Float64) -> Float64 | None:
        """By how much the joints, (J,) [rad], turn for a small change of the numbers, (C,); None if they cannot."""

    def tips_way(self, change: Float64, joints: Float64) -> Float64:
        """How the tip goes for a change of the numbers, (C,), from joints (J,) [rad]; (3,) [m], rather too long than too short."""

    def joints(self, numbers: Float64, near: Float64, box: Box) -> Float64 | None:
        """With the tip in the box, (N, J) [rad], for (N, C) and joints (N, J) close by; None if one of them has none."""


class ByJoints:
    """The joints themselves: what leads the tip out of the box is brought back by the shortest way."""

    def __init__(self, nearby: Nearby) -> None:
        """Of an arm and its tool."""
        self._nearby = nearby

    def numbers(self, joints: Float64) -> Float64:
        """Of joints (J,) [rad]; (J,)."""
        return joints

    def inside(self, numbers: Float64, box: Box) -> Float64:
        """The numbers themselves: `joints` looks after the box."""
        return numbers

    def turn(self, numbers: Float64, change: Float64, joints: Float64) -> Float64 | None:
        """The change itself, (J,) [rad]."""
        return change

    def tips_way(self, change: Float64, joints: Float64) -> Float64:
        """What the Jacobian says, (3,) [m], and what the kinematics may add within a sample."""
        return self._nearby.jacobians(joints[None])[0, :3] @ change / USED

    def joints(self, numbers: Float64, near: Float64, box: Box) -> Float64 | None:
        """The numbers themselves where the tip is in the box, (N, J) [rad]; None where that is further than 2 cm away."""
        if not self._nearby.in_range(numbers):
            return None
        tips, rotations = self._nearby.tools(numbers)
        places = box.clip(tips)
        outside = np.abs(places - tips).max(axis=1)
        if outside.max() > FAR:
            return None
        brought = outside > TIP_ROUNDING
        if not brought.any():
            return numbers
        solved = self._nearby.solve(places[brought], rotations[brought], numbers[brought])
        if solved is None:
            return None
        kept = numbers.copy()
        kept[brought] = solved
        return kept


class ByTool:
    """Position of the tip [m] and orientation of the tool as a quaternion, wxyz: 7 numbers, of which a box keeps the first.

    Between two near orientations a quaternion goes straight, and is brought back to unit length.
    """

    def __init__(self, nearby: Nearby) -> None:
        """Of an arm and its tool."""
        self._nearby = nearby

    def numbers(self, joints: Float64) -> Float64:
        """Of joints (J,) [rad]; (7,)."""
        pose = self._nearby.kinematics.forward(joints)
        return np.concatenate([pose.position, pose.quaternion])

    def of(self, pose: Pose, near: Float64) -> Float64:
        """Of a pose, with the quaternion on the side of the numbers `near`; (7,)."""
        side = 1.0 if float(pose.quaternion @ near[3:]) >= 0 else -1.0
        return np.concatenate([pose.position, side * pose.quaternion])

    def inside(self, numbers: Float64, box: Box) -> Float64:
        """The numbers with the tip in the box, (..., 7)."""
        return np.concatenate([box.clip(numbers[..., :3]), numbers[..., 3:]], axis=-1)

    def turn(self, numbers: Float64, change: Float64, joints: Float64) -> Float64 | None:
        """What the Jacobian says of the change, (J,) [rad]; None where the tool cannot go everywhere."""
        w, xyz = numbers[3], numbers[4:]
        dw, dxyz = change[3], change[4:]
        # Twice the vector part of the change times the quaternion's inverse.
        angle = 2 * (w * dxyz - dw * xyz - np.cross(dxyz, xyz))
        angle /= float(numbers[3:] @ numbers[3:])
        try:
            return np.linalg.solve(
                self._nearby.jacobians(joints[None])[0], np.concatenate([change[:3], angle])
            )
        except np.linalg.LinAlgError:
            return None

    def tips_way(self, change: Float64, joints: Float64) -> Float64:
        """The first three numbers of the change, (3,) [m]."""
        return change[:3]

    def joints(self, numbers: Float64, near: Float64, box: Box) -> Float64 | None:
        """Of the nearest solution, (N, J) [rad]; None if one has none close by."""
        rotations = geometry.rotation(numbers[:, 3:]).as_matrix()
        return self._nearby.solve(box.clip(numbers[:, :3]), rotations, near)
