"""Devices and consoles that do what a test has written down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from ibc_gym.hardware.table.console import Answers, Meanwhile
from ibc_gym.hardware.teleop.device import Reading


def reading(right: float = 0.0, away: float = 0.0, *asked: str, held: bool = True) -> Reading:
    """What a hand does."""
    return Reading(move=np.array([right, away]), held=held, asked=asked)


class ScriptedDevice:
    """Gives one reading after another, an exception where one stands; at the end the last once more, without wishes."""

    def __init__(self, script: Sequence[Reading | BaseException] = ()) -> None:
        self._script = list(script)
        self._last = reading(held=False)
        self.closed = 0

    def read(self) -> Reading:
        if not self._script:
            return Reading(move=self._last.move, held=self._last.held)
        told = self._script.pop(0)
        if isinstance(told, BaseException):
            raise told
        self._last = told
        return told

    def close(self) -> None:
        self.closed += 1


class ScriptedHand(ScriptedDevice):
    """A row for the table of devices: its constructor takes nothing, so a test leaves the script here."""

    script: ClassVar[Sequence[Reading | BaseException]] = ()
    made: ClassVar[list[ScriptedHand]] = []

    def __init__(self) -> None:
        super().__init__(type(self).script)
        type(self).made.append(self)


class ScriptedConsole:
    """Presses the keys of a list, one for every question; remembers what it was told."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.typed: list[str] = []
        self.said: list[str] = []
        self.questions: list[str] = []

    def say(self, sentence: str) -> None:
        self.said.append(sentence)

    def ask(self, question: str, answers: Answers, meanwhile: Meanwhile = None) -> str:
        self.questions.append(question)
        self.typed.clear()
        if meanwhile is not None:
            meanwhile()
        answer = self.answers.pop(0)
        assert answer in answers, f"{answer!r} does not answer {question!r}"
        return answer

    def pressed(self) -> tuple[str, ...]:
        typed = tuple(self.typed)
        self.typed.clear()
        return typed


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
