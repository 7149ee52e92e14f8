"""Ctrl-C during training: the update that is being made is finished and saved before training ends."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Self


class Interruption:
    """While its context lasts, the first Ctrl-C is only noted; the second interrupts at once, as ever.

    Where Ctrl-C means something else already, or in any thread but the main one, nothing is changed.
    """

    def __init__(self) -> None:
        """Nothing is asked for yet."""
        self.asked = False
        self._taken = False

    def __enter__(self) -> Self:
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._note)
            self._taken = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._taken:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self._taken = False

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
