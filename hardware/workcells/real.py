"""The workcell "xarm": the arm on the table, its cameras, and a person who arranges and judges."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import Final

from ibc_gym.contracts import Camera, Task, Workcell
from ibc_gym.errors import ConfigError, Declined
from ibc_gym.records import Target

from ..arm.bring_up import ErrorPending
from ..arm.config import XArmConfig
from ..cameras.realsense import RealSenseCamera
from ..cameras.scaled import ScaledCamera
from ..safety import SafeRobot
from ..table.checklist import go_through
from ..table.console import Console, KeyConsole
from ..table.persons_table import PersonsTable
from .opened import OpenedArm
from .table import TableConfig, arm_for, bounds_for, load_table, scene_of

CLEAR: Final = {"enter": "yes, go", "escape": "give up"}
LOOKED: Final = {"y": "I have looked at the arm, clear it", "n": "leave it"}


_confirmed: list[TableConfig] = []
"""Tables whose checklist was gone through in this process: a command that looks at its workcell first asks only once."""


def make_workcell(task: Task, *, cameras: bool) -> Workcell:
    """Go through the checklist with the person at the terminal, connect, check everything; nothing moves yet.

    Args:
        task: With a `scene`: its board, tool and cameras are the table's.
        cameras: Whether pictures will be wanted.

    Raises:
        ConfigError: There is no table's file, or it and the task or the controller disagree.
        Declined: The person said no.
        RobotFault: The controller cannot be reached, or has an error that the person does not clear.
        CameraTimeout: A camera gives no picture.
        MissingDependency: A vendor's library is not installed.
    """
    return assemble(task, load_table(), KeyConsole(), cameras=cameras)


def assemble(task: Task, table: TableConfig, console: Console, *, cameras: bool) -> Workcell:
    """The same from a table and a console that are given."""
    arm = arm_for(task, table.arm)
    with ExitStack() as opened:
        if isinstance(console, KeyConsole):
            opened.callback(console.close)
        if table not in _confirmed:
            go_through(console)
            _confirmed.append(table)
        seen = _open_cameras(task, table, opened) if cameras else {}
        robot = _connected(arm, console)
        opened.callback(robot.close)
        first = next(iter(seen.values()), None)
        things = [body.name for body in scene_of(task).bodies if body.motion != "fixed"]
        workcell = Workcell(
            name="xarm",
            robot=SafeRobot(robot, bounds_for(task, table.safety), kinematics=arm.kinematics()),
            scene=PersonsTable(console, things, camera=first),
            cameras=seen,
        )
        robot.opened = opened.pop_all()
    return workcell


class AttendedArm(OpenedArm):
    """An arm beside which somebody stands: it goes home at that person's word."""

    console: Console | None = None

    def reset(self, home: Target | None = None) -> None:
        """Ask the person to stand clear, then go home.

        Raises:
            Declined: The person gave up; nothing moves.
            SpecMismatch: As `XArm.reset`.
            RobotFault: As `XArm.reset`.
        """
        if self.console is not None and self.fault is None:
            asked = "The arm goes home. Is its way free, is nothing under its home place, do you stand clear?"
            if self.console.ask(asked, CLEAR) != "enter":
                raise Declined("The arm was not let go home; no episode begins.")
        super().reset(home)


def _connected(config: XArmConfig, console: Console) -> AttendedArm:
    """The arm; an error from before is cleared if the person has looked at it."""
    try:
        arm = AttendedArm(config)
    except ErrorPending as fault:
        console.say(str(fault))
        if console.ask("May the error be cleared?", LOOKED) != "y":
            raise
        arm = AttendedArm(config, clear_errors=True)
    arm.console = console
    return arm


def _open_cameras(task: Task, table: TableConfig, opened: ExitStack) -> dict[str, Camera]:
    """Those of the table that the task's scene has, in the size of its pictures."""
    found: dict[str, Camera] = {}
    calibrated = {camera.name: camera for camera in table.calibrated()}
    for spec in scene_of(task).cameras:
        if spec.name not in calibrated:
            raise ConfigError(
                f"Task {task.name!r} is seen by camera {spec.name!r}, but the table has "
                f"{', '.join(calibrated) or 'no camera'}. Name one so in the table's file."
            )
        camera = RealSenseCamera(replace(calibrated[spec.name], max_age=task.control_period))
        opened.callback(camera.close)
        found[spec.name] = ScaledCamera(camera, spec.width, spec.height)
    return found
