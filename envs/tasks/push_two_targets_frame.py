"""The task with two targets in the coordinates of the push task, towards the target that is next as far as one can see.

Which target is next is remembered by the demonstrator and by nothing in the state. Where the block stands tells it nearly
always: it is pushed from before the first target to within it, and from there on to the second. Where that is wrong, the
other target's place is among the features.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ibc_gym.geometry import turned_in_plane
from ibc_gym.records import Bool, Float32, Float64

from .push_frame import BLOCK, TARGET, WAY, BlockToTarget, heading, require_windows

REACHED: Final = 0.036
"""Distance at which the demonstrator takes the first target for reached [m]."""
ASIDE: Final = 0.05
"""So near to the line from the first target to the second a block beyond the first is taken to come from there [m]."""

NUMBERS: Final = 13
"""Of a state."""
TIP_AND_BLOCK, SECOND, FIRST = slice(0, 7), slice(7, 10), slice(10, 13)
"""Columns of the task's "state": of the targets, yaw and place."""


class BlockToNextTarget:
    """Coordinates of the frame whose x axis points from the block to the next target.

    That is the second one once the block is at the first, or beyond it on the line from there to the second. The 24 features
    are the push task's with that target, then whether it is the second, the way from the block to the other target, and
    the same as tanh(way / 5 cm).
    """

    size = BlockToTarget.size + 5
    odd_features: tuple[int, ...] = (*BlockToTarget.odd_features, size - 3, size - 1)
    odd_actions: tuple[int, ...] = (1,)

    def features(self, states: Float32) -> Float32:
        """Features (B, 24) of windows of states (B, T, 13); of a window only the last two steps count.

        Raises:
            SpecMismatch: These are not states of the task with two targets.
        """
        second = _second_is_next(states)
        towards, other = _with_target(states, second), _with_target(states, ~second)
        now = towards[:, -1].astype(np.float64)
        cosine, sine, _ = heading(now)
        way = turned_in_plane(
            other[:, -1, TARGET].astype(np.float64) - now[:, BLOCK], cosine, -sine
        )
        columns: list[Float64 | Float32] = [
            BlockToTarget().features(towards),
            second[:, None].astype(np.float64),
            way,
            np.tanh(way / WAY),
        ]
        return np.concatenate(columns, axis=1, dtype=np.float32)

    def into(self, actions: Float32, states: Float32) -> Float32:
        """Displacements (B, 2) in the frame of the newest of the states (B, T, 13)."""
        return BlockToTarget().into(actions, _with_target(states, _second_is_next(states)))

    def out_of(self, actions: Float32, states: Float32) -> Float32:
        """The inverse of `into`."""
        return BlockToTarget().out_of(actions, _with_target(states, _second_is_next(states)))


def _second_is_next(states: Float32) -> Bool:
    """Whether the block is at the first target, or has come from there, as it stands now, (B,)."""
    require_windows(states, NUMBERS, "push-two-targets")
    now = states[:, -1].astype(np.float64)
    first, second = now[:, FIRST][:, 1:], now[:, SECOND][:, 1:]
    past, way = now[:, BLOCK] - first, second - first
    length = np.maximum(np.hypot(way[:, 0], way[:, 1]), 1e-9)
    along = (past * way).sum(axis=1) / length
    aside = np.abs(way[:, 0] * past[:, 1] - way[:, 1] * past[:, 0]) / length
    between: Bool = (along > 0) & (aside < ASIDE)
    return between | (np.hypot(past[:, 0], past[:, 1]) < REACHED)


def _with_target(states: Float32, second: Bool) -> Float32:
    """The windows as the push task has them, (B, T, 10), with one of the targets."""
    target = np.where(second[:, None, None], states[..., SECOND], states[..., FIRST])
    return np.concatenate([states[..., TIP_AND_BLOCK], target], axis=2)
