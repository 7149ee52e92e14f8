"""What a board on the flange could touch: the table, the camera, the arm that carries it."""

from __future__ import annotations

from typing import Final

import numpy as np

from ibc_gym import geometry
from ibc_gym.kinematics import Kinematics
from ibc_gym.records import CameraSpec, Float64, Pose, RobotLimits

from .board import Board

OVER_TABLE: Final = 0.04
"""The least height of the board's lowest corner [m]."""
FROM_CAMERA: Final = 0.20
"""The least distance of the board from the camera, which is known only roughly [m]."""
FROM_ARM: Final = 0.07
"""The least distance of the board from the middle of an arm's link; a link is up to 58 mm thick about it [m]."""
STEP: Final = 0.08
"""How finely a way is looked at: change of the joint that moves most [rad]."""
ALONG_LINK: Final = 6
FIRST_LINK, LAST_LINK = 1, 5
"""Between the origins of which links the arm's middle is looked at: shoulder to the wrist behind the flange."""


class Clearance:
    """Says whether joints, and straight ways between them, keep the board away from everything."""

    def __init__(
        self,
        board: Board,
        camera: CameraSpec,
        flange_T_board: Pose,
        kinematics: Kinematics,
        limits: RobotLimits,
    ) -> None:
        """Look at one board on one arm before one camera."""
        self._kinematics = kinematics
        self._flange_T_board = geometry.matrix(flange_T_board)
        self._outline = board.outline
        self._half = np.ptp(board.outline[:, :2], axis=0) / 2
        self._middle = board.outline.mean(axis=0)
        self._camera = np.array(camera.position)
        self._lower, self._upper = np.array(limits.lower), np.array(limits.upper)

    def allows(self, joints: Float64) -> bool:
        """Whether the arm may stand so."""
        frames = self._kinematics.frames(joints)
        base_T_flange = frames[-1]
        tip = base_T_flange[:3, 3] + self._kinematics.tool_length * base_T_flange[:3, 2]
        if not ((tip >= self._lower) & (tip <= self._upper)).all():
            return False
        base_T_board = base_T_flange @ self._flange_T_board
        corners = self._outline @ base_T_board[:3, :3].T + base_T_board[:3, 3]
        if corners[:, 2].min() < OVER_TABLE:
            return False
        others = [self._camera[None], *self._links(frames)]
        distances = [self._from_board(base_T_board, points) for points in others]
        return distances[0] > FROM_CAMERA and min(distances[1:]) > FROM_ARM

    def allows_way(self, here: Float64, there: Float64) -> bool:
        """Whether the arm may go from joints to joints, all of them moving evenly; it stands rightly at the start."""
        steps = int(np.ceil(np.abs(there - here).max() / STEP))
        return all(
            self.allows(here + (there - here) * number / steps) for number in range(1, steps + 1)
        )

    def _links(self, frames: list[Float64]) -> list[Float64]:
        """Points along the middle of the links, (P, 3) each, but for what the board is screwed to."""
        origins = [frame[:3, 3] for frame in frames]
        shares = np.linspace(0.0, 1.0, ALONG_LINK)[:, None]
        pairs = zip(
            origins[FIRST_LINK:LAST_LINK], origins[FIRST_LINK + 1 : LAST_LINK], strict=False
        )
        return [one + shares * (other - one) for one, other in pairs]

    def _from_board(self, base_T_board: Float64, points: Float64) -> float:
        """Least distance of points (P, 3) from the board, a rectangle [m]."""
        seen = (points - base_T_board[:3, 3]) @ base_T_board[:3, :3] - self._middle
        beside = np.maximum(np.abs(seen[:, :2]) - self._half, 0.0)
        return float(np.sqrt((beside**2).sum(axis=1) + seen[:, 2] ** 2).min())
