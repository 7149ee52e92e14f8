"""Calls that may never return are held to a time."""

from __future__ import annotations

import threading

import pytest

from ibc_gym.hardware.cameras.bounded import HungError, bounded


def test_value_and_error_come_through() -> None:
    assert bounded(lambda: 3, timeout=5, what="counting") == 3
    with pytest.raises(ZeroDivisionError):
        bounded(lambda: 1 / 0, timeout=5, what="dividing")


def test_call_that_hangs_is_left_and_says_what_to_do() -> None:
    never = threading.Event()
    try:
        with pytest.raises(HungError, match=r"stopping 'front' took longer than 0\.01 s.*unplug"):
            bounded(never.wait, timeout=0.01, what="stopping 'front'")
    finally:
        never.set()


def test_what_a_late_call_did_is_undone() -> None:
    go, undone = threading.Event(), threading.Event()

    def start() -> str:
        go.wait()
        return "device"

    seen: list[str] = []

    def undo(device: str) -> None:
        seen.append(device)
        undone.set()

    with pytest.raises(HungError):
        bounded(start, timeout=0.01, what="starting", late=undo)
    go.set()
    assert undone.wait(5) and seen == ["device"]
