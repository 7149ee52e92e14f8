"""Ways for a process to end that no one hears of from itself; here, so that another process can import them."""

from __future__ import annotations

import os
import signal
from pathlib import Path


def die(*_: object) -> None:
    """Be killed, as by a machine that has no memory left."""
    os.kill(os.getpid(), signal.SIGKILL)


def leave(*_: object) -> None:
    """End without a word."""
    os._exit(9)


def half_written(path: Path, text: str) -> int:
    """`Path.write_text`, broken off in the middle."""
    with path.open("w") as file:
        file.write(text[: len(text) // 2])
    raise KeyboardInterrupt
