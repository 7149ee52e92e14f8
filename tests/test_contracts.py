"""A workcell lets go of everything, whatever goes wrong on the way."""

from __future__ import annotations

from typing import Any

import pytest

from ibc_gym.contracts import Workcell


class Part:
    """A robot or a camera that notes what it is asked to do, and fails at what it is told to fail at."""

    def __init__(self, name: str, calls: list[str], failures: dict[str, BaseException]) -> None:
        self.name, self.calls, self.failures = name, calls, failures

    def stop(self) -> None:
        self._do("stop")

    def close(self) -> None:
        self._do("close")

    def _do(self, verb: str) -> None:
        self.calls.append(f"{self.name} {verb}")
        if error := self.failures.get(f"{self.name} {verb}"):
            raise error


IN_ORDER = ["robot stop", "left close", "right close", "robot close"]


def workcell(calls: list[str], failures: dict[str, BaseException]) -> Workcell:
    robot, left, right = (Part(name, calls, failures) for name in ("robot", "left", "right"))
    cameras: dict[str, Any] = {"left": left, "right": right}
    parts: dict[str, Any] = {"robot": robot, "scene": None, "cameras": cameras}
    return Workcell(name="toy", **parts)


@pytest.mark.parametrize("failing", IN_ORDER)
@pytest.mark.parametrize("error", [OSError("unplugged"), KeyboardInterrupt()], ids=repr)
def test_error_while_closing_leaves_nothing_open(failing: str, error: BaseException) -> None:
    calls: list[str] = []
    with pytest.raises(type(error)) as caught:
        workcell(calls, {failing: error}).close()
    assert caught.value is error
    assert calls == IN_ORDER


def test_first_error_while_closing_is_raised_and_the_others_are_its_notes() -> None:
    failures: dict[str, BaseException] = {
        "left close": OSError("unplugged"),
        "right close": ValueError("jammed"),
        "robot close": RuntimeError("no answer"),
    }
    with pytest.raises(OSError, match="unplugged") as caught:
        workcell([], failures).close()
    jammed, silent = caught.value.__notes__
    assert "jammed" in jammed and "no answer" in silent and "'toy'" in silent


def test_closing_twice_says_nothing() -> None:
    calls: list[str] = []
    made = workcell(calls, {})
    made.close()
    made.close()
    assert calls == IN_ORDER * 2
