"""Keys from the bytes that a terminal sends: letters as themselves, arrows by name."""

from __future__ import annotations

from typing import Final

ESCAPE: Final = 0x1B
PATIENCE: Final = 0.05
"""How long after an escape byte the rest of an arrow key may still arrive [s], as over ssh."""

_ARROWS: Final = {"A": "up", "B": "down", "C": "right", "D": "left"}
_NAMED: Final = {0x0D: "enter", 0x0A: "enter", 0x20: "space", 0x7F: "backspace", 0x08: "backspace"}
_INTRODUCERS: Final = b"[O"


class KeyParser:
    """Turns bytes into keys, however they are cut into pieces.

    Letters are lower case, whatever shift and caps lock say. Sequences of keys that have no name here are passed over. An
    escape byte that does not begin the sequence of a key is the escape key, even if more was typed right after it: a wish
    to stop is never taken for half of something else.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self._rest = b""
        self._since = 0.0

    def feed(self, data: bytes, now: float) -> list[str]:
        """The keys that are complete; `now` is the time [s] on any clock that does not go back."""
        if data:
            self._rest, self._since = self._rest + data, now
        keys: list[str] = []
        while self._rest:
            taken, key = self._first()
            if not taken:
                if now - self._since < PATIENCE:
                    break
                taken, key = 1, "escape"
            self._rest = self._rest[taken:]
            if key is not None:
                keys.append(key)
        return keys

    def _first(self) -> tuple[int, str | None]:
        """How many bytes the first key takes, 0 if it is not complete, and its name, if it has one."""
        first = self._rest[0]
        if first != ESCAPE:
            return 1, _NAMED.get(first) or (chr(first).lower() if 0x20 < first < 0x7F else None)
        if len(self._rest) == 1:
            return 0, None
        if self._rest[1] not in _INTRODUCERS:
            return 1, "escape"
        for index in range(2, len(self._rest)):
            byte = self._rest[index]
            if 0x40 <= byte <= 0x7E:
                return index + 1, _ARROWS.get(chr(byte))
            if not 0x20 <= byte < 0x40:
                return 1, "escape"
        return 0, None
