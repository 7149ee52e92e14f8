"""A PyBullet physics client of one's own, closed once, without a word on the terminal."""

from __future__ import annotations

import os
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from ibc_gym.errors import ConfigError


@contextmanager
def _silence() -> Iterator[None]:
    """Keep what compiled code writes to standard error away: PyBullet tells its build time when it is imported."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


with _silence():
    import pybullet


class Client:
    """PyBullet's functions, bound to a simulation that nobody else shares; it has no window."""

    def __init__(self) -> None:
        """Open it; it is closed by `close`, or when nobody holds it any more.

        Raises:
            ConfigError: PyBullet has no room for another; it has about a thousand.
        """
        number = pybullet.connect(pybullet.DIRECT)
        if number < 0:
            raise ConfigError(
                "PyBullet can open no further world in this process: close environments that are no longer used."
            )
        self._number = number
        self._close = weakref.finalize(self, pybullet.disconnect, number)
        # The default finds near pairs with a tree that remembers all motion, and with it the order of contacts differs.
        self.resetSimulation(pybullet.RESET_USE_SIMPLE_BROADPHASE)

    def __getattr__(self, name: str) -> Any:
        """A function of PyBullet's for this client, or one of its constants."""
        attribute = getattr(pybullet, name)
        return (
            partial(attribute, physicsClientId=self._number) if callable(attribute) else attribute
        )

    def close(self) -> None:
        """Let go of the simulation; may be called twice."""
        self._close()
