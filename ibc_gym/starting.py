"""Ctrl-C while a command is still loading: one line and exit code 130, as at any later moment."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

_SAID = "Stopped by Ctrl-C. Nothing was written."


@contextmanager
def one_line_on_ctrl_c() -> Iterator[None]:
    """Import within this what takes long; elsewhere than in our command, Ctrl-C is what it always is."""
    if not (_is_command() and signal.getsignal(signal.SIGINT) is signal.default_int_handler):
        yield
        return
    # No exception: libraries that are half imported turn it into another, or print it and go on.
    signal.signal(signal.SIGINT, _quit)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _is_command() -> bool:
    """Whether this process was started as `ibc-gym` or `python -m ibc_gym`; its workers were not."""
    by_module = ("-m", "ibc_gym") in pairwise(sys.orig_argv)
    return by_module or any(
        Path(word).stem == "ibc-gym" and word in sys.orig_argv for word in sys.argv[:1]
    )


def _quit(*_: object) -> None:
    os.write(2, f"\n{_SAID}\n".encode())
    if "--json" in sys.argv:
        os.write(1, f'{{"error": "{_SAID}"}}\n'.encode())
    os._exit(130)
