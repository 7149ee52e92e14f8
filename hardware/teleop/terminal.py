"""The process's own terminal, in the mode that gives every key at once; works over ssh, needs no display.

Several may listen, each from a thread of its own if it likes: the hand that moves, the console that asks, the brake. Each
hears every key. The terminal is as it was before
when the last one closes, when the process ends by itself or by Ctrl-C, SIGTERM or SIGHUP. Only SIGKILL leaves it as it is;
`stty sane` helps then.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import select
import signal
import sys
import termios
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from ibc_gym.closing import Closing
from ibc_gym.errors import ConfigError

from .device import DeviceLost
from .keys import KeyParser

ENDING: Final = (signal.SIGTERM, signal.SIGHUP)
"""Signals that end a process without any clean-up, unless they are handled."""
CLOSED: Final = "The terminal was closed, so nobody is at the keys any more."


class Keys(Closing):
    """One listener; gives the keys pressed since it last asked."""

    def __init__(self, terminal: _RawTerminal) -> None:
        """Listen; `terminal_keys` makes these."""
        self._terminal = terminal
        self.heard: list[str] = []
        terminal.listeners.append(self)

    def take(self) -> list[str]:
        """The keys since the last time; never waits.

        Raises:
            DeviceLost: The terminal was closed.
        """
        self._terminal.pump(0.0)
        return self._terminal.heard_by(self)

    def wait(self, seconds: float) -> None:
        """Return once a key was pressed, at the latest after so long [s].

        Raises:
            DeviceLost: The terminal was closed.
        """
        if not self.heard:
            self._terminal.pump(seconds)

    def close(self) -> None:
        """Listen no more; the last listener puts the terminal back as it was. May be called twice."""
        if self in self._terminal.listeners:
            self._terminal.listeners.remove(self)
            if not self._terminal.listeners:
                self._terminal.restore()


class _RawTerminal:
    def __init__(self, descriptor: int, clock: Callable[[], float]) -> None:
        self.listeners: list[Keys] = []
        self._descriptor = descriptor
        self._clock = clock
        self._parser = KeyParser()
        self._lock = threading.Lock()
        """Of reading, and of what was heard: a thread that found something to read may find it gone."""
        self._before = termios.tcgetattr(descriptor)
        self._handlers: dict[int, Any] = {}
        self.is_raw = False

    def begin(self) -> None:
        """Every key at once and unseen. Ctrl-C interrupts as ever; Ctrl-Z and Ctrl-S, which would leave a robot alone, are off."""
        mode = termios.tcgetattr(self._descriptor)
        mode[0] &= ~(termios.IXON | termios.ICRNL)
        mode[3] &= ~(termios.ICANON | termios.ECHO)
        mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
        mode[6][termios.VSUSP] = b"\x00"
        termios.tcsetattr(self._descriptor, termios.TCSAFLUSH, mode)
        self.is_raw = True
        atexit.register(self.restore)
        if threading.current_thread() is threading.main_thread():
            for number in ENDING:
                if signal.getsignal(number) is signal.SIG_DFL:
                    self._handlers[number] = signal.signal(number, _end)

    def pump(self, seconds: float) -> None:
        """Hand what is typed to all listeners; wait so long for something [s]."""
        self._is_there_any(seconds)
        with self._lock:
            for key in self._parser.feed(self._read(), self._clock()):
                for listener in self.listeners:
                    listener.heard.append(key)

    def heard_by(self, listener: Keys) -> list[str]:
        """What a listener has heard and not taken yet."""
        with self._lock:
            heard, listener.heard = listener.heard, []
            return heard

    def _read(self) -> bytes:
        """What is there now; never waits."""
        if not self._is_there_any(0.0):
            return b""
        try:
            typed = os.read(self._descriptor, 4096)
        except OSError:
            typed = b""  # the other end of a pseudo-terminal is gone
        if not typed:
            raise DeviceLost(CLOSED)
        return typed

    def _is_there_any(self, seconds: float) -> bool:
        """Whether anything was typed; waits so long for it [s]."""
        try:
            return bool(select.select([self._descriptor], [], [], seconds)[0])
        except (OSError, ValueError) as error:  # standard input itself was closed
            raise DeviceLost(CLOSED) from error

    def restore(self) -> None:
        global _terminal  # it is the process's, and there is one
        if not self.is_raw:
            return
        self.is_raw, _terminal = False, None
        atexit.unregister(self.restore)
        with contextlib.suppress(
            termios.error
        ):  # the terminal itself is gone, and with it its mode
            termios.tcsetattr(self._descriptor, termios.TCSAFLUSH, self._before)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)


_terminal: _RawTerminal | None = None


def terminal_keys(clock: Callable[[], float] = time.monotonic) -> Keys:
    """A listener to standard input, which must be a terminal.

    Raises:
        ConfigError: It is none.
    """
    global _terminal  # two modes of one terminal, each put back by itself, would leave it in the wrong one
    if _terminal is None:
        if not sys.stdin.isatty():
            raise ConfigError(
                "Keys are read from a terminal, and standard input is none. Run this in a terminal, over ssh with "
                "`ssh -t`, and pipe nothing into it."
            )
        _terminal = _RawTerminal(sys.stdin.fileno(), clock)
        keys = Keys(_terminal)
        _terminal.begin()
        return keys
    return Keys(_terminal)


def _end(number: int, frame: object) -> None:
    """End as an error does, so that everything is stopped and closed on the way."""
    raise SystemExit(128 + number)
