"""One picture laid over another, and pictures as a file that a viewer can watch."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from ibc_gym.errors import CameraTimeout, SpecMismatch
from ibc_gym.records import UInt8

from ..png import png

PATIENCE: Final = 90.0
"""How long a person is asked without a live picture [s]: a camera that is had back takes up to `RecoveryConfig.longest`."""


class WhileItComes:
    """Shows a live picture again and again; one that does not come is waited for, since nothing moves meanwhile."""

    def __init__(
        self,
        show: Callable[[], None],
        *,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Show by `show`, which raises `CameraTimeout` where there is no picture; for `patience` [s] that is borne."""
        self._show, self._patience, self._clock = show, patience, clock
        self._away: float | None = None

    def __call__(self) -> None:
        """Show the newest.

        Raises:
            CameraTimeout: None has come for longer than the patience.
        """
        try:
            self._show()
            self._away = None
        except CameraTimeout:
            self._away = self._clock() if self._away is None else self._away
            if self._clock() - self._away > self._patience:
                raise


def blend(live: UInt8, wanted: UInt8, share: float = 0.5) -> UInt8:
    """Two pictures (H, W, 3) laid over each other; `share` of it is `wanted`.

    Where everything stands as wanted it looks like either; what is elsewhere is seen twice, half transparent.

    Raises:
        SpecMismatch: They are of different sizes.
    """
    if live.shape != wanted.shape:
        raise SpecMismatch(
            f"The wanted picture is {wanted.shape[1]} x {wanted.shape[0]} pixels and the live one "
            f"{live.shape[1]} x {live.shape[0]}: make the wanted one with the camera's own intrinsics and size."
        )
    mixed = (1 - share) * live.astype(np.float32) + share * wanted.astype(np.float32)
    return np.rint(mixed).astype(np.uint8)


class PictureFile:
    """Shows pictures as one PNG file that is replaced whole, so that a viewer never reads half of one."""

    def __init__(self, path: Path) -> None:
        """Show there; nothing is written yet."""
        self.path = path

    @property
    def place(self) -> str:
        """The file."""
        return str(self.path)

    def show(self, picture: UInt8, words: str) -> None:
        """Replace the file by a picture (H, W, 3); the words are not in it."""
        part = self.path.with_name(f".{self.path.name}.part")
        part.write_bytes(png(picture))
        os.replace(part, self.path)
