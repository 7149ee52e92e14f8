"""Notices that somebody who should speak says nothing, even if that somebody hangs: it waits in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from ibc_gym.closing import Closing

LONGEST: Final = 3600.0
"""It looks at the clock at least so often [s]; a thread cannot wait for any length."""


class Watchdog(Closing):
    """Barks once when nothing was heard for longer than its patience; whoever it barks at hears no word meanwhile."""

    def __init__(
        self,
        patience: float,
        bark: Callable[[float], None],
        *,
        failed: Callable[[Exception], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Wait for the first word; until then there is no silence.

        Args:
            patience: Between two words [s].
            bark: Called with how long it was silent [s], from the watchdog's thread or that of a word that comes too late.
                It must not raise.
            failed: Called with what ended the watchdog's thread, at once and again at every word from then on.
            clock: [s]
        """
        self._patience, self._bark, self._clock = patience, bark, clock
        self._failed = failed
        self._failure: Exception | None = None
        self._changed = threading.Condition(threading.RLock())
        self._heard: float | None = None
        self._over = False
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)
        self._thread.start()

    def heard(self) -> None:
        """Somebody spoke; a word that comes too late makes it bark all the same."""
        if self._failure is not None:
            self._failed(self._failure)
            return
        with self._changed:
            if not self._late():
                self._heard = self._clock()
                self._changed.notify()

    def rest(self) -> None:
        """Nothing more is waited for until the next word."""
        with self._changed:
            self._heard = None

    def close(self) -> None:
        """End the thread; may be called twice."""
        with self._changed:
            self._over = True
            self._changed.notify()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        try:
            self._watch()
        except Exception as error:  # whatever it is, nobody must believe that it still watches
            self._failure = error
            self._failed(error)

    def _watch(self) -> None:
        with self._changed:
            while not self._over:
                if self._heard is None:
                    self._changed.wait()
                elif not self._late():
                    left = self._patience - (self._clock() - self._heard)
                    self._changed.wait(min(left, LONGEST))

    def _late(self) -> bool:
        """Whether it was silent for too long; then it barks."""
        if self._heard is None or (silent := self._clock() - self._heard) <= self._patience:
            return False
        self._heard = None
        self._bark(silent)
        return True
