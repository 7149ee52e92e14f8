"""What a hand does to a device: the one small protocol behind which keyboard, SpaceMouse and gamepad look alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from ibc_gym.errors import IbcGymError
from ibc_gym.records import Float64

NEXT: Final = "next"
"""The episode ends here and is kept."""
SUCCESS: Final = "success"
"""The episode ends here, and succeeded."""
FAILURE: Final = "failure"
"""The episode ends here, and failed."""
REDO: Final = "redo"
"""The episode is dropped, and begins again from the same start."""
DISCARD: Final = "discard"
"""The episode is dropped; the next one begins."""
STOP: Final = "stop"
"""The recording ends."""
TAKE: Final = "take"
"""Take over from the policy, or give back to it."""
FASTER: Final = "faster"
SLOWER: Final = "slower"

ASKS: Final = (NEXT, SUCCESS, FAILURE, REDO, DISCARD, STOP, TAKE, FASTER, SLOWER)
"""All that can be asked for by a key or a button."""

AT_REST: Final[Float64] = np.zeros(2)
AT_REST.setflags(write=False)


class DeviceLost(IbcGymError, RuntimeError):
    """What a person held is gone: unplugged, out of battery, its terminal closed."""


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Reading:
    """What the hand does now."""

    move: Float64
    """(2,): to the person's right, and away from the person; each in [-1, 1]."""
    held: bool
    """Whether the dead-man switch is held."""
    asked: tuple[str, ...] = ()
    """Of `ASKS`, what was pressed since the last reading, in order."""


class Device(Protocol):
    """Something that a person holds. Its constructor connects, or raises."""

    def read(self) -> Reading:
        """What the hand does now; never waits.

        Raises:
            DeviceLost: It is gone.
        """

    def close(self) -> None:
        """Let go of it; may be called twice."""
