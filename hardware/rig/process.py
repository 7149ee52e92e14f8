"""A rig in a process of its own: started, waited for, asked, and ended by its number."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from .lines import LineClient, RigError

PROGRAM: Final = (sys.executable, "-m", "ibc_gym.hardware.rig.serve")
"""The controller that moves an arm without a scene."""
PATIENCE: Final = 30.0
"""Time that a program has to say where it listens [s]; importing takes most of it."""
_numbers: Final = count()


@dataclass(frozen=True, kw_only=True)
class Rig:
    """A controller that runs in another process, and what it can be asked there."""

    address: str
    """For the vendor's client."""
    port: int
    """For commands; an arm's config names it, and where it is not 502 the vendor's bare client must be told, too."""
    pid: int
    """Of the process."""
    client: LineClient
    """For questions of all kinds, such as those of the referee."""

    def heard(self) -> list[dict[str, Any]]:
        """Every motion target that reached the controller since last asked, in SI, followed or not.

        Each has "number" (which it is of all targets and orders to stop), "time" and "came" [s] (by a clock that goes on
        where the rig itself is held up), "register", "name", "mode", "state", "accepted", and by its kind "joints" (6,) [rad],
        "position" [m] and "quaternion", "velocities" [rad/s] or "twist" [m/s, rad/s], with "duration", "speed",
        "acceleration", "frame" and "relative" where they have a meaning.
        """
        entries: list[dict[str, Any]] = self.client.ask("heard")
        return entries

    def stops(self) -> list[dict[str, Any]]:
        """Every order to stop that reached the controller since last asked: "number", "time" and "came", as with targets."""
        entries: list[dict[str, Any]] = self.client.ask("stops")
        return entries

    def inject(self, kind: str, **fields: Any) -> float:
        """Let something go wrong: the fields of `Fault`. Gives the controller's time [s]."""
        time_there: float = self.client.ask("inject", kind=kind, **fields)
        return time_there

    def release(self) -> None:
        """End what lasts, such as an emergency stop that is held."""
        self.client.ask("release")

    def restart(self) -> None:
        """Switch the controller off and on: connections close, and what was not saved is forgotten."""
        self.client.ask("restart")

    def place(self, joints: Sequence[float]) -> None:
        """Put the arm elsewhere as if by hand, to joints (6,) [rad]; for a rig whose arm is only kinematics."""
        self.client.ask("place", joints=list(joints))

    def lead(self, joints: Sequence[float], speed: float) -> None:
        """Take the arm by the hand to joints (6,) [rad], at a speed [rad/s]; `state` says whether it still moves.

        Raises:
            RigError: The controller does not let a hand lead it.
        """
        self.client.ask("lead", joints=list(joints), speed=speed)

    def state(self) -> dict[str, Any]:
        """Joints, tool, mode, state, error and what else there is to see from inside."""
        state: dict[str, Any] = self.client.ask("state")
        return state

    def configuration(self) -> dict[str, Any]:
        """Everything that can be set, as it is set, in SI."""
        configuration: dict[str, Any] = self.client.ask("configuration")
        return configuration


def fresh_address() -> str:
    """A loopback address for one more rig: of 254 that come round again, and of no process whose number is within 65,535 of ours."""
    number, pid = next(_numbers), os.getpid()
    return f"127.{1 + number % 254}.{pid >> 8 & 255}.{pid & 255}"


@contextmanager
def spawn(
    address: str = "127.0.0.1", *options: str, program: Sequence[str] = PROGRAM
) -> Iterator[Rig]:
    """A rig for the length of a block; its process is ended by its number afterwards.

    Args:
        address: On loopback; each rig needs its own, such as `fresh_address` gives.
        options: Further ones for the program, such as "--firmware", "1.5.0".
        program: What to start; it must take --address and --parent, and print a line as `serve` does.

    Raises:
        RigError: The program did not start; its last words are in the message.
    """
    command = [*program, "--address", address, "--parent", str(os.getpid()), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        where = _first_line(process, command)
        with LineClient(where["address"], where["questions"]) as client:
            yield Rig(address=where["address"], port=where["port"], pid=process.pid, client=client)
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process that we started: first by asking, then by force; it is gone afterwards."""
    process.terminate()
    try:
        process.communicate(timeout=5.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def _first_line(process: subprocess.Popen[bytes], command: Sequence[str]) -> dict[str, Any]:
    assert process.stdout is not None
    heard, deadline = b"", time.monotonic() + PATIENCE
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while b"\n" not in heard:
            if not selector.select(max(deadline - time.monotonic(), 0.0)):
                raise RigError(
                    f"{' '.join(command)} did not say within {PATIENCE:.0f} s where it listens."
                )
            data = os.read(process.stdout.fileno(), 1 << 12)
            if not data:
                _, words = process.communicate()
                raise RigError(
                    f"{' '.join(command)} ended before it listened: {words.decode(errors='replace')[-2000:]}"
                )
            heard += data
    where: dict[str, Any] = json.loads(heard.partition(b"\n")[0])
    if "error" in where:
        raise RigError(f"The rig could not start: {where['error']}")
    return where
