"""The vendor's client in tests: connected to emulated controllers on addresses of their own."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from xarm import wrapper
from xarm.core.config.x_config import XCONF

from ibc_gym.hardware.rig.process import Rig
from ibc_gym.records import Float64

Arm = Any
"""The vendor's class, whose methods have no types."""
BENT = [0.0, -0.5, -0.35, 0.0, 0.85, 0.0]
"""Joints from which every direction is open [rad]."""

logging.getLogger("SDK").setLevel(
    logging.CRITICAL
)  # it logs every call that fails, as many here do


def until(condition: Callable[[], Any], patience: float = 5.0) -> bool:
    """Whether something comes true in time; it is looked at every few milliseconds."""
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


@contextmanager
def control_port(port: int) -> Iterator[None]:
    """Let the bare client look for controllers at another port for the length of a block: its setting is the process's."""
    before = XCONF.SocketConf.TCP_CONTROL_PORT
    XCONF.SocketConf.TCP_CONTROL_PORT = port
    try:
        yield
    finally:
        XCONF.SocketConf.TCP_CONTROL_PORT = before


def connected(rig: Rig, **options: Any) -> Arm:
    """A client of a rig; whoever asks for it disconnects it."""
    with control_port(rig.port):
        vendors: Any = wrapper
        return vendors.XArmAPI(rig.address, is_radian=True, forbid_uds=True, **options)


def ready(arm: Arm, mode: int) -> Arm:
    """The vendor's sequence, until a report shows its end."""
    arm.clean_warn()
    arm.clean_error()
    assert arm.motion_enable(True) == 0
    assert arm.set_mode(mode) == 0
    assert arm.set_state(0) == 0
    assert until(lambda: arm.mode == mode and arm.state in (0, 1, 2))
    return arm


def joints_of(arm: Arm) -> Float64:
    code, angles = arm.get_servo_angle()
    assert code == 0
    return np.array(angles[:6])


def position_of(arm: Arm) -> Float64:
    code, pose = arm.get_position()
    assert code == 0
    return np.array(pose)
