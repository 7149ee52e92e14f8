"""One picture laid over another, and pictures as a file that a viewer can watch."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from ibc_gym.errors import SpecMismatch
from ibc_gym.records import UInt8

from ..png import png


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
