"""The vendor's way out of an error, step by step, each of them looked at; nothing moves here.

Only a person who has looked at the arm starts this.
"""

from __future__ import annotations

import time
from typing import Final

from ibc_gym.errors import RobotFault

from . import codes
from .config import XArmConfig
from .vendor import Controller

PATIENCE: Final = 1.0
"""How long an error may take to go [s]."""
LOOK: Final = 0.05
"""How often it is tried [s]."""


def clear(config: XArmConfig, controller: Controller) -> None:
    """Clear warning and error; the arm stays stopped.

    Raises:
        RobotFault: The error comes back or stays, as while an emergency stop is held.
    """
    controller.clear_warning()
    error, _ = controller.errors()
    if not error:
        return
    if error in codes.SERVO:  # such an error goes only while the joints are powered
        controller.enable()
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        controller.clear_error()
        error, _ = controller.errors()
        if not error:
            return
        time.sleep(LOOK)
    raise RobotFault(
        f"The arm at {config.address} cannot be recovered yet: {codes.describe(error)}"
    )
