"""Joint velocities from reports, however those arrive: by a clock that the test sets."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import pytest

from ibc_gym.hardware.arm import reports as module
from ibc_gym.hardware.arm.reports import PERIOD, Reports
from ibc_gym.hardware.rig.process import fresh_address

SPEED = 0.5
"""Of the first joint, always [rad/s]."""
FAST, RICH = 30993, 30992


def frame(number: int, period: float) -> bytes:
    """The fast stream's so-and-so-manieth."""
    told = bytearray(135)
    told[:4] = (135).to_bytes(4, "big")
    struct.pack_into("<f", told, 7, SPEED * period * number)
    return bytes(told)


class Line:
    """A controller that reports, and who hears it."""

    def __init__(self, reports: Reports, stream: socket.socket, now: list[float]) -> None:
        self.reports, self._stream, self._now = reports, stream, now
        self._number = 0

    def send(self, frames: int, *, after: float, period: float = PERIOD) -> None:
        """Let so many reports arrive together, so long after those before."""
        self._now[0] += after
        numbers: Sequence[int] = range(self._number + 1, self._number + 1 + frames)
        self._number += frames
        self._stream.sendall(b"".join(frame(each, period) for each in numbers))
        goal, until = SPEED * period * self._number, time.monotonic() + 10.0
        while True:
            motion = self.reports.motion
            if motion is not None and motion.joints[0] == pytest.approx(goal, abs=1e-5):
                break
            assert time.monotonic() < until, "it does not arrive"
            time.sleep(1e-3)

    @property
    def speed(self) -> float:
        return float(self.reports.velocities()[0])


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    monkeypatch.setattr(module, "FAST_PORT", FAST)
    monkeypatch.setattr(module, "RICH_PORT", RICH)
    address, now = fresh_address(), [100.0]
    with ExitStack() as opened:
        fast, rich = (
            opened.enter_context(socket.create_server((address, port))) for port in (FAST, RICH)
        )
        reports = opened.enter_context(Reports(address, timeout=5.0, clock=lambda: now[0]))
        stream = opened.enter_context(fast.accept()[0])
        opened.enter_context(rich.accept()[0])
        yield Line(reports, stream, now)


def close_to_the_truth(speed: float) -> None:
    assert speed == pytest.approx(SPEED, rel=0.01)


def test_velocity_is_that_of_the_last_reports(line: Line) -> None:
    assert line.speed == 0.0
    for _ in range(20):
        line.send(1, after=PERIOD)
    close_to_the_truth(line.speed)


@pytest.mark.parametrize("parts", [(19,), (1, 18), (3, 16), (10, 9), (1,) * 19], ids=str)
def test_pause_after_which_reports_arrive_together_does_not_change_the_velocity(
    line: Line, parts: Sequence[int]
) -> None:
    for _ in range(30):
        line.send(1, after=PERIOD)
    line.send(parts[0], after=0.19)
    close_to_the_truth(line.speed)
    for frames in parts[1:]:
        line.send(frames, after=1e-4)
        close_to_the_truth(line.speed)
    for _ in range(5):
        line.send(1, after=PERIOD)
        close_to_the_truth(line.speed)


def test_arm_that_turns_does_not_seem_at_rest_after_a_pause_at_the_very_beginning(
    line: Line,
) -> None:
    line.send(1, after=PERIOD)
    line.send(19, after=0.19)
    close_to_the_truth(line.speed)


def test_controller_that_reports_less_often_is_measured_by_its_own_pace(line: Line) -> None:
    for _ in range(30):
        line.send(1, after=0.02, period=0.02)
    close_to_the_truth(line.speed)


def test_reports_are_timed_by_the_clock_that_was_given(line: Line) -> None:
    line.send(1, after=1.0)
    motion = line.reports.motion
    assert motion is not None and motion.time == line.reports.clock() == 101.0
