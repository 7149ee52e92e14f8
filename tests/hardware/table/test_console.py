from __future__ import annotations

from typing import Any, cast

import pytest

from ibc_gym.hardware.table.console import KeyConsole
from ibc_gym.hardware.teleop.device import DeviceLost


class LaterKeys:
    """Keys that are typed one lot per wait."""

    def __init__(self, *later: list[str]) -> None:
        self.heard: list[str] = []
        self.later = list(later)
        self.waits = 0

    def take(self) -> list[str]:
        heard, self.heard = self.heard, []
        return heard

    def wait(self, seconds: float) -> None:
        self.waits += 1
        if not self.later:
            raise DeviceLost("The terminal was closed.")
        self.heard += self.later.pop(0)

    def close(self) -> None: ...


def console(*later: list[str]) -> tuple[KeyConsole, LaterKeys]:
    keys = LaterKeys(*later)
    return KeyConsole(cast(Any, keys)), keys


def test_question_waits_for_a_key_that_answers_it(capsys: pytest.CaptureFixture[str]) -> None:
    asked, keys = console([], ["x"], ["w", "y"])
    looks: list[int] = []
    answer = asked.ask("Good?", {"y": "yes", "n": "no"}, lambda: looks.append(keys.waits))
    assert answer == "y" and looks == [0, 1, 2]
    out, err = capsys.readouterr()
    assert "Good?  [y] yes, [n] no" in err and not out


def test_what_was_typed_before_the_question_is_no_answer() -> None:
    asked, keys = console(["n"])
    keys.heard = ["y"]
    assert asked.ask("Good?", {"y": "yes", "n": "no"}) == "n"


def test_terminal_that_is_closed_answers_nothing() -> None:
    asked, _ = console()
    with pytest.raises(DeviceLost):
        asked.ask("Good?", {"y": "yes"})


def test_keys_pressed_meanwhile_are_told_once() -> None:
    asked, keys = console()
    keys.heard = ["a", "y"]
    assert asked.pressed() == ("a", "y")
    assert asked.pressed() == ()
