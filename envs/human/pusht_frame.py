"""Push-T seen from its goal: coordinates that use the scene's one mirror symmetry, and never jump.

The raw state holds the block's angle in [0, 2 pi), which jumps where it wraps; the raw action is a point on the table.
Here angles are cosine and sine, and an action is the way from the pusher to its target.
"""

from __future__ import annotations

from math import cos, pi, sin
from typing import Final

import numpy as np

from ibc_gym import geometry
from ibc_gym.errors import SpecMismatch
from ibc_gym.geometry import turned_in_plane
from ibc_gym.records import Float32, Float64

GOAL: Final = (256.0, 256.0)
"""Where the block's origin should be [px]."""
GOAL_ANGLE: Final = pi / 4

PUSHER, BLOCK, ANGLE = slice(0, 2), slice(2, 4), 4
"""Columns of the environment's "state"."""


class PushTGoal:
    """Coordinates with the goal's origin, and the goal block's axis of symmetry as y axis.

    The table, the goal and the block keep their shapes when mirrored in that axis. The 15 features are: pusher; block;
    cosine and sine of the block's angle; pusher seen from the block; goal seen from the block; and what changed since
    the step before, of the pusher, the block and its angle [px, rad].
    """

    size = 15
    odd_features: tuple[int, ...] = (0, 2, 5, 6, 8, 10, 12, 14)
    odd_actions: tuple[int, ...] = (0,)

    def features(self, states: Float32) -> Float32:
        """Features (B, 15) of windows of states (B, T, 5); of a window only the last two steps count.

        Raises:
            SpecMismatch: These are not states of Push-T.
        """
        if states.ndim != 3 or states.shape[2] != 5 or states.shape[1] < 1:
            raise SpecMismatch(
                f"States of shape {states.shape} are no windows of Push-T's state, which are (B, T, 5). "
                "Were they recorded with another environment?"
            )
        pusher, block, angle = _seen_from_goal(states[:, -1].astype(np.float64))
        before = _seen_from_goal(states[:, -min(2, states.shape[1])].astype(np.float64))
        cosine, sine = np.cos(angle), np.sin(angle)
        columns = [
            pusher,
            block,
            np.stack([cosine, sine], axis=1),
            turned_in_plane(pusher - block, cosine, -sine),
            turned_in_plane(-block, cosine, -sine),
            pusher - before[0],
            block - before[1],
            np.asarray(geometry.wrap_angle(angle - before[2], 2 * pi))[:, None],
        ]
        return np.concatenate(columns, axis=1, dtype=np.float32)

    def into(self, actions: Float32, states: Float32) -> Float32:
        """Targets (B, 2) [px] as the way there from the pusher in the newest of the states (B, T, 5)."""
        way = actions.astype(np.float64) - states[:, -1, PUSHER]
        return turned_in_plane(way, cos(GOAL_ANGLE), -sin(GOAL_ANGLE)).astype(np.float32)

    def out_of(self, actions: Float32, states: Float32) -> Float32:
        """The inverse of `into`."""
        way = turned_in_plane(actions.astype(np.float64), cos(GOAL_ANGLE), sin(GOAL_ANGLE))
        return (states[:, -1, PUSHER] + way).astype(np.float32)


def _seen_from_goal(states: Float64) -> tuple[Float64, Float64, Float64]:
    """Pusher (B, 2), block (B, 2) [px] and the block's angle (B,) [rad]."""
    pusher, block = (
        turned_in_plane(states[:, part] - np.array(GOAL), cos(GOAL_ANGLE), -sin(GOAL_ANGLE))
        for part in (PUSHER, BLOCK)
    )
    angle: Float64 = states[:, ANGLE] - GOAL_ANGLE
    return pusher, block, angle
