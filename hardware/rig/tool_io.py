"""Inputs and outputs of the tool's board and of the control box."""

from __future__ import annotations

from typing import Final

BAUD: Final = 0x0A0B
"""Which baud rate the RS-485 line runs at, by the vendor's index; 11 is what the gripper needs."""
NEW_BAUD: Final = 0x1A0B
"""Where it is changed, at the next restart of the board."""
RESTART: Final = 0x0607
INPUTS, OUTPUTS, OUTPUTS_SET, ANALOGUE = 0x0A14, 0x0A15, 0x0A18, (0x0A16, 0x0A17)
VERSION: Final = 0x0801


class ToolBoard:
    """Registers of the board at the tool."""

    def __init__(self, baud: int = 11) -> None:
        """Begin with all outputs off, at a baud rate's index."""
        self._registers: dict[int, int] = {BAUD: baud, VERSION: 2, VERSION + 1: 8, VERSION + 2: 1}
        self._next_baud = baud
        self.inputs = 0
        """Bits of the digital inputs."""
        self.outputs = 0
        """Bits of the digital outputs."""
        self.analogue = [0, 0]
        """Of 4095, for 3.3 V."""

    def read(self, address: int) -> int:
        """A register."""
        special = {INPUTS: self.inputs, OUTPUTS_SET: self.outputs, OUTPUTS: self.outputs}
        special |= dict(zip(ANALOGUE, self.analogue, strict=True))
        return special.get(address, self._registers.get(address, 0))

    def write(self, address: int, value: int) -> None:
        """Set a register; of the outputs, those that the high byte names."""
        if address == OUTPUTS:
            named, on = (value >> 8) & 0xFF, value & 0xFF
            self.outputs = (self.outputs & ~named) | (on & named)
        elif address == NEW_BAUD:
            self._next_baud = value
        elif address == RESTART:
            self._registers[BAUD] = self._next_baud
        else:
            self._registers[address] = value


class ControlBox:
    """Inputs and outputs of the control box; digital inputs are pulled up."""

    def __init__(self) -> None:
        """Begin with all outputs off."""
        self.inputs = 0xFFFF
        """Bits of the digital inputs."""
        self.outputs = 0xFFFF
        """Bits of the digital outputs, 0 is on."""
        self.analogue_in = [0, 0]
        """Of 4095, for 10 V."""
        self.analogue_out = [0, 0]
        self.input_functions = [0] * 16
        self.output_functions = [0] * 16

    def set_outputs(self, first: int, second: int) -> None:
        """Switch outputs 0 to 7 and 8 to 15: the high bytes name them, the low bytes switch them."""
        for half, word in enumerate((first, second)):
            named, on = (word >> 8) << (8 * half), (word & 0xFF) << (8 * half)
            self.outputs = ((self.outputs & ~named) | (on & named)) & 0xFFFF

    def words(self) -> list[int]:
        """Eight words of the vendor's report: digital in, digital out, analogue in and out."""
        return [
            self.inputs,
            self.inputs,
            self.outputs,
            self.outputs,
            *self.analogue_in,
            *self.analogue_out,
        ]
