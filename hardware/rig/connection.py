"""One client of the emulated controller: what it sent that is no whole frame yet, and what it is still to be sent."""

from __future__ import annotations

import socket
from collections import deque
from typing import Final

from .reports import RATES

MOST_UNSENT: Final = 1 << 16
"""Bytes that wait here and in the socket for a client that does not read; beyond, it is hung up on."""


class Connection:
    """A socket with its two buffers; it never blocks."""

    def __init__(self, number: int, client: socket.socket, port: int) -> None:
        """Take over a connected socket that does not block, of a client that came to a port."""
        self.number, self.socket, self.port = number, client, port
        self.unread = b""
        """Bytes that came, of a frame that is not whole."""
        self.notices = 0
        """Which notices the client wants, as bits."""
        self._unsent: deque[tuple[float, bytes]] = deque()

    @property
    def commands(self) -> bool:
        """Whether it is for commands, and not for reports."""
        return self.port not in RATES

    def receive(self) -> bytes | None:
        """What has come; None once the client has gone."""
        try:
            return self.socket.recv(1 << 16) or None
        except BlockingIOError:
            return b""
        except OSError:
            return None

    def put(self, due: float, data: bytes) -> None:
        """Send bytes once a time has come, behind all that waits."""
        self._unsent.append((due, data))

    def flush(self, now: float) -> bool:
        """Send what is due, as far as the client takes it; false where it must be hung up on."""
        while self._unsent and self._unsent[0][0] <= now:
            due, data = self._unsent.popleft()
            try:
                sent = self.socket.send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                return False
            if sent < len(data):
                self._unsent.appendleft((due, data[sent:]))
                break
        return sum(len(data) for _, data in self._unsent) <= MOST_UNSENT

    def close(self) -> None:
        """Hang up."""
        self.socket.close()
