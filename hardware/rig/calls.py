"""What a register's handler is given, and what it may answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ibc_gym.records import Float64

from .core import Core
from .frames import FINISHED, MM, Request, read_floats
from .mover import Ticket


class Refused(Exception):
    """The call failed: the reply says that its result is invalid, and a warning may say why."""

    def __init__(self, warning: int = 0) -> None:
        """Take a warning code, or 0 for none."""
        super().__init__(f"refused with warning {warning}")
        self.warning = warning


@dataclass(frozen=True, slots=True)
class Call:
    """One command, with who sent it."""

    request: Request
    client: int
    notices: int
    """What the client wants to be told, as bits."""

    def ticket(self, kind: int = FINISHED) -> Ticket | None:
        """Who is to be told, if anybody wants to be told that."""
        if not self.notices & kind:
            return None
        return Ticket(self.client, self.request.transaction, self.request.protocol, kind)

    @property
    def size(self) -> int:
        """Bytes of parameters."""
        return len(self.request.parameters)

    def byte(self, offset: int = 0, default: int | None = None) -> int:
        """A byte of the parameters; `default` where there are not so many.

        Raises:
            Refused: There are not so many, and there is no default.
        """
        if 0 <= offset < self.size:
            return self.request.parameters[offset]
        if default is None:
            raise Refused(12)
        return default

    def floats(self, count: int, offset: int = 0) -> Float64:
        """Numbers of the parameters, `offset` bytes from their beginning, as on the wire."""
        return read_floats(self.request.parameters, count, offset)

    def finite(self, count: int, offset: int = 0) -> Float64:
        """The same, all of them finite.

        Raises:
            Refused: They are not.
        """
        numbers = self.floats(count, offset)
        if not np.isfinite(numbers).all():
            raise Refused(12)
        return numbers

    def six(self, offset: int = 0) -> Float64:
        """X y z [m] and three angles [rad]."""
        numbers = self.finite(6, offset)
        return np.concatenate([numbers[:3] / MM, numbers[3:]])


Handler = Callable[[Core, Call], bytes | None]
"""Gives the body of the reply; None for an empty one.

Raises:
    Refused: The call failed.
    MotionError: The controller stops on an error.
    FrameError: There are not enough parameters.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One register."""

    handler: Handler
    size: int = 0
    """Bytes of the reply's body: as many zeros are sent where the call failed, since the client trips over fewer."""
    since: tuple[int, int, int] = (0, 0, 0)
    """Firmware that knows it."""
