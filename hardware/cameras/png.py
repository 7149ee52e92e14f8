"""Pictures as PNG, without an image library: somebody at the rig may have none."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Final

import numpy as np

from ibc_gym.records import Float32, UInt8

_GREY: Final = 0
_RGB: Final = 2


def write(path: Path, image: UInt8) -> None:
    """Write a picture, (H, W, 3) RGB or (H, W) grey."""
    height, width = image.shape[:2]
    colours = _RGB if image.ndim == 3 else _GREY
    rows = image.reshape(height, -1)
    unfiltered = np.zeros((height, 1), np.uint8)  # each row says that it is not filtered
    head = struct.pack(">IIBBBBB", width, height, 8, colours, 0, 0, 0)
    body = zlib.compress(np.hstack((unfiltered, rows)).tobytes())
    chunks = ((b"IHDR", head), (b"IDAT", body), (b"IEND", b""))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks))


def depth_as_grey(depth: Float32) -> UInt8:
    """Depth for the eye: near is bright, black is where nothing was measured.

    Args:
        depth: (H, W) [m], 0 where there is none.
    """
    seen = depth > 0
    if not seen.any():
        return np.zeros(depth.shape, np.uint8)
    near, far = np.percentile(depth[seen], (2, 98))
    share = (far - depth) / max(float(far - near), 1e-6)
    return np.where(seen, 40 + 215 * np.clip(share, 0, 1), 0).astype(np.uint8)


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)
