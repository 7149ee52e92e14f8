"""Moving by the keys of a terminal.

A terminal tells that a key was pressed and that it repeats, not that it was let go; so a key counts as held for a moment
after each time it is heard. It repeats one key at a time, the newest, so diagonals have keys of their own. The arrows are
taken: they are what users of LeRobot end and redo episodes with.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from ibc_gym.closing import Closing
from ibc_gym.records import Float64

from . import device
from .device import AT_REST, Reading
from .terminal import Keys, terminal_keys

REPEAT: Final = 0.15
"""How long a key counts as held after it was last heard [s]; terminals repeat every 0.03 to 0.05 s."""

_DIRECTIONS: Final = {
    "wi": (0, 1),
    "sk": (0, -1),
    "aj": (-1, 0),
    "dl": (1, 0),
    "qu": (-1, 1),
    "eo": (1, 1),
    "zm": (-1, -1),
    "c.": (1, -1),
}
"""Right and away, for the left hand's key and the right hand's."""

MOVES: Final[Mapping[str, Float64]] = {
    key: np.array(way) / np.hypot(*way) for keys, way in _DIRECTIONS.items() for key in keys
}
"""Which way each key moves, (2,) of length 1."""

ASKS: Final[Mapping[str, str]] = {
    "right": device.NEXT,
    "left": device.REDO,
    "escape": device.STOP,
    "y": device.SUCCESS,
    "n": device.FAILURE,
    "backspace": device.DISCARD,
    "t": device.TAKE,
    "up": device.FASTER,
    "down": device.SLOWER,
    "+": device.FASTER,
    "=": device.FASTER,
    "-": device.SLOWER,
}

LET_GO: Final = "space"
"""Stands still at once."""


class Keyboard(Closing):
    """The keys of the process's own terminal as a `Device`; its dead-man switch is any key that moves."""

    def __init__(
        self, keys: Keys | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Listen.

        Args:
            keys: Where they come from; the process's own terminal by default.
            clock: Time [s].

        Raises:
            ConfigError: Standard input is no terminal.
        """
        self._keys = keys or terminal_keys()
        self._clock = clock
        self._move: Float64 = AT_REST
        self._until = -np.inf

    def read(self) -> Reading:
        """What is pressed now. A key that was tapped since the last reading counts once, however short it was.

        Raises:
            DeviceLost: The terminal was closed.
        """
        now, asked, tapped = self._clock(), [], False
        for key in self._keys.take():
            if key in MOVES:
                self._move, self._until, tapped = MOVES[key], now + REPEAT, True
            elif key == LET_GO:
                self._until, tapped = -np.inf, False
            elif key in ASKS:
                asked.append(ASKS[key])
        held = tapped or now < self._until
        return Reading(move=self._move if held else AT_REST, held=held, asked=tuple(asked))

    def close(self) -> None:
        """Give the terminal back as it was; may be called twice."""
        self._keys.close()
