"""Calls into the vendor's library that may never return, held to a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from ibc_gym.errors import IbcGymError

T = TypeVar("T")


class HungError(IbcGymError, RuntimeError):
    """A call did not return in time; its thread is left to itself, for nothing can end it."""


def bounded(
    call: Callable[[], T], *, timeout: float, what: str, late: Callable[[T], object] | None = None
) -> T:
    """What `call` returns, in a thread of its own.

    Args:
        call: The call, which may hang.
        timeout: How long it is waited for [s].
        what: The call in words, for the message: "stopping camera 'front'".
        late: Undoes what the call did, should it return after nobody waits for it any more.

    Raises:
        HungError: It did not return in time.
        Exception: Whatever it raised itself.
    """
    waiting = _Call(call, late)
    thread = threading.Thread(target=waiting.run, name=what, daemon=True)
    thread.start()
    thread.join(timeout)
    if waiting.abandon():
        raise HungError(
            f"The library hung: {what} took longer than {timeout:g} s. If this camera does not come back, "
            "end this process, unplug the camera, plug it in again."
        )
    return waiting.outcome()


class _Call(Generic[T]):
    def __init__(self, call: Callable[[], T], late: Callable[[T], object] | None) -> None:
        self._call = call
        self._late = late
        self._lock = threading.Lock()
        self._abandoned = False
        self._values: list[T] = []
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            value = self._call()
        except BaseException as error:  # handed on to the caller by `outcome`
            with self._lock:
                self._error = error
            return
        with self._lock:
            if not self._abandoned:
                self._values.append(value)
                return
        if self._late is not None:
            self._late(value)

    def abandon(self) -> bool:
        """Whether nothing has come of it yet; from now on nobody waits."""
        with self._lock:
            self._abandoned = not self._values and self._error is None
            return self._abandoned

    def outcome(self) -> T:
        if self._error is not None:
            raise self._error
        return self._values[0]
