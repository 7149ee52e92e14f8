"""A SpaceMouse: the cap moves, the left button is the dead-man switch, the right one takes over and gives back.

A cap at rest sends nothing, and neither does one that was pulled out while it was pushed. So a push that has not been
reported anew for a moment is over.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pyspacemouse
from easyhid import HIDException

from ibc_gym.closing import Closing
from ibc_gym.errors import ConfigError, MissingSystemLibrary
from ibc_gym.records import Float64

from .device import AT_REST, TAKE, DeviceLost, Reading

SILENCE: Final = 0.2
"""After so long without a report the cap counts as let go [s]; a pushed one reports every 0.01 to 0.02 s."""
MOST_REPORTS: Final = 256
"""Reports taken by one reading at most: over a second's worth."""
LEFT, RIGHT = 0, -1
"""Buttons: the first and the last of a mouse that has two."""


class SpaceMouse(Closing):
    """The first SpaceMouse that is attached, as a `Device`."""

    def __init__(self, mouse: Any = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Open it.

        Args:
            mouse: An open `pyspacemouse.SpaceMouseDevice` in a frame with z up; the first attached one by default.
            clock: Time [s].

        Raises:
            ConfigError: None is attached, or it may not be opened.
            MissingSystemLibrary: There is no hidapi.
        """
        self._mouse = _open() if mouse is None else mouse
        self._clock = clock
        self._heard = -np.inf
        self._stamp = -1.0
        self._took = False

    def read(self) -> Reading:
        """Where the cap is now.

        Raises:
            DeviceLost: It was pulled out.
        """
        asked: list[str] = []
        for _ in range(MOST_REPORTS):
            state = self._newest()
            if state.t == self._stamp:
                break
            self._stamp, self._heard = state.t, self._clock()
            taking = bool(state.buttons[RIGHT])
            if taking and not self._took:
                asked.append(TAKE)
            self._took = taking
        move: Float64 = np.clip([state.x, state.y], -1.0, 1.0)
        silent = self._clock() - self._heard > SILENCE
        held = bool(state.buttons[LEFT])
        return Reading(move=AT_REST if silent else move, held=held, asked=tuple(asked))

    def close(self) -> None:
        """Let go of it; may be called twice."""
        self._mouse.close()

    def _newest(self) -> Any:
        try:
            return self._mouse.read()
        except HIDException as error:
            raise DeviceLost(f"The SpaceMouse is gone ({error}). Was it pulled out?") from error


def _open() -> Any:
    try:
        with contextlib.redirect_stdout(sys.stderr):  # it prints what it found
            return pyspacemouse.open(axis_convention=pyspacemouse.AxisConvention.HID_Z_UP)
    except RuntimeError as error:
        if "HID API" in str(error):
            raise MissingSystemLibrary(
                "A SpaceMouse needs the system library hidapi, which was not found: "
                "sudo apt-get install -y libhidapi-hidraw0"
            ) from error
        raise ConfigError(
            f"No SpaceMouse could be opened ({error}). Is one plugged in, and does a udev rule let you read "
            "/dev/hidraw*? docs/teleoperation.md has the rule."
        ) from error
