"""The workcell "xarm-emulated": the driver of the real arm; behind the vendor's protocol, a simulated world in its own process."""

from __future__ import annotations

import dataclasses
import itertools
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from ibc_gym.closing import Closing
from ibc_gym.contracts import Camera, Task, Workcell
from ibc_gym.records import CameraSpec, Target

from ..arm.config import CONTROL_PORT, XArmConfig
from ..cameras.config import CameraPose, RealSenseConfig
from ..cameras.realsense import RealSenseCamera
from ..rig.cameras.bus import SoftwareBus
from ..rig.cameras.emulator import SoftwareCamera
from ..rig.lines import LineClient, RigError
from ..rig.process import Rig, fresh_address, spawn
from ..rig.referee import Referee
from ..rig.schedule import Schedule, schedule
from ..safety import SafeRobot
from .emulated_table import EmulatedTable, load_emulated_table
from .opened import OpenedArm
from .stand_in import software_camera
from .table import arm_for, bounds_for, scene_of, seen_by

PROGRAM: Final = (sys.executable, "-m", "ibc_gym", "rig")
ATTEMPTS: Final = 8
"""Addresses that are tried for a rig of one's own."""
AROUND: Final = 0.05
"""From the workspace to the fence of the emulated controller [m]."""
PATIENCE: Final = 1.0
"""For an answer of the emulated controller [s]: a busy machine makes pauses that no control box makes."""


class EmulatedArm(OpenedArm):
    """The arm of an emulated table, and what can be made to go wrong there: with its controller, and with the cameras."""

    rig: Rig
    """What can be asked about its controller."""
    eyes: Mapping[str, SoftwareCamera] = MappingProxyType({})
    """The emulated cameras."""
    coming: Schedule = Schedule()
    """What goes wrong, counted from when the arm is home, or in somebody's hands, for the first time."""

    def reset(self, home: Target | None = None) -> None:
        """Go home as `XArm.reset`; what is to go wrong is scheduled then, once."""
        super().reset(home)
        self._begin()

    @contextmanager
    def led(self) -> Iterator[None]:
        """Be led as `XArm.led`; what is to go wrong is scheduled then, unless it was."""
        with super().led():
            self._begin()
            yield

    def _begin(self) -> None:
        coming, self.coming = self.coming, Schedule()
        self.schedule(coming)

    def schedule(self, faults: Schedule) -> None:
        """Let this go wrong, counted from now."""
        for fault in faults.arm:
            self.rig.inject(**dataclasses.asdict(fault))
        for eye, blinded in itertools.product(self.eyes.values(), faults.cameras):
            eye.inject(blinded.kind, blinded.duration, at=blinded.at)

    def inject(self, *words: str) -> None:
        """Let this go wrong, in the words of `EmulatedTable.faults`, counted from now.

        Raises:
            UnknownName: No fault is called that.
            ConfigError: It makes no sense, or it is a camera's and there is none.
        """
        self.schedule(schedule(words, cameras=bool(self.eyes)))

    def release(self) -> None:
        """End what goes wrong and lasts, and what was still to come; errors stay until they are cleared."""
        self.coming = Schedule()
        self.rig.release()
        for eye in self.eyes.values():
            eye.release()


def make_workcell(
    task: Task, *, cameras: bool, raw: Path | None = None, table: EmulatedTable | None = None
) -> Workcell:
    """Start a rig with the task's world, connect, and hold its controller against the config; nothing moves yet.

    Args:
        task: With a `scene`.
        cameras: Whether pictures will be wanted.
        raw: Folder for the cameras' raw streams; None records none.
        table: What goes wrong there; by default what a file says, see `load_emulated_table`.

    Raises:
        ConfigError: The task has no scene with an arm, or the table's file does not serve.
        RigError: The rig does not start; its last words are in the message.
        MissingDependency: The vendor's client is not installed.
    """
    table = load_emulated_table() if table is None else table
    coming = table.schedule(cameras=cameras)
    with ExitStack() as started:
        rig = _start(task, started, cameras)
        filming = started.enter_context(_Filming(rig, task, raw)) if cameras else None
        config = arm_for(task, _emulated(task, rig.address, rig.port))
        robot = EmulatedArm(config, write_tool=True)
        started.callback(robot.close)
        workcell = Workcell(
            name="xarm-emulated",
            robot=SafeRobot(robot, bounds_for(task, table.safety), kinematics=config.kinematics()),
            scene=Referee(rig.client),
            cameras={} if filming is None else filming.cameras,
            contacts=RefereesContacts(rig.client),
        )
        robot.rig, robot.coming = rig, coming
        robot.eyes = robot.eyes if filming is None else filming.eyes
        robot.opened = started.pop_all()
    return workcell


