"""Calibrate a workcell: what the camera's lens does, where the camera stands, where the tool's tip is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from ibc_gym.braking import braked
from ibc_gym.checks import settle
from ibc_gym.contracts import Workcell
from ibc_gym.errors import ConfigError, UnknownName
from ibc_gym.loading import load
from ibc_gym.records import CameraSpec, Pose
from ibc_gym.registry import make_calibration, make_stage, make_workcell
from ibc_gym.tables import PEOPLE

What = Literal["intrinsics", "camera", "tool"]
STAGE: Final = "calibration"
MARKER: Final = 0.75
"""Edge of a marker, of that of its square."""
MARGIN: Final = 0.5
"""White around the squares, of the edge of a square."""
POINT: Final = (0.38, 0.0, 0.14)
"""Where a simulated or emulated arm holds its tip [m]."""

OnProgress = Callable[[float, str], None]
"""Told the share that is done, and in a few words how it goes."""


@dataclass(frozen=True, kw_only=True)
class CalibrateConfig:
    """Settings of a calibration."""

    what: What
    """What is measured."""
    workcell: str = "mujoco"
    """Where: a row of `ibc-gym list`."""
    camera: str | None = None
    """Which camera of the workcell; the first by default."""
    serial: str | None = None
    """Serial number of the camera, or of the arm for a tool; by default what the workcell has."""
    out: Path | None = None
    """File for the result; calibration/<what>.json by default."""
    date: str = ""
    """When it is measured, for the file: 2026-05-01."""
    views: int = 25
    """Pictures of the board, or poses for a tool."""
    seed: int = 0
    """Of the views."""
    speed: float = 0.35
    """Of the joint that moves furthest, at most [rad/s]."""
    columns: int = 9
    """Squares of the board along its longer edge."""
    rows: int = 7
    """Squares along the other, an odd number."""
    square: float = 0.024
    """Edge of a square as measured on the print [m]; markers are three quarters of it."""
    dictionary: str = "DICT_4X4_50"
    """Of the markers, by OpenCV's name."""
    intrinsics: Path | None = None
    """Stored intrinsics to find the camera's pose with; the device's own by default."""
    poses: Path | None = None
    """For a tool: a file with poses of the flange, `x y z roll pitch yaw` a line [mm, degrees]."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the calibration scene's config."""

    def __post_init__(self) -> None:
        settle(self)
        if not self.date:
            raise ConfigError(
                "CalibrateConfig.date is empty, but a calibration says when it was made."
            )
        if not 8 <= self.views <= 200:
            raise ConfigError(
                f"CalibrateConfig.views is {self.views}, but must be 8 to 200; 25 is usual."
            )
        if not 0 < self.speed <= 1:
            raise ConfigError(
                f"CalibrateConfig.speed is {self.speed} rad/s, but must be above 0 and at most 1."
            )
        if not 0.005 <= self.square <= 0.2:
            raise ConfigError(
                f"CalibrateConfig.square is {self.square} m, but must lie in 0.005 to 0.2: it is in metres."
            )
        if self.poses is not None and self.what != "tool":
            raise ConfigError("CalibrateConfig.poses are for a tool only.")
        if self.intrinsics is not None and self.what != "camera":
            raise ConfigError("CalibrateConfig.intrinsics are for the camera's pose only.")

    @property
    def file(self) -> Path:
        """Where the result goes."""
        return self.out or Path("calibration") / f"{self.what}.json"

    @property
    def board(self) -> dict[str, Any]:
        """The board, as `registry.make_calibration` takes it."""
        return board_of(self.columns, self.rows, self.square, self.dictionary)


@dataclass(frozen=True, kw_only=True)
class CalibrationSummary:
    """What was found and stored."""

    what: What
    file: Path
    errors: Mapping[str, float]
    """By what is bounded, the unit at the end of the name."""
    bounds: Mapping[str, float]
    """The greatest errors with which a result is stored."""
    against: Mapping[str, float]
    """How it differs from what was configured; in a simulation, from the truth."""
    numbers: Mapping[str, Any]
    """The result."""
    made_from: Mapping[str, Any]
    """How many views."""


def board_of(columns: int, rows: int, square: float, dictionary: str) -> dict[str, Any]:
    """A board whose markers and margin are in proportion to its squares."""
    return {
        "columns": columns,
        "rows": rows,
        "square": square,
        "marker": MARKER * square,
        "dictionary": dictionary,
        "margin": MARGIN * square,
    }


def stage_of(config: CalibrateConfig) -> Any:
    """The scene of a calibration: with its board on the flange, or with the pointer."""
    return make_stage(STAGE, config.options, None if config.what == "tool" else config.board)


