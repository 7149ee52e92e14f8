"""How far a tip is commanded into a cube that does not give way, and the way back out of it.

A simulated arm goes where it is told to go and feels nothing: told to go on, it presses a block against a wall until that is
thrown off. A person feels it and stops. The demonstrator sees it: a block that is pushed freely is never nearer to where
the tip was sent than the two touch.
"""

from __future__ import annotations

import numpy as np

from ibc_gym.records import Float64


def pressed(
    tip: Float64, cubes: Float64, yaws: Float64, *, side: float, radius: float
) -> tuple[Float64, Float64]:
    """The cube that the commanded tip is deepest in.

    Args:
        tip: Where it is commanded to be, (B, 2) [m].
        cubes: Their centres, (B, K, 2) [m].
        yaws: How they are turned, (B, K) [rad].
        side: Edge of a cube [m].
        radius: Of the tip [m].

    Returns:
        How deep, (B,) [m], negative where the tip is beside all of them; and the direction from its centre to the tip, a
        unit vector, (B, 2).
    """
    off = tip[:, None] - cubes  # (B, K, 2)
    c, s = np.cos(yaws), np.sin(yaws)
    own = np.stack([c * off[..., 0] + s * off[..., 1], c * off[..., 1] - s * off[..., 0]], axis=-1)
    beyond = np.abs(own) - side / 2
    outside = np.linalg.norm(np.maximum(beyond, 0.0), axis=2)
    depth = radius - outside - np.minimum(beyond.max(axis=2), 0.0)  # (B, K)
    deepest, rows = depth.argmax(axis=1), np.arange(len(tip))
    way = off[rows, deepest]
    away = way / np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-9)
    return depth[rows, deepest], away
