"""The terminal is a real one, a pseudo-terminal; who listens is a process of its own, as a user's would be."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from ibc_gym.errors import ConfigError
from ibc_gym.hardware.teleop.terminal import terminal_keys

ROOT = Path(__file__).parents[3]
LISTEN = """
import signal, sys, time
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # it may come ignored, as with nohup
from ibc_gym.hardware.teleop.terminal import terminal_keys
keys, other = terminal_keys(), terminal_keys()
print("listening", flush=True)
heard = []
while "x" not in heard:
    keys.wait(0.1)
    heard += keys.take()
print("heard", *heard, "|", *other.take(), flush=True)
keys.close()
print("half", flush=True)
{then}
"""


class Session:
    def __init__(self, then: str) -> None:
        self.ours, theirs = pty.openpty()
        self.before = termios.tcgetattr(theirs)
        self.theirs = theirs  # kept open, so that its mode can be looked at
        self.process = subprocess.Popen(
            [sys.executable, "-c", LISTEN.format(then=then)],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            start_new_session=True,
        )
        self.said = ""

    def until(self, word: str, seconds: float = 60.0) -> str:
        while word not in self.said:
            ready, _, _ = select.select([self.ours], [], [], seconds)
            assert ready, f"{word!r} did not come; said: {self.said}"
            self.said += os.read(self.ours, 4096).decode()
        return self.said

    def mode(self) -> list[object]:
        return termios.tcgetattr(self.theirs)

    def type(self, typed: bytes) -> None:
        os.write(self.ours, typed)

    def end(self) -> int:
        return self.process.wait(60)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.ours)
        os.close(self.theirs)


@pytest.fixture
def session(request: pytest.FixtureRequest) -> Iterator[Session]:
    made = Session(request.param)
    try:
        made.until("listening")
        yield made
    finally:
        made.close()


def is_raw(mode: list[object]) -> bool:
    flags = mode[3]
    assert isinstance(flags, int)
    return not flags & (termios.ICANON | termios.ECHO)


@pytest.mark.parametrize("session", ["other.close(); print('done', flush=True)"], indirect=True)
def test_every_listener_hears_every_key_and_the_last_one_puts_the_mode_back(
    session: Session,
) -> None:
    assert is_raw(session.mode())
    session.type(b"w\x1b[C\x1b[Dx")
    assert "heard w right left x | w right left x" in session.until("half")
    session.until("done")
    assert session.end() == 0
    assert session.mode() == session.before


@pytest.mark.parametrize("session", ["raise ValueError('oops')", "pass"], indirect=True)
def test_mode_is_put_back_when_the_process_ends_without_closing(session: Session) -> None:
    session.type(b"x")
    session.until("half")
    session.end()
    assert session.mode() == session.before


@pytest.mark.parametrize("session", ["pass"], indirect=True)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_mode_is_put_back_by_signals_that_end_a_process(session: Session, number: int) -> None:
    assert is_raw(session.mode())
    session.process.send_signal(number)
    assert session.end() == 128 + number
    assert session.mode() == session.before


@pytest.mark.parametrize("session", ["pass"], indirect=True)
def test_ctrl_c_and_nothing_else_interrupts(session: Session) -> None:
    mode = session.mode()
    local, special = mode[3], mode[6]
    assert isinstance(local, int) and isinstance(special, list)
    assert local & termios.ISIG and special[termios.VINTR] == b"\x03"
    assert special[termios.VSUSP] == b"\x00"


def test_without_a_terminal_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with open(os.devnull) as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        with pytest.raises(ConfigError, match="ssh -t"):
            terminal_keys()
