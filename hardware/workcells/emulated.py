"""The workcell "xarm-emulated": the driver of the real arm; behind the vendor's protocol, a simulated world in its own process."""

from __future__ import annotations

import dataclasses
import itertools
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any, Final

from ibc_gym.contracts import Task, Workcell
from ibc_gym.errors import ConfigError

from ..arm.config import XArmConfig
from ..arm.robot import XArm
from ..rig.control_port import control_port
from ..rig.lines import LineClient, RigError
from ..rig.process import Rig, spawn
from ..rig.referee import Referee
from ..safety import SafeRobot
from .table import RIG_SAFETY, arm_for

PROGRAM: Final = (sys.executable, "-m", "ibc_gym", "rig")
ATTEMPTS: Final = 8
"""Addresses that are tried for a rig of one's own."""
_numbers: Final = itertools.count()


def make_workcell(task: Task, *, cameras: bool) -> Workcell:
    """Start a rig with the task's world, connect, and hold its controller against the config; nothing moves yet.

    Args:
        task: With a `scene`.
        cameras: Whether pictures will be wanted.

    Raises:
        ConfigError: The task has no scene with an arm.
        RigError: The rig does not start; its last words are in the message.
        MissingDependency: The vendor's client is not installed.
    """
    if cameras:
        raise ConfigError("The emulated rig has no cameras yet; observe the state.")
    with ExitStack() as started:
        rig = _start(task, started)
        config = arm_for(task, XArmConfig(address=rig.address))
        with control_port(rig.port):
            robot = EmulatedArm(config)
        workcell = Workcell(
            name="xarm-emulated",
            robot=SafeRobot(robot, RIG_SAFETY, kinematics=config.kinematics()),
            scene=Referee(rig.client),
            contacts=RefereesContacts(rig.client),
        )
        robot.rig, robot.ends_with_it = rig, started.pop_all()
    return workcell


class EmulatedArm(XArm):
    """The arm of a rig that ends with it."""

    rig: Rig | None = None
    """What can be asked about the controller, and made to go wrong."""
    ends_with_it: ExitStack | None = None

    def __init__(self, config: XArmConfig) -> None:
        """Connect to the rig; nobody has to look at an emulated tool before it is told to the controller."""
        super().__init__(config, write_tool=True)

    def close(self) -> None:
        """Hang up, and end the rig's process; may be called twice."""
        super().close()
        if self.ends_with_it is not None:
            self.ends_with_it.close()


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


def _start(task: Task, started: ExitStack) -> Rig:
    """A rig with the task's world, on an address that nobody else uses."""
    words = (*PROGRAM, task.name, "--json", *_flags(dataclasses.asdict(task.config)))
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return started.enter_context(spawn(_address(), program=words))
        except RigError as error:
            if attempt == ATTEMPTS or "Nothing can listen" not in str(error):
                raise
    raise AssertionError("the last attempt returns or raises")


def _address() -> str:
    """A loopback address of this process's own: each takes others, so that many can have rigs at once."""
    number, pid = next(_numbers), os.getpid()
    return f"127.{16 + number % 200}.{pid >> 8 & 255}.{pid & 255 or 1}"


def _flags(options: Mapping[str, Any], prefix: str = "--task.") -> Iterator[str]:
    """Options of a task as the words of a command, one per field."""
    for name, value in options.items():
        if isinstance(value, Mapping):
            yield from _flags(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}={value!r}"
