"""Pictures as PNG, without an image library: somebody at the rig may have none."""

from __future__ import annotations

import struct
import zlib
from typing import Final

import numpy as np

from ibc_gym.records import UInt8

_GREY: Final = 0
_RGB: Final = 2


def png(picture: UInt8) -> bytes:
    """A picture, (H, W, 3) RGB or (H, W) grey, as a PNG file."""
    height, width = picture.shape[:2]
    colours = _RGB if picture.ndim == 3 else _GREY
    # Each row is told as its difference from the row above, byte by byte: filter 2, "up".
    rows = picture.reshape(height, -1)
    told = np.diff(rows, axis=0, prepend=np.zeros((1, rows.shape[1]), np.uint8))
    filtered = np.concatenate([np.full((height, 1), 2, np.uint8), told], axis=1)
    header = struct.pack(">IIBBBBB", width, height, 8, colours, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in (
            (b"IHDR", header),
            (b"IDAT", zlib.compress(filtered.tobytes(), 1)),
            (b"IEND", b""),
        )
    )