class RefereesContacts:
    """How deep the things on the emulated table are in each other, as the rig says."""

    def __init__(self, client: LineClient) -> None:
        """Ask through a connection, which whoever made it closes."""
        self._client = client

    @property
    def penetration(self) -> float:
        """The greatest depth since things were arranged [m]; 0 where the rig does not watch.

        Raises:
            RigError: The rig does not answer.
        """
        depth: float | None = self._client.ask("penetration")
        return depth or 0.0


def _emulated(task: Task, address: str, port: int = CONTROL_PORT) -> XArmConfig:
    """An arm with the tool of the task's scene, its fence around the scene's workspace."""
    scene = scene_of(task)
    tool = scene.tool
    (x0, y0, _), (x1, y1, z1) = scene.workspace_lower, scene.workspace_upper
    return XArmConfig(
        fence_lower=(round(x0 - AROUND, 3), round(y0 - AROUND, 3), -0.005),
        fence_upper=(round(x1 + AROUND, 3), round(y1 + AROUND, 3), max(0.6, round(z1 + AROUND, 3))),
        address=address,
        port=port,
        tool_length=tool.length,
        payload=tool.mass,
        payload_centre=(0.0, 0.0, tool.length / 2),
        command_timeout=PATIENCE,
        report_timeout=1.5 * PATIENCE,
    )


class _Filming(Closing):
    """Emulated RealSense cameras that look at what a rig shows, and the driver that has them."""

    def __init__(self, rig: Rig, task: Task, raw: Path | None) -> None:
        self._bus = SoftwareBus()
        self._drivers: list[RealSenseCamera] = []
        self.cameras: dict[str, Camera] = {}
        self.eyes: dict[str, SoftwareCamera] = {}
        try:
            seen = rig.client.ask("cameras")
            for wanted in scene_of(task).cameras:
                name, told = wanted.name, seen[wanted.name]
                serial = f"emulated-{name}"
                spec, self.eyes[name] = software_camera(serial, told, self._bus)
                self._drivers.append(self._driver(serial, spec, task.control_period, raw))
                self.cameras[name] = seen_by(task, self._drivers[-1], wanted)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the drivers, then what they drive; may be called twice."""
        for driver in self._drivers:
            driver.close()
        self._bus.close()

    def _driver(
        self, serial: str, spec: CameraSpec, period: float, raw: Path | None
    ) -> RealSenseCamera:
        pose = CameraPose(position=spec.position, quaternion=spec.quaternion)
        config = RealSenseConfig(
            serial=serial,
            name=spec.name,
            width=spec.width,
            height=spec.height,
            max_age=period,
            pose=pose,
            raw=raw,
        )
        return RealSenseCamera(config, bus=self._bus)


def _start(task: Task, started: ExitStack, cameras: bool) -> Rig:
    """A rig with the task's world, on an address that nobody else uses."""
    words = [*PROGRAM, task.name, "--json", *_flags(dataclasses.asdict(task.config))]
    words += ["--cameras"] if cameras else []
    if board := getattr(task, "board_fields", None):
        words += ["--board", json.dumps(board)]
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return started.enter_context(spawn(fresh_address(), program=words))
        except RigError as error:
            if attempt == ATTEMPTS or "Nothing can listen" not in str(error):
                raise
    raise AssertionError("the last attempt returns or raises")


def _flags(options: Mapping[str, Any], prefix: str = "--task.") -> Iterator[str]:
    """Options of a task as the words of a command, one per field."""
    for name, value in options.items():
        if isinstance(value, Mapping):
            yield from _flags(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}={value!r}"
