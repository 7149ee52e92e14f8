"""Ways for a process to end that no one hears of from itself; here, so that another process can import them."""

from __future__ import annotations

import os
import signal


def die(*_: object) -> None:
    """Be killed, as by a machine that has no memory left."""
    os.kill(os.getpid(), signal.SIGKILL)


def leave(*_: object) -> None:
    """End without a word."""
    os._exit(9)
