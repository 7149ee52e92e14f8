"""Closing what a program left open when it ends: a camera that was not stopped may not start again until it is replugged."""

from __future__ import annotations

import atexit
import weakref

from ibc_gym.closing import Closing


def close_at_exit(thing: Closing) -> None:
    """Close it when the program ends, if it is still there; what was opened last is closed first."""
    held = weakref.ref(thing)

    def close() -> None:
        still = held()
        if still is not None:
            still.close()

    atexit.register(close)
