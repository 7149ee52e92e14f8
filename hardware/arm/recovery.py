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


def clear(config: XArmConfig, controller: Controller, *, power: bool = True) -> int:
    """Clear warning and error; the arm stays stopped.

    Args:
        config: Of the arm.
        controller: Whose error it is.
        power: Whether joints may be powered, without which an error of their servos does not go. Only where the controller
            was held against the config before.

    Returns:
        The error that is left: 0, or that of a servo which was not to be powered.

    Raises:
        RobotFault: The error comes back or stays, as while an emergency stop is held.
    """
    controller.clear_warning()
    error, _ = controller.errors()
    if error in codes.SERVO:
        if not power:
            return error
        controller.enable()
    until = time.monotonic() + PATIENCE
    while error and time.monotonic() < until:
        controller.clear_error()
        error, _ = controller.errors()
        if error:
            time.sleep(LOOK)
    if error:
        raise RobotFault(
            f"The arm at {config.address} cannot be recovered yet: {codes.describe(error)}"
        )
    return 0
