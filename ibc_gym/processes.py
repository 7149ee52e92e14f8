"""Starts helper processes that do not hear Ctrl-C."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker


@contextmanager
def deaf_to_ctrl_c() -> Iterator[None]:
    """What is started within this never hears Ctrl-C, which a terminal sends to all: who started it sees to its end.

    Here it is heard at the end of the block, so that nothing is left half started.
    """
    resource_tracker.ensure_running()  # Python's own helper, whose start would end the deafness
    heard: list[int] = []
    main = threading.current_thread() is threading.main_thread()
    usual = signal.signal(signal.SIGINT, lambda number, _: heard.append(number)) if main else None
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if main:
            signal.signal(signal.SIGINT, usual)
    if heard:
        raise KeyboardInterrupt
