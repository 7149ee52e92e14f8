"""Registers that change the configuration: every one of them makes the controller fall back to mode 0, state 5."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from ibc_gym.records import Float64

from .calls import Call, Handler, Refused, Row
from .core import Core
from .frames import MM, TRIGGERED, read_integers
from .machine import BAD_PARAMETER

HEAVIEST: Final = 20.0
"""Load that is believed [kg]."""


def setting(name: str, read: Callable[[Call], Any]) -> Row:
    """A row that sets one field of the configuration."""

    def handler(core: Core, call: Call) -> None:
        setattr(core.configuration, name, read(call))
        core.configure()

    return Row(handler)


def _flag(call: Call) -> bool:
    if call.byte() > 1:
        raise Refused(BAD_PARAMETER)
    return bool(call.byte())


def _level(least: int) -> Callable[[Call], int]:
    def read(call: Call) -> int:
        if not least <= call.byte() <= 5:
            raise Refused(BAD_PARAMETER)
        return call.byte()

    return read


def _positive(unit: float) -> Callable[[Call], float]:
    def read(call: Call) -> float:
        value = float(call.finite(1)[0]) / unit
        if value <= 0:
            raise Refused(BAD_PARAMETER)
        return value

    return read


def _box(call: Call) -> Float64:
    box = np.array(read_integers(call.request.parameters, 6)) / MM
    if (box[0::2] < box[1::2]).any():
        raise Refused(BAD_PARAMETER)
    return box


def _ranges(call: Call) -> Float64:
    ranges = call.finite(14).reshape(7, 2)
    if (ranges[:, 0] > ranges[:, 1]).any():
        raise Refused(BAD_PARAMETER)
    return ranges


def _direction(call: Call) -> Float64:
    direction = call.finite(3)
    if not direction.any():
        raise Refused(BAD_PARAMETER)
    return direction


def _load(core: Core, call: Call) -> None:
    mass, *centre = call.finite(4).tolist()
    if not 0 <= mass <= HEAVIEST:
        raise Refused(BAD_PARAMETER)
    core.configuration.load_mass = mass
    core.configuration.load_centre = np.array(centre) / MM
    core.configure()
    ticket = call.ticket(TRIGGERED)
    if ticket is not None:
        core.tell(ticket, True)


def _tool_model(core: Core, call: Call) -> None:
    kind = call.byte(call.size - 1)
    sizes = call.finite((call.size - 1) // 4) / MM
    core.configuration.tool_model = kind
    core.configuration.tool_sizes = np.concatenate([sizes, np.zeros(6)])[:6]
    core.configure()


def _save(core: Core, call: Call) -> None:
    core.saved = core.configuration.copy()


def _forget(core: Core, call: Call) -> None:
    fresh = type(core.configuration)()
    core.saved = fresh.copy()
    core.configuration = fresh
    core.configure()


_HANDLERS: Final[dict[int, Handler]] = {36: _load, 39: _forget, 40: _save, 78: _tool_model}

SETTINGS: Final[dict[int, Row]] = {
    31: setting("tcp_jerk", _positive(MM)),
    32: setting("tcp_acceleration", _positive(MM)),
    33: setting("joint_jerk", _positive(1.0)),
    34: setting("joint_acceleration", _positive(1.0)),
    35: setting("tcp_offset", Call.six),
    37: setting("collision_sensitivity", _level(0)),
    38: setting("teach_sensitivity", _level(1)),
    47: setting("reduced_tcp_speed", _positive(MM)),
    48: setting("reduced_joint_speed", _positive(1.0)),
    50: setting("reduced_on", _flag),
    51: setting("gravity", _direction),
    52: setting("box", _box),
    58: setting("reduced_ranges", _ranges),
    59: setting("fence_on", _flag),
    60: setting("rebound_on", _flag),
    66: setting("approximate", _flag),
    70: setting("report_currents", _flag),
    73: setting("world_offset", Call.six),
    77: setting("self_collision_on", _flag),
    79: setting("simulated", _flag),
    80: setting("continuous", _flag),
    **{register: Row(handler) for register, handler in _HANDLERS.items()},
}
