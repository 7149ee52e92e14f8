"""An emulated controller as a program of its own: `python -m ibc_gym.hardware.rig.serve --address 127.0.0.2`.

It moves an arm that is only kinematics, in real time, until it is told to end. On its first line of output it says, as
JSON, where it listens for the vendor's client and where for questions.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import time
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from ibc_gym.records import Target

from .configuration import Identity
from .faults import KINDS, Fault
from .kinematic_arm import KinematicArm
from .lines import Handler, LineServer
from .questions import handlers_of
from .server import CONTROL_PORT, Controller

MOST_BEHIND: Final = 0.1
"""How far the clock of the arm may fall behind and be made up for [s]; what is beyond is lost."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a controller until it is told to end."""
    options = _options(arguments)
    firmware = tuple(int(part) for part in options.firmware.split("."))
    assert len(firmware) == 3
    identity = Identity(firmware=firmware, serial=options.serial)
    faults = [Fault(**fault) for fault in json.loads(options.faults)]
    robot = KinematicArm(control_period=options.period)
    with (
        Controller(robot, options.address, options.port, identity=identity, faults=faults) as arm,
        LineServer({**handlers_of(arm), "place": _hand(robot, arm)}, options.address) as lines,
    ):
        announce(arm, lines)
        run(arm, lines, until=ended(options.parent))


def announce(controller: Controller, lines: LineServer) -> None:
    """Say on standard output where everything listens, as one line of JSON."""
    where = {"address": controller.address, "port": controller.port, "questions": lines.port}
    print(json.dumps(where), flush=True)


def run(
    controller: Controller,
    lines: LineServer,
    *,
    until: Callable[[], bool],
    between: Callable[[], None] = lambda: None,
) -> None:
    """Keep a controller in real time, paced by the monotonic clock, and answer questions, until told to end.

    Args:
        controller: The arm's.
        lines: Where questions come in.
        until: Whether to end.
        between: Called between any two periods of motion.
    """
    period = controller.core.period
    deadline = time.monotonic() + period
    while not until():
        controller.serve(deadline)
        controller.step()
        lines.poll()
        between()
        deadline += period
        forgotten = max(time.monotonic() - MOST_BEHIND - deadline, 0.0)
        deadline += forgotten
        controller.core.lost += forgotten


def _hand(robot: KinematicArm, controller: Controller) -> Handler:
    """Somebody who puts the arm elsewhere with their hands."""

    def place(joints: Sequence[float]) -> None:
        robot.reset(Target(joints=np.array(joints, dtype=np.float64)))
        controller.core.moved_by_hand()

    return place


def ended(parent: int = 0) -> Callable[[], bool]:
    """Whether this process was told to end, or the process that it belongs to is gone (0 for none)."""
    told: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda got, frame: told.append(got))
    return lambda: bool(told) or (parent != 0 and os.getppid() != parent)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="ibc_gym.hardware.rig.serve", description=__doc__)
    parser.add_argument("--address", default="127.0.0.1", help="on loopback")
    parser.add_argument("--port", type=int, default=CONTROL_PORT, help="for commands")
    parser.add_argument("--period", type=float, default=0.004, help="control period [s]")
    parser.add_argument("--firmware", default="2.6.107", help="that it pretends to have")
    parser.add_argument("--serial", default=Identity().serial, help="of the arm")
    parser.add_argument(
        "--faults", default="[]", help=f"as JSON, a list of objects; kinds: {', '.join(KINDS)}"
    )
    parser.add_argument("--parent", type=int, default=0, help="end when this process has gone")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
