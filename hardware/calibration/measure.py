"""Calibrations from end to end, for programs that know the table and no OpenCV: collect, solve, compare, store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ibc_gym import geometry
from ibc_gym.contracts import Workcell
from ibc_gym.records import CameraSpec, Float64, Pose, UInt8

from . import files
from .board import Board, BoardSpec
from .by_hand import touch_by_hand
from .collecting import OnView, Setting, look, touch
from .hand_eye import solve_hand_eye
from .intrinsics import compare, solve_intrinsics
from .poses import PlanConfig
from .printing import print_board
from .tool_point import solve_tool_point
from .touches import read_poses
from .views import View, differences

PIXELS_PER_SQUARE = 96
"""Of a board that is rendered: a few times finer than any camera sees it."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What came out, not stored yet."""

    stored: files.Stored
    against: Mapping[str, float]
    """How it differs from what was configured or said by the device: in a simulation, from the truth."""

    @property
    def bounds(self) -> Mapping[str, float]:
        """The greatest errors with which it is stored."""
        return files.BOUNDS[self.stored.kind]

    def save(self, path: Path) -> None:
        """Write it.

        Raises:
            ConfigError: An error is over its bound; nothing was written.
        """
        files.save(path, self.stored)


class Calibration:
    """One board, and what is measured with it."""

    def __init__(self, **board: Any) -> None:
        """Take the fields of a `BoardSpec`.

        Raises:
            ConfigError: There is no such board.
        """
        self.board = Board(BoardSpec(**board))

    @property
    def picture(self) -> UInt8:
        """What is printed, (H, W) in shades of grey, of the size `outer_size`."""
        return self.board.draw(PIXELS_PER_SQUARE)

    @property
    def outer_size(self) -> tuple[float, float]:
        """Width and height of what is printed [m]."""
        return self.board.spec.outer_size

    @property
    def margin(self) -> float:
        """White around the squares [m]."""
        return self.board.spec.margin

    def print(self, path: Path) -> None:
        """Write the board to a .pdf or .png file, at its true size.

        Raises:
            ConfigError: The file has another ending.
        """
        print_board(self.board, path)

    def look(
        self,
        workcell: Workcell,
        camera: str,
        flange_T_board: Pose,
        *,
        tool_length: float,
        views: int,
        speed: float,
        rng: np.random.Generator,
        on_view: OnView | None = None,
    ) -> list[View]:
        """Show the board to the camera from all sides; raises as `collecting.look` does."""
        setting = Setting(tool_length=tool_length, speed=speed, plan=PlanConfig(count=views))
        return look(workcell, camera, self.board, flange_T_board, setting, rng, on_view)

    def intrinsics(
        self, views: list[View], device: CameraSpec, *, date: str, serial: str
    ) -> Measured:
        """The lens, beside what the device says of itself.

        Raises:
            ConfigError: The views are too few.
        """
        found = solve_intrinsics([view.seen for view in views], device)
        apart = compare(found, device)
        return Measured(
            stored=files.of_intrinsics(found, date=date, serial=serial),
            against={
                "focal_percent": 100 * apart.focal,
                "centre_px": apart.centre,
                "worst_px": apart.worst,
            },
        )

    def camera(
        self,
        views: list[View],
        device: CameraSpec,
        *,
        date: str,
        serial: str,
        intrinsics: Path | None = None,
    ) -> Measured:
        """Where the camera stands, by its own intrinsics or by stored ones of the same camera.

        Raises:
            ConfigError: The views are too few or too much alike, or the stored intrinsics cannot be used.
            SpecMismatch: They are of pictures of another size.
        """
        if intrinsics is not None:
            device = files.lens(device, files.load(intrinsics, "intrinsics", serial=serial))
        found = solve_hand_eye(views, device)
        configured = Pose(
            position=np.array(device.position), quaternion=np.array(device.quaternion)
        )
        far, turned = differences(
            geometry.matrix(found.base_T_camera)[None], geometry.matrix(configured)
        )
        return Measured(
            stored=files.of_camera(found, date=date, serial=serial),
            against={"distance_m": float(far[0]), "angle_rad": float(turned[0])},
        )

    def touch(
        self,
        workcell: Workcell,
        flange_T_tip: Pose,
        point: Float64,
        *,
        tool_length: float,
        poses: int,
        speed: float,
        unsteady: float,
        rng: np.random.Generator,
        on_view: OnView | None = None,
    ) -> list[Pose]:
        """Hold a known tip to a point, for simulated arms; raises as `collecting.touch` does."""
        setting = Setting(tool_length=tool_length, speed=speed)
        return touch(workcell, flange_T_tip, point, setting, rng, poses, unsteady, on_view)

    def touch_by_hand(
        self,
        workcell: Workcell,
        console: Any,
        *,
        tool_length: float,
        poses: int,
        on_view: OnView | None = None,
    ) -> list[Pose]:
        """Let a person at a `Console` lead the arm; raises as `by_hand.touch_by_hand` does."""
        setting = Setting(tool_length=tool_length)
        return touch_by_hand(workcell, console, setting, poses, on_view)

    def read_poses(self, path: Path) -> list[Pose]:
        """Poses of the flange that a person wrote down; raises as `touches.read_poses` does."""
        return read_poses(path)

    def tool(self, poses: list[Pose], nominal: Pose, *, date: str, serial: str) -> Measured:
        """Where the tip is, beside where it is said to be.

        Raises:
            ConfigError: The poses are too few or too much alike.
        """
        found = solve_tool_point(poses)
        apart = float(np.linalg.norm(found.flange_p_tip - nominal.position))
        return Measured(
            stored=files.of_tool(found, date=date, serial=serial), against={"distance_m": apart}
        )
