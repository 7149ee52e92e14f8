"""The table during calibration: a printed board on the arm's flange in place of the tool, or a pointer, and the camera.

Not a task: nothing is to be learnt here, so it has no actions and no score. It is a scene that a workcell can host, with
what a person at the real table knows of it only roughly. Simulated, it is known exactly, which is what tests are for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import pi
from typing import Any, ClassVar, Final

import numpy as np
from scipy.spatial.transform import Rotation

from ibc_gym import geometry
from ibc_gym.checks import require_finite
from ibc_gym.errors import ConfigError
from ibc_gym.records import CameraSpec, Pose, UInt8

from ..scene_spec import MujocoSettings, Picture, SceneSpec, Shape, Tool
from .real_stage import CLAMP, GRAPHITE, PVC, board_camera, wooden_board

STAND_OFF: Final = 0.03
"""From the flange to the face of the board [m]."""
PLATE: Final = 0.003
"""Thickness of what the board is glued to [m]."""
PAPER: Final = 0.0005
"""Thickness of the board itself [m]."""
NAME: Final = "calibration"


@dataclass(frozen=True, kw_only=True)
class CalibrationConfig:
    """Settings of the calibration's scene."""

    control_rate: float = 10.0
    """Targets per second [Hz]."""
    image_size: tuple[int, int] = (360, 640)
    """Height and width of the camera's picture [px]; larger than a policy's, for finer corners."""
    board_offset: tuple[float, float] = (0.012, -0.008)
    """Where the middle of the board is, in the frame of the flange [m]."""
    board_turn: float = 0.05
    """About the flange's axis: nobody screws a plate on quite straight [rad]."""
    pointer: float = 0.1524
    """From the flange to where the pointer's tip ought to be, along +z [m]."""
    bent: tuple[float, float, float] = (0.0017, -0.0023, 0.0012)
    """By how much the tip is elsewhere, in the frame of the flange [m]: what a calibration of the tool finds."""
    unsteady: float = 1e-4
    """By how much a hand that holds the tip to a point is off (standard deviation per axis) [m]."""
    camera: CameraSpec | None = None
    """The camera as it is; None is the real table's, for pictures of `image_size`."""

    def __post_init__(self) -> None:
        require_finite(self)
        if not 1 <= self.control_rate <= 50:
            raise ConfigError(
                f"CalibrationConfig.control_rate is {self.control_rate} Hz, but must lie in 1 to 50."
            )
        if self.pointer <= 0.05 or self.unsteady < 0:
            raise ConfigError(
                f"CalibrationConfig.pointer is {self.pointer} m and unsteady {self.unsteady} m, but the pointer must be "
                "longer than 0.05 m, and unsteadiness is not negative."
            )


class CalibrationStage:
    """The scene, with a board or without."""

    Config: ClassVar = CalibrationConfig
    workcells: ClassVar[tuple[str, ...]] = ("mujoco", "xarm-emulated", "xarm")
    name: ClassVar[str] = NAME
    tilts: ClassVar[bool] = True
    """The tool does not stay upright."""
    whole_pictures: ClassVar[bool] = True
    """Cameras are looked through as they are, not cut to what a task sees: the lens itself is measured."""
    lower: ClassVar = (0.10, -0.45, 0.06)
    upper: ClassVar = (0.70, 0.45, 0.80)
    home: ClassVar = (0.30, 0.0, 0.35)

    def __init__(
        self,
        config: CalibrationConfig | None = None,
        *,
        board: UInt8 | None = None,
        outer_size: tuple[float, float] = (0.24, 0.192),
        margin: float = 0.012,
        board_fields: Mapping[str, Any] | None = None,
    ) -> None:
        """Set the stage.

        Args:
            config: Settings.
            board: What is printed on the board, (H, W) in shades of grey; None has a pointer on the flange instead.
            outer_size: Width and height of what is printed [m].
            margin: White around its squares [m].
            board_fields: What the board was drawn from, for whoever has to draw it again in another process.
        """
        self.board_fields = dict(board_fields or {})
        self.config = config or CalibrationConfig()
        self.control_period = 1.0 / self.config.control_rate
        self._board = None if board is None else _printed(board)
        self._outer, self._margin = outer_size, margin

    @property
    def flange_T_board(self) -> Pose:
        """Where the board is on the flange: its frame as `hardware.calibration` has it, z into the board."""
        (width, height), margin = self._outer, self._margin
        turn = Rotation.from_euler("z", self.config.board_turn) * Rotation.from_euler("x", pi)
        corner = turn.apply([margin - width / 2, margin - height / 2, 0.0])
        middle = np.array([*self.config.board_offset, STAND_OFF])
        return Pose(position=middle + corner, quaternion=geometry.quaternion(turn))

    @property
    def flange_T_tip(self) -> Pose:
        """Where the pointer's tip is in truth."""
        return Pose(position=np.array([0.0, 0.0, self.config.pointer]) + self.config.bent)

    @cached_property
    def scene(self) -> SceneSpec:
        """The board before the camera, or the pointer over the table."""
        height, width = self.config.image_size
        substeps = round(self.control_period / 0.002)
        return SceneSpec(
            name=NAME,
            control_period=self.control_period,
            tool=self._pointer() if self._board is None else self._plate(self._board),
            home=self.home,
            workspace_lower=self.lower,
            workspace_upper=self.upper,
            bodies=(wooden_board(),),
            cameras=(self.config.camera or board_camera((height, width)),),
            mujoco=MujocoSettings(time_step=self.control_period / substeps),
        )

    def _plate(self, board: Picture) -> Tool:
        x, y = self.config.board_offset
        w, _, _, z = geometry.quaternion_of_yaw(self.config.board_turn).tolist()
        turn = (w, 0.0, 0.0, z)
        paper = Shape(
            kind="box",
            size=(*self._outer, PAPER),
            position=(x, y, STAND_OFF - PAPER / 2),
            quaternion=turn,
            colour=(1.0, 1.0, 1.0),
            collides=False,
            picture=board,
        )
        plate = Shape(
            kind="box",
            size=(*self._outer, PLATE),
            position=(x, y, STAND_OFF - PAPER - PLATE / 2),
            quaternion=turn,
            colour=GRAPHITE,
            collides=False,
        )
        post = STAND_OFF - PAPER - PLATE
        return Tool(shapes=(paper, plate, _rod(0.02, 0.0, post)), length=STAND_OFF, mass=0.3)

    def _pointer(self) -> Tool:
        """A rod with a thin needle that ends where the tip is in truth."""
        x, y, tip = self.flange_T_tip.position.tolist()
        shaft = self.config.pointer - 0.04
        needle = Shape(
            kind="cylinder",
            size=(0.0015, tip - shaft),
            position=(x, y, (tip + shaft) / 2),
            colour=GRAPHITE,
            collides=False,
        )
        shapes = (_rod(0.0315, 0.0, CLAMP), _rod(0.0127, CLAMP, shaft), needle)
        return Tool(shapes=shapes, length=self.config.pointer, mass=0.1)


def _printed(board: UInt8) -> Picture:
    height, width = board.shape
    return Picture(width=width, height=height, pixels=board.tobytes())


def _rod(radius: float, start: float, end: float) -> Shape:
    """A round piece along the flange's axis [m]."""
    return Shape(
        kind="cylinder",
        size=(radius, end - start),
        position=(0.0, 0.0, (start + end) / 2),
        colour=GRAPHITE if radius > 0.015 else PVC,
        collides=False,
    )
