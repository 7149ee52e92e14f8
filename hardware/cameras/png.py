"""What a camera sees, for the eye: pictures as files, depth as shades of grey."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ibc_gym.records import Float32, UInt8

from .. import png


def write(path: Path, image: UInt8) -> None:
    """Write a picture as PNG, (H, W, 3) RGB or (H, W) grey."""
    path.write_bytes(png.png(image))


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
