"""Ctrl-C during training, or another request to end: the update that is being made is finished and saved before."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Final, Self

_USUAL: Final[dict[int, Any]] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGHUP: signal.SIG_DFL,
}
"""What asks a training to end, by a person, a batch system or a connection that is lost, and what it means elsewhere."""


class Interruption:
    """While its context lasts, the first request to end is only noted; the second interrupts at once, as Ctrl-C ever does.

    What means something else already is left as it is, and so is everything in any thread but the main one.
    """

    def __init__(self) -> None:
        """Nothing is asked for yet."""
        self.by: str | None = None
        """What asked first, for people; None if nothing did."""
        self._taken: list[int] = []

    @property
    def asked(self) -> bool:
        """Whether training shall end."""
        return self.by is not None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number, usual in _USUAL.items():
                if signal.getsignal(number) is usual:
                    signal.signal(number, self._note)
                    self._taken.append(number)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        while self._taken:
            number = self._taken.pop()
            signal.signal(number, _USUAL[number])

    def _note(self, number: int, frame: FrameType | None) -> None:
        by = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
        if self.by is not None:
            raise KeyboardInterrupt(by)
        self.by = by
