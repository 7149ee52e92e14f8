"""The insertion task seen from the slot: coordinates in which what decides an insertion is large.

The outcome does not change when block, fixture and tip are moved or turned together, or mirrored in the slot's axis, and a
square block has no first side. What the demonstrator decides by are tenths of a millimetre at the mouth of the slot,
which would drown among the decimetres of the way there: so lengths and angles appear again, squashed at finer scales.
"""

from __future__ import annotations

from math import pi
from typing import Final

import numpy as np

from ibc_gym import geometry
from ibc_gym.records import Float32, Float64

from .insert import MOUTH
from .push_frame import NUMBERS, last_two
from .tabletop_scene import BLOCK_SIDE

YAW, BLOCK, COMMANDED, MEASURED = 0, slice(1, 3), slice(3, 5), slice(5, 7)
SLOT_YAW, SEAT = 7, slice(8, 10)
"""Columns of the task's "state"."""
QUARTER_TURN: Final = pi / 2

TIP_SCALES: Final = (0.08, 0.02, 0.004)
"""Lengths at which the squashed copies of the way from block to tip level off [m]."""
EDGE_SCALES: Final = (0.05, 0.01, 0.001, 0.0003)
"""The same of the way from the mouth to the block's leading side [m]."""
ANGLE_SCALES: Final = (0.1, 0.02, 0.005)
"""The same of how crooked the block is [rad]."""

_PARTS: Final = {
    "tip": "+-",
    "tip along the block": "+-",
    "block": "+-",
    "measured": "+-",
    "crooked": "+-",
    "tip, squashed": "+-" * len(TIP_SCALES),
    "tip along the block, squashed": "+-" * len(TIP_SCALES),
    "edge, squashed": "+-" * len(EDGE_SCALES),
    "crooked, squashed": "-" * len(ANGLE_SCALES),
    "tip's step": "+-",
    "block's step": "+-",
    "crooked's step": "-",
    "edge's steps, squashed": "+-" * len(EDGE_SCALES),
    "measured before": "+-",
}
"""The features in their order, and which change sign in the mirror."""
_SIGNS: Final = "".join(_PARTS.values())


class SlotAxis:
    """Coordinates with the origin at the seat and x along the slot, into it.

    Of the newest state: the tip as commanded from the block's centre, along the slot and along the block's own nearest
    axes; the block; measured less commanded tip; cosine and sine of four times the angle at which the block stands
    crooked; squashed copies of the tip, of the middle of the block's leading side as seen from the mouth, and of the
    angle. Then what changed since the state before, and that state's measured less commanded tip.
    """

    size = len(_SIGNS)
    odd_features: tuple[int, ...] = tuple(at for at, sign in enumerate(_SIGNS) if sign == "-")
    odd_actions: tuple[int, ...] = (1,)

    def features(self, states: Float32) -> Float32:
        """Features (B, size) of windows of states (B, T, 10); of a window only the last two steps count.

        Raises:
            SpecMismatch: These are not states of the insertion task.
        """
        now, before = (_Seen(each) for each in last_two(states, NUMBERS, "insertion"))
        turn = np.asarray(geometry.wrap_angle(now.crooked - before.crooked, QUARTER_TURN))
        columns = [
            now.tip,
            now.tip_along_block,
            now.block,
            now.lag,
            np.stack([np.cos(4 * now.crooked), np.sin(4 * now.crooked)], axis=1),
            _squashed(now.tip, TIP_SCALES),
            _squashed(now.tip_along_block, TIP_SCALES),
            _squashed(now.edge, EDGE_SCALES),
            _squashed(now.crooked[:, None], ANGLE_SCALES),
            now.commanded - before.commanded,
            now.block - before.block,
            turn[:, None],
            _squashed(now.edge, EDGE_SCALES) - _squashed(before.edge, EDGE_SCALES),
            before.lag,
        ]
        return np.concatenate(columns, axis=1, dtype=np.float32)

    def into(self, actions: Float32, states: Float32) -> Float32:
        """Displacements (B, 2) along the slot and to its left, for the newest of the states (B, T, 10)."""
        axis = states[:, -1, SLOT_YAW].astype(np.float64)
        return _turned(np.asarray(actions, np.float64), -axis).astype(np.float32)

    def out_of(self, actions: Float32, states: Float32) -> Float32:
        """The inverse of `into`."""
        axis = states[:, -1, SLOT_YAW].astype(np.float64)
        return _turned(np.asarray(actions, np.float64), axis).astype(np.float32)


class _Seen:
    """States (B, 10) as seen from the slot."""

    def __init__(self, states: Float64) -> None:
        axis = states[:, SLOT_YAW]
        self.block = _turned(states[:, BLOCK] - states[:, SEAT], -axis)
        self.commanded = _turned(states[:, COMMANDED] - states[:, SEAT], -axis)
        self.crooked = np.asarray(geometry.wrap_angle(states[:, YAW] - axis, QUARTER_TURN))
        self.tip = self.commanded - self.block
        self.tip_along_block = _turned(self.tip, -self.crooked)
        self.lag = _turned(states[:, MEASURED] - states[:, COMMANDED], -axis)
        ahead = np.stack([np.cos(self.crooked), np.sin(self.crooked)], axis=1)
        self.edge = self.block + BLOCK_SIDE / 2 * ahead - [MOUTH, 0.0]


def _squashed(values: Float64, scales: tuple[float, ...]) -> Float64:
    """Copies of values (B, D) that level off at one scale each, (B, D x scales)."""
    squashed: Float64 = np.concatenate([np.tanh(values / scale) for scale in scales], axis=1)
    return squashed


def _turned(vectors: Float64, angles: Float64) -> Float64:
    """Vectors (B, 2), each turned by its own angle [rad]."""
    return geometry.turned_in_plane(vectors, np.cos(angles), np.sin(angles))
