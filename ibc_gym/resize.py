"""Pictures made smaller by averaging over areas."""

from __future__ import annotations

import numpy as np

from ibc_gym.errors import ConfigError
from ibc_gym.records import Float32, UInt8


def resize(images: UInt8, size: tuple[int, int]) -> UInt8:
    """Shrink pictures: every new pixel is the mean of the area it covers.

    Args:
        images: (..., H, W, C)
        size: New height and width [px], not above the old.

    Raises:
        ConfigError: The size is below one pixel, or would enlarge.
    """
    height, width = images.shape[-3:-1]
    if not (1 <= size[0] <= height and 1 <= size[1] <= width):
        raise ConfigError(
            f"Cannot shrink pictures of {height} x {width} px to {size[0]} x {size[1]} px."
        )
    if size == (height, width):
        return images
    down, across = _overlap(height, size[0]), _overlap(width, size[1])
    flat = images.reshape(-1, height, width * images.shape[-1]).astype(np.float32)
    rows = (down @ flat).reshape(-1, size[0], width, images.shape[-1])
    smaller = across @ rows  # (N, h, w, C)
    shape = (*images.shape[:-3], *size, images.shape[-1])
    return np.rint(smaller).astype(np.uint8).reshape(shape)


def _overlap(old: int, new: int) -> Float32:
    """How much of every new pixel each old one makes up, (new, old); rows sum to 1."""
    edges = np.linspace(0, old, new + 1)
    pixel = np.arange(old)
    low = np.maximum(edges[:-1, None], pixel[None, :])
    high = np.minimum(edges[1:, None], pixel[None, :] + 1)
    covered = np.maximum(high - low, 0)
    return np.asarray(covered / covered.sum(axis=1, keepdims=True), dtype=np.float32)
