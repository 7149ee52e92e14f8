"""Tells the vendor's client which port the controllers listen on, where the system keeps 502 for itself."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

with redirect_stdout(io.StringIO()):  # it says its version there, where answers for programs go
    from xarm.core.config.x_config import XCONF


def current() -> int:
    """Where the client looks for controllers."""
    port: int = XCONF.SocketConf.TCP_CONTROL_PORT
    return port


@contextmanager
def control_port(port: int) -> Iterator[None]:
    """Let the client look at another port for the length of a block.

    The setting is the process's: all arms in it share the port. Those that are connected keep their connection.
    """
    before = current()
    XCONF.SocketConf.TCP_CONTROL_PORT = port
    try:
        yield
    finally:
        XCONF.SocketConf.TCP_CONTROL_PORT = before
