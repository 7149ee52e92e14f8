"""A gamepad, any that SDL knows: the left stick moves, a shoulder button held is the dead-man switch.

SDL names the buttons alike on all of them, by where they are. No window is opened, so it works without a display.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

# Without a window no program has the focus, and SDL would report nothing.
os.environ.setdefault("SDL_JOYSTICK_ALLOW_BACKGROUND_EVENTS", "1")
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")

import pygame
from pygame._sdl2 import controller

from ibc_gym.closing import Closing
from ibc_gym.errors import ConfigError
from ibc_gym.records import Float64

from . import device
from .device import DeviceLost, Reading

FULL: Final = 32767.0
"""What SDL reports for a stick that is pushed all the way."""

ASKS: Final[Mapping[int, str]] = {
    pygame.CONTROLLER_BUTTON_DPAD_RIGHT: device.NEXT,
    pygame.CONTROLLER_BUTTON_DPAD_LEFT: device.REDO,
    pygame.CONTROLLER_BUTTON_DPAD_UP: device.FASTER,
    pygame.CONTROLLER_BUTTON_DPAD_DOWN: device.SLOWER,
    pygame.CONTROLLER_BUTTON_BACK: device.STOP,
    pygame.CONTROLLER_BUTTON_A: device.SUCCESS,
    pygame.CONTROLLER_BUTTON_B: device.FAILURE,
    pygame.CONTROLLER_BUTTON_X: device.DISCARD,
    pygame.CONTROLLER_BUTTON_Y: device.TAKE,
}
DEAD_MAN: Final = (
    pygame.CONTROLLER_BUTTON_LEFTSHOULDER,
    pygame.CONTROLLER_BUTTON_RIGHTSHOULDER,
)


class Gamepad(Closing):
    """The first gamepad that is attached, as a `Device`."""

    def __init__(self) -> None:
        """Open it.

        Raises:
            ConfigError: None is attached, or SDL knows no mapping for it.
        """
        controller.init()
        known = [
            index for index in range(pygame.joystick.get_count()) if controller.is_controller(index)
        ]
        if not known:
            raise ConfigError(
                "No gamepad was found. Plug one in, or pair it, and see that you may read /dev/input/event*: "
                "on most systems the group `input` may."
            )
        self._pad: Any = controller.Controller(known[0])
        self._closed = False
        self._down = dict.fromkeys(ASKS, False)

    def read(self) -> Reading:
        """Where the stick is now, and which buttons went down.

        Raises:
            DeviceLost: It was unplugged, or its battery is empty.
        """
        controller.update()
        if not self._pad.attached():
            raise DeviceLost("The gamepad is gone: unplugged, or out of battery.")
        asked = []
        for button, ask in ASKS.items():
            down = bool(self._pad.get_button(button))
            if down and not self._down[button]:
                asked.append(ask)
            self._down[button] = down
        right = self._pad.get_axis(pygame.CONTROLLER_AXIS_LEFTX) / FULL
        away = -self._pad.get_axis(pygame.CONTROLLER_AXIS_LEFTY) / FULL  # SDL's y is down
        move: Float64 = np.clip([right, away], -1.0, 1.0)
        held = any(self._pad.get_button(button) for button in DEAD_MAN)
        return Reading(move=move, held=held, asked=tuple(asked))

    def close(self) -> None:
        """Let go of it; may be called twice."""
        if not self._closed:
            self._closed = True
            self._pad.quit()
