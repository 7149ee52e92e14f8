"""Joints for many poses at once, from joints that are nearly there: what a stream asks in every period."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np

from ibc_gym.kinematics import Kinematics
from ibc_gym.records import Float64

SETTLED: Final = 2e-5
"""Of a step of the solver: the next would be its square, less than a nanometre [rad]."""
STEPS: Final = 8
"""Of the solver; two or three are enough for what is one stream period away."""
STRIDE: Final = 0.5
"""Of a joint in one step of the solver [rad]: more is no neighbourhood."""


class Nearby:
    """The kinematics of an arm for N postures at a time, by Newton's method."""

    def __init__(self, kinematics: Kinematics) -> None:
        """Of an arm and its tool."""
        self.kinematics = kinematics
        self._lower, self._upper = kinematics.lower, kinematics.upper
        chain = [np.eye(4), *kinematics.frames(np.zeros(len(kinematics.arm.joints)))]
        self._fixed: Float64 = np.array(
            [np.linalg.solve(before, after) for before, after in pairwise(chain)]
        )

    def tools(self, joints: Float64) -> tuple[Float64, Float64]:
        """Where the tip is, (N, 3) [m], and the rotation of the tool, (N, 3, 3), for joints (N, J) [rad]."""
        flange = self._frames(joints)[:, -1]
        return self._tips(flange), flange[:, :3, :3]

    def jacobians(self, joints: Float64) -> Float64:
        """How tip and tool move with joints (N, J): (N, 6, J), linear [m/rad] above angular [rad/rad]."""
        return self._jacobians(self._frames(joints))

    def solve(self, tips: Float64, rotations: Float64, near: Float64) -> Float64 | None:
        """Joints (N, J) [rad] within their ranges; None if one of the poses has none there.

        Args:
            tips: (N, 3) [m].
            rotations: Of the tool, (N, 3, 3).
            near: Joints that are nearly there, (N, J) [rad].
        """
        joints = near
        for _ in range(STEPS):
            frames = self._frames(joints)
            missing = rotations @ frames[:, -1, :3, :3].transpose(0, 2, 1)
            turned = missing - missing.transpose(0, 2, 1)  # twice the axis by the sine
            error = np.concatenate(
                [
                    tips - self._tips(frames[:, -1]),
                    np.stack([turned[:, 2, 1], turned[:, 0, 2], turned[:, 1, 0]], axis=1) / 2,
                ],
                axis=1,
            )
            try:
                step = np.linalg.solve(self._jacobians(frames), error[:, :, None])[:, :, 0]
            except np.linalg.LinAlgError:  # stretched, or two axes in line
                return None
            largest = float(np.abs(step).max())
            if not largest < STRIDE:
                return None
            joints = joints + step
            if largest < SETTLED:
                return joints if self.in_range(joints) else None
        return None

    def stand(self, at: Float64) -> None:
        """Let ranges reach to joints (J,) [rad] that the arm stands at: from beyond a range it has to come back somehow."""
        self._lower = np.minimum(self.kinematics.lower, at)
        self._upper = np.maximum(self.kinematics.upper, at)

    def in_range(self, joints: Float64) -> bool:
        """Whether all joints (N, J) are within their ranges."""
        return bool((joints >= self._lower).all() and (joints <= self._upper).all())

    def _frames(self, joints: Float64) -> Float64:
        """base_T_link of every link, (N, J, 4, 4)."""
        cosines, sines = np.cos(joints)[:, :, None], np.sin(joints)[:, :, None]
        frames = np.broadcast_to(self._fixed, (len(joints), *self._fixed.shape)).copy()
        x, y = self._fixed[None, :, :, 0], self._fixed[None, :, :, 1]
        frames[:, :, :, 0] = cosines * x + sines * y
        frames[:, :, :, 1] = cosines * y - sines * x
        for link in range(1, frames.shape[1]):
            frames[:, link] = frames[:, link - 1] @ frames[:, link]
        return frames

    def _tips(self, flanges: Float64) -> Float64:
        return np.asarray(flanges[:, :3, 3] + self.kinematics.tool_length * flanges[:, :3, 2])

    def _jacobians(self, frames: Float64) -> Float64:
        axes, arms = frames[:, :, :3, 2], self._tips(frames[:, -1])[:, None] - frames[:, :, :3, 3]
        (a, b, c), (x, y, z) = np.moveaxis(axes, 2, 0), np.moveaxis(arms, 2, 0)
        return np.stack([b * z - c * y, c * x - a * z, a * y - b * x, a, b, c], axis=1)
