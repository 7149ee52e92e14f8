"""How the operator is asked: a sentence, and one key as the answer."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from ibc_gym.closing import Closing

from ..teleop.terminal import Keys, terminal_keys

GLANCE: Final = 0.1
"""How often something is done meanwhile, while a key is waited for [s]."""


Answers = Mapping[str, str]
"""Keys that answer a question, and what each means."""
Meanwhile = Callable[[], None] | None
"""What is done again and again while a key is waited for."""


class Console(Protocol):
    """Where an operator reads and presses keys."""

    def say(self, sentence: str) -> None:
        """A line for the operator."""

    def ask(self, question: str, answers: Answers, meanwhile: Meanwhile = None) -> str:
        """Wait for one of the keys that `answers` explains, and give it; `meanwhile` is done about ten times a second."""

    def pressed(self) -> tuple[str, ...]:
        """The keys since the last call or question; never waits."""


class KeyConsole(Closing):
    """The process's own terminal as a `Console`; it shares the keys with a hand that moves by them."""

    def __init__(self, keys: Keys | None = None) -> None:
        """Listen.

        Raises:
            ConfigError: Standard input is no terminal.
        """
        self._keys = keys or terminal_keys()

    def say(self, sentence: str) -> None:
        """A line on standard error, which answers for programs do not go to."""
        print(f"\r\x1b[K{sentence}", file=sys.stderr, flush=True)

    def ask(self, question: str, answers: Answers, meanwhile: Meanwhile = None) -> str:
        """Wait for one of these keys; what was typed before the question was asked is no answer to it.

        Raises:
            DeviceLost: The terminal was closed.
        """
        self._keys.take()
        keys = ", ".join(f"[{key}] {meaning}" for key, meaning in answers.items())
        self.say(f"{question}  {keys}")
        while True:
            if meanwhile is not None:
                meanwhile()
            self._keys.wait(GLANCE)
            for key in self._keys.take():
                if key in answers:
                    return key

    def pressed(self) -> tuple[str, ...]:
        """The keys since the last call or question."""
        return tuple(self._keys.take())

    def close(self) -> None:
        """Give the terminal back; may be called twice."""
        self._keys.close()
