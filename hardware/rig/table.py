"""The whole emulated table as one process: a controller, a referee, and the simulated world that both of them are about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ibc_gym.contracts import Workcell

from . import questions, referee
from .configuration import Identity
from .faults import Fault
from .lines import Handler, LineServer
from .serve import ended, run
from .server import CONTROL_PORT, Controller


def serve(
    workcell: Workcell,
    address: str,
    *,
    port: int = CONTROL_PORT,
    about: Mapping[str, Any] | None = None,
    identity: Identity | None = None,
    faults: Iterable[Fault] = (),
    parent: int = 0,
    tell: Callable[[Mapping[str, Any]], None],
    cameras: Mapping[str, Any] | None = None,
    between: Callable[[], None] = lambda: None,
) -> None:
    """Run an emulated rig in real time until this process is told to end.

    Args:
        workcell: A simulated world, whose robot has the joints of an xArm6 and a control period of a few milliseconds.
        address: On loopback.
        port: For the vendor's client.
        about: What is said of the world to whoever asks, as JSON takes it.
        identity: Model, serial and firmware of the controller.
        faults: What goes wrong, and when.
        parent: End when this process has gone; 0 for none.
        tell: Told where everything listens, once it does: address, port, and port of questions.
        cameras: Where pictures of the world are to be had, as `Studio.addresses` says it.
        between: Called between any two periods of motion.

    Raises:
        ConfigError: The address is not on loopback, or somebody else listens there.
    """
    with (
        Controller(workcell.robot, address, port, identity=identity, faults=faults) as arm,
        LineServer(
            {
                **questions.handlers_of(arm),
                **referee.handlers_of(workcell.scene),
                **_of_the_world(workcell, about or {}),
                "cameras": lambda: dict(cameras or {}),
            },
            address,
        ) as lines,
    ):
        tell({"address": arm.address, "port": arm.port, "questions": lines.port})
        run(arm, lines, until=ended(parent), between=between)


def _of_the_world(workcell: Workcell, about: Mapping[str, Any]) -> Mapping[str, Handler]:
    contacts = workcell.contacts
    return {
        "about": lambda: dict(about),
        "penetration": lambda: None if contacts is None else contacts.penetration,
    }