def calibrate(config: CalibrateConfig, on_progress: OnProgress | None = None) -> CalibrationSummary:
    """Measure, and store what was found.

    Raises:
        ConfigError: Something cannot be measured, or its error is over the bound; nothing was written.
        UnknownName: There is no such workcell or camera.
        RobotFault: The arm stopped.
        Stopped: A person stopped it by a key; nothing was written.
        CameraTimeout: A camera gave no picture.
    """
    measured = _tool(config, on_progress) if config.what == "tool" else _board(config, on_progress)
    measured.save(config.file)
    stored = measured.stored
    return CalibrationSummary(
        what=config.what,
        file=config.file,
        errors=stored.errors,
        bounds=measured.bounds,
        against=measured.against,
        numbers=stored.numbers,
        made_from=stored.made_from,
    )


def _board(config: CalibrateConfig, on_progress: OnProgress | None) -> Any:
    """Show the board to the camera, and solve."""
    calibration, stage = make_calibration(config.board), stage_of(config)
    cell = make_workcell(config.workcell, stage, cameras=True)
    try:
        device = _camera(cell, config.camera)
        serial = _serial(
            config, cell, device.name, getattr(cell.cameras[device.name], "serial", None)
        )
        with braked(config.workcell, cell.robot):
            views = calibration.look(
                cell,
                device.name,
                stage.flange_T_board,
                tool_length=stage.scene.tool.length,
                views=config.views,
                speed=config.speed,
                rng=np.random.default_rng(config.seed),
                on_view=_telling(on_progress, "pictures"),
            )
    finally:
        cell.close()
    about = {"date": config.date, "serial": serial}
    if config.what == "intrinsics":
        return calibration.intrinsics(views, device, **about)
    return calibration.camera(views, device, intrinsics=config.intrinsics, **about)


def _tool(config: CalibrateConfig, on_progress: OnProgress | None) -> Any:
    """Read where the flange was, or have the tip held to a point; and solve."""
    calibration, stage = make_calibration(config.board), stage_of(config)
    length = stage.scene.tool.length
    nominal = Pose(position=np.array([0.0, 0.0, length]))
    if config.poses is not None:
        if not config.serial:
            raise ConfigError("Say whose tool it is: --serial, the serial number of the arm.")
        poses, serial = calibration.read_poses(config.poses), config.serial
        return calibration.tool(poses, nominal, date=config.date, serial=serial)
    cell = make_workcell(config.workcell, stage, cameras=False)
    try:
        serial = _serial(config, cell, "arm", getattr(cell.robot, "serial", None))
        with braked(config.workcell, cell.robot):
            poses = _touched(config, calibration, stage, cell, _telling(on_progress, "poses"))
    finally:
        cell.close()
    return calibration.tool(poses, nominal, date=config.date, serial=serial)


def _touched(
    config: CalibrateConfig, calibration: Any, stage: Any, cell: Workcell, on_view: Any
) -> list[Pose]:
    """Poses of the flange with the tip at a point: a simulated arm goes there by itself, any other is led by a hand."""
    rng, length, point = (
        np.random.default_rng(config.seed),
        stage.scene.tool.length,
        np.array(POINT),
    )
    if cell.simulation is None:
        hand = load(PEOPLE, "toucher", "part")
        with hand(cell, stage, point, count=config.views, speed=config.speed, rng=rng) as console:
            poses: list[Pose] = calibration.touch_by_hand(
                cell, console, tool_length=length, poses=config.views, on_view=on_view
            )
        return poses
    moved: list[Pose] = calibration.touch(
        cell,
        stage.flange_T_tip,
        point,
        tool_length=length,
        poses=config.views,
        speed=config.speed,
        unsteady=stage.config.unsteady,
        rng=rng,
        on_view=on_view,
    )
    return moved


def _camera(cell: Workcell, name: str | None) -> CameraSpec:
    name = name or next(iter(cell.cameras), "")
    if name not in cell.cameras:
        raise UnknownName(f"camera of workcell {cell.name!r}", name, cell.cameras)
    return cell.cameras[name].spec


def _serial(config: CalibrateConfig, cell: Workcell, device: str, has: str | None = None) -> str:
    """What the file says the device is: the serial number that it has; a simulated one is called by where it is."""
    if config.serial and has and config.serial != has:
        raise ConfigError(
            f"--serial says {config.serial!r}, but the {device} of workcell {cell.name!r} is {has!r}. Leave --serial out, "
            "or change the table's file."
        )
    if config.serial or has:
        return config.serial or str(has)
    if cell.simulation is None:
        raise ConfigError(
            f"Say with which device it is measured: --serial, the serial number of the {device}."
        )
    return f"{cell.name}:{device}"


def _telling(on_progress: OnProgress | None, what: str) -> Callable[[int, int, Any], None] | None:
    if on_progress is None:
        return None

    def tell(done: int, wanted: int, _: Any) -> None:
        on_progress(done / wanted, f"{done} of {wanted} {what}")

    return tell
