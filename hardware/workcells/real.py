"""The workcell "xarm": the arm on the table, its cameras, and a person who arranges and judges."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from ibc_gym.contracts import Camera, Task, Workcell
from ibc_gym.errors import ConfigError, Declined
from ibc_gym.records import Target

from ..arm.bring_up import ErrorPending
from ..arm.config import XArmConfig
from ..cameras.devices import Bus, UsbBus
from ..cameras.realsense import RealSenseCamera
from ..safety import SafeRobot
from ..table.checklist import Told, checklist, go_through
from ..table.console import Console, KeyConsole
from ..table.persons_table import PersonsTable
from ..table.picture import WhileItComes
from ..table.screen import Screen
from .opened import OpenedArm
from .stand_in import StandInCameras
from .table import RigPorts, TableConfig, arm_for, bounds_for, load_table, scene_of, seen_by

CLEAR: Final = {"enter": "yes, go", "escape": "give up"}
LOOKED: Final = {"y": "I have looked at the arm, clear it", "n": "leave it"}


STILL_TRUE: Final = 600.0
"""How long the answers to the checklist count in one process [s]: a command that looks at its workcell before it works in it
asks once, and a program that opens the table again after a break asks again."""
_confirmed: list[tuple[TableConfig, float]] = []
"""Tables whose checklist was gone through in this process, and when [s]."""


def make_workcell(task: Task, *, cameras: bool, raw: Path | None = None) -> Workcell:
    """Open the cameras, go through the checklist with the person at the terminal, connect, check everything.

    Nothing moves yet, and no joint is enabled.

    Args:
        task: With a `scene`: its board, tool and cameras are the table's.
        cameras: Whether pictures will be wanted.
        raw: Folder for the cameras' raw streams; None leaves it to the table's file.

    Raises:
        ConfigError: There is no table's file, or it and the task or the controller disagree.
        Declined: The person said no.
        RobotFault: The controller cannot be reached, or has an error that the person does not clear.
        CameraTimeout: A camera gives no picture.
        MissingDependency: A vendor's library is not installed.
    """
    return assemble(task, load_table(), KeyConsole(), cameras=cameras, raw=raw)


def assemble(
    task: Task, table: TableConfig, console: Console, *, cameras: bool, raw: Path | None = None
) -> Workcell:
    """The same from a table and a console that are given."""
    arm = arm_for(task, table.arm)
    with ExitStack() as opened:
        if isinstance(console, KeyConsole):
            opened.callback(console.close)
        screen = opened.enter_context(Screen())
        seen = _open_cameras(task, table, raw, opened) if cameras else {}
        _confirm(table, console, screen, seen)
        robot = _connected(arm, console, table.rig)
        opened.callback(robot.close)
        first = next(iter(seen.values()), None)
        things = [body.name for body in scene_of(task).bodies if body.motion != "fixed"]
        workcell = Workcell(
            name="xarm",
            robot=SafeRobot(robot, bounds_for(task, table.safety), kinematics=arm.kinematics()),
            scene=PersonsTable(console, things, camera=first, display=screen),
            cameras=seen,
        )
        robot.opened = opened.pop_all()
    return workcell


def _confirm(
    table: TableConfig, console: Console, screen: Screen, seen: Mapping[str, Camera]
) -> None:
    """Go through the checklist, with the pictures in sight that it asks about."""
    now = time.monotonic()
    if any(known == table and now - since < STILL_TRUE for known, since in _confirmed):
        return
    told = Told(
        tool_length=table.arm.tool_length,
        payload=table.arm.payload,
        fence=(table.arm.fence_lower, table.arm.fence_upper),
    )

    def show() -> None:
        pictures = [camera.read().image for camera in seen.values()]
        tallest = max(len(picture) for picture in pictures)
        below = [((0, tallest - len(picture)), (0, 0), (0, 0)) for picture in pictures]
        side_by_side = map(np.pad, pictures, below)
        screen.show(np.hstack(tuple(side_by_side)), ", ".join(seen))

    if seen:
        go_through(console, checklist(told, picture_at=screen.place, show=WhileItComes(show)))
    else:
        go_through(console, checklist(told))
    _confirmed.append((table, time.monotonic()))


class AttendedArm(OpenedArm):
    """An arm beside which somebody stands: it goes home at that person's word."""

    console: Console | None = None

    def reset(self, home: Target | None = None) -> None:
        """Ask the person to stand clear, then go home.

        Raises:
            Declined: The person gave up; nothing moves.
            SpecMismatch: As `XArm.reset`.
            RobotFault: As `XArm.reset`; or somebody stopped the arm while the person was asked, and nothing moves.
        """
        stops = self._stops
        if self.console is not None and self.fault is None:
            asked = "The arm goes home. Is its way free, is nothing under its home place, do you stand clear?"
            if self.console.ask(asked, CLEAR) != "enter":
                raise Declined("The arm was not let go home; no episode begins.")
            self._raise_stopped(stops)
        super().reset(home)


def _connected(config: XArmConfig, console: Console, rig: RigPorts | None) -> AttendedArm:
    """The arm; an error from before is cleared if the person has looked at it. An emulated one is told its tool."""
    if rig is not None:
        config = replace(config, port=rig.commands)
    try:
        arm = AttendedArm(config, write_tool=rig is not None)
    except ErrorPending as fault:
        console.say(str(fault))
        if console.ask("May the error be cleared?", LOOKED) != "y":
            raise
        arm = AttendedArm(config, clear_errors=True, write_tool=rig is not None)
    arm.console = console
    return arm


def _open_cameras(
    task: Task, table: TableConfig, raw: Path | None, opened: ExitStack
) -> dict[str, Camera]:
    """Those of the table that the task's scene has, their pictures as the task's cameras would take them."""
    found: dict[str, Camera] = {}
    calibrated = {camera.name: camera for camera in table.calibrated()}
    wanted = scene_of(task).cameras
    for spec in wanted:
        if spec.name not in calibrated:
            raise ConfigError(
                f"Task {task.name!r} is seen by camera {spec.name!r}, but the table has "
                f"{', '.join(calibrated) or 'no camera'}. Name one so in the table's file."
            )
    bus: Bus = UsbBus()
    if table.rig is not None:
        stand_in = StandInCameras(table.arm.address, table.rig, tuple(calibrated.values()))
        opened.callback(stand_in.close)
        bus = stand_in.bus
    for spec in wanted:
        config = calibrated[spec.name]
        config = replace(config, max_age=task.control_period, raw=raw or config.raw)
        camera = RealSenseCamera(config, bus=bus)
        opened.callback(camera.close)
        found[spec.name] = seen_by(task, camera, spec)
    return found
