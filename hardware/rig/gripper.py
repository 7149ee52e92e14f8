"""The gripper on the tool's RS-485 line: its registers, and fingers that run at a speed."""

from __future__ import annotations

from typing import Final

from .frames import words

SLAVE: Final = 8
"""Its address on the line."""
READ, WRITE_ONE, WRITE = 0x03, 0x06, 0x10
"""Functions of the Modbus protocol that it knows."""
STATUS, ERROR, ENABLE, MODE, CLEAR, SPEED, TARGET, PLACE, VERSION = (
    0x0000,
    0x000F,
    0x0100,
    0x0101,
    0x0109,
    0x0303,
    0x0700,
    0x0702,
    0x0801,
)
CLOSED, OPEN = -10, 850
"""How far the fingers go, in pulses."""


class Gripper:
    """Fingers and registers; `advance` lets time pass."""

    def __init__(self, version: tuple[int, int, int] = (3, 4, 3)) -> None:
        """Lie closed and switched off; versions from 3.4.3 are asked for their status, older ones for their place."""
        self._version = version
        self._place = 0.0
        self._target = 0
        self._registers = {ENABLE: 0, MODE: 0, SPEED: 1500, ERROR: 0}

    @property
    def place(self) -> int:
        """Where the fingers are, in pulses."""
        return round(self._place)

    @property
    def moving(self) -> bool:
        """Whether they run."""
        return bool(self._registers[ENABLE]) and self._place != self._target

    def fail(self, code: int) -> None:
        """Raise an error of the gripper's own."""
        self._registers[ERROR] = code
        self._registers[ENABLE] = 0

    def advance(self, period: float) -> None:
        """Let time pass [s]."""
        if self.moving:
            way = self._target - self._place
            furthest = self._registers[SPEED] * period
            self._place += min(max(way, -furthest), furthest)

    def answer(self, frame: bytes) -> bytes | None:
        """The answer to an RTU frame without its check sum, or None where the gripper is not meant."""
        if len(frame) < 6 or frame[0] != SLAVE:
            return None
        function = frame[1]
        address, count = int.from_bytes(frame[2:4], "big"), int.from_bytes(frame[4:6], "big")
        if function == READ and 0 < count <= 32:
            data = words([self._read(address + index) for index in range(count)])
            return bytes([SLAVE, READ, len(data)]) + data
        if function == WRITE_ONE:
            self._write(address, [count])
            return frame[:6]
        if function == WRITE and len(frame) == 7 + 2 * count == 7 + frame[6]:
            self._write(
                address, [int.from_bytes(frame[7 + 2 * i : 9 + 2 * i], "big") for i in range(count)]
            )
            return frame[:6]
        return bytes([SLAVE, function | 0x80, 1])  # illegal function

    def _read(self, address: int) -> int:
        long = {TARGET: self._target, PLACE: self.place}
        for start, value in long.items():
            if address in (start, start + 1):
                return (value >> 16 if address == start else value) & 0xFFFF
        if address == STATUS:
            return int(self.moving)
        if VERSION <= address < VERSION + 3:
            return self._version[address - VERSION]
        return self._registers.get(address, 0)

    def _write(self, address: int, values: list[int]) -> None:
        if address == TARGET and len(values) == 2:
            target = (values[0] << 16) + values[1]
            target -= (target >> 31) << 32  # two's complement
            self._target = min(max(target, CLOSED), OPEN)
        elif address == CLEAR:
            self._registers[ERROR] = 0
        else:
            for index, value in enumerate(values):
                self._registers[address + index] = value
