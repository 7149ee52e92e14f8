"""A pseudo-terminal of 80 columns with a command in it: what a person types, and all that the person sees."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent
COLUMNS = 80


class CommandInTerminal:
    """`ibc-gym` with some words, started in a terminal of its own."""

    def __init__(self, *words: str | Path, folder: Path = ROOT) -> None:
        self._ours, self._theirs = pty.openpty()
        fcntl.ioctl(self._theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
        self.mode_before = self.mode
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ibc_gym", *map(str, words)],
            stdin=self._theirs,
            stdout=self._theirs,
            stderr=self._theirs,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "OMP_NUM_THREADS": "1"},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # so that Ctrl-C is a signal
        )
        self.seen = ""

    @property
    def mode(self) -> list[object]:
        """How the terminal is set."""
        return termios.tcgetattr(self._theirs)

    @property
    def lines(self) -> list[str]:
        """Every line that was ever shown, those that were written over as well."""
        shown = re.sub(r"\x1b\[[\d;]*m", "", self.seen)  # colours take no room
        shown = shown.replace("\r\x1b[K", "\n").replace("\r", "\n")
        return [line for line in shown.split("\n") if line.strip()]

    def type(self, keys: bytes) -> None:
        os.write(self._ours, keys)

    def hold(self, key: bytes, until: str) -> None:
        """Hold a key, which repeats, until something new is shown."""
        self.until(until, while_typing=key)

    def until(self, word: str, *, while_typing: bytes = b"", seconds: float = 60.0) -> None:
        """Watch until something is shown that was not before."""
        begin, deadline = len(self.seen), time.monotonic() + seconds
        while word not in self.seen[begin:]:
            assert time.monotonic() < deadline, f"{word!r} was not shown, but: {self.seen[-400:]!r}"
            if while_typing:
                self.type(while_typing)
            self._look(0.04)

    def end(self) -> int:
        """What the command answers when it is over."""
        deadline = time.monotonic() + 60
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"it does not end; it said: {self.seen[-400:]!r}"
            self._look(0.05)
        self._look(0.05)
        return self.process.returncode

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._ours)
        os.close(self._theirs)

    def _look(self, seconds: float) -> None:
        while select.select([self._ours], [], [], seconds)[0]:
            self.seen += os.read(self._ours, 1 << 16).decode(errors="replace")
            seconds = 0.0


def soon(condition: Callable[[], bool]) -> bool:
    """Whether something comes true within some seconds."""
    until = time.monotonic() + 20.0
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.01)
    return False
