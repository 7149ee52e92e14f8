"""The sorting task seen by a tip that is about to push one block: coordinates that use its symmetries.

The stage is its own mirror image in the board's long axis, and, with blue and yellow exchanged, in the short one; blocks of a
colour are alike, and a cube has no first side. So everything is seen from the block that the tip is at, the *active* one: the
blocks in the order in which the tip could begin to push them, their colours as like or unlike the active one's, and the
axes into the active one's fixture and along its mouth.

What a push depends on are millimetres, what the choice of the next block depends on are decimetres: so lengths appear
squashed at several scales. The place that a block is pushed to next, the one that it is pushed from, and what is in the way
of either follow from where things are (`sort_pushes.py`), and are said, too.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ibc_gym.records import Float32, Float64, Int64

from .push_frame import last_two
from .push_red_green import BOARD_STAGE
from .sort import BLOCKS, EACH
from .sort_pushes import (
    ASIDE,
    CONTACT,
    FIXTURE,
    HALF_DEPTH,
    ROOM,
    Pushes,
    depth,
    lengths,
    obstructed,
)

NUMBERS: Final = 3 * len(BLOCKS) + 2
"""Of a state: yaw and place of the blue blocks, the tip, the yellow blocks."""
MIDDLE: Final = 0.375
"""x of the axis that the stage is symmetric in [m]."""
CLOSE: Final = 3
"""Blocks that are told of in full, the active one first."""
AROUND: Final = 3
"""Blocks nearest to the tip, which it may run into."""
EDGE: Final = BOARD_STAGE.upper[0] - MIDDLE
"""Of the workspace, along the mouths [m]."""
SLACK: Final = 0.01
"""So far beyond it a push may begin, which the tip begins that much nearer then [m]."""
OUT: Final = 0.015
"""Before the mouth, where a tip is out of a fixture [m]."""
FAR: Final = 0.15
COARSE: Final = 0.08
FINE: Final = 0.02
ON_LINE: Final = 0.014
TOUCH: Final = 0.006
OUT_FINE: Final = 0.002
"""Lengths at which the squashed copies of a distance level off [m]."""

_TIP: Final = "+-+++-" + "+-" * 7 + "+++"
_AROUND: Final = "+-+-"
_CLOSE: Final = "+-" * 9 + "+++" + "++--" + "+++" + "+-+-++" + "-"
_OTHERS: Final = "+-+-+++"
_SIGNS: Final = (
    _TIP + _AROUND * AROUND + ("+" + _CLOSE) * CLOSE + ("+" + _OTHERS) * (len(BLOCKS) - CLOSE)
)
"""Which features change sign in the mirror."""


class BlockAtTip:
    """Coordinates whose x axis leads into the fixture of the active block, and whose y axis is along its mouth.

    Of the tip: its place, how far it is in either fixture, its last step, how far it went since the first state of the
    window, the last step of the active block, how that is turned to its way, how deep the tip is sent into a block and
    the way out of that, and how many blocks of either colour are in. Of the three nearest blocks: where they are. Of the three blocks
    that could be pushed soonest, if they are not in yet: colour, place, the place behind, the direction of the push and how far the
    tip is off its line, the way left, what is in the block's way and in the tip's. Of the others less of that.
    """

    size = len(_SIGNS)
    odd_features: tuple[int, ...] = tuple(at for at, sign in enumerate(_SIGNS) if sign == "-")
    odd_actions: tuple[int, ...] = (1,)

    def features(self, states: Float32) -> Float32:
        """Features (B, size) of windows of states (B, T, 26); of a window the last two steps and the first count.

        Raises:
            SpecMismatch: These are not states of the sorting task.
        """
        newest, before = last_two(states, NUMBERS, "sorting")
        now = _Seen(newest)
        columns = [_of_tip(now, before, states[:, 0].astype(np.float64)), _around(now)]
        close, others = _of_blocks(now)
        waits = now.first(np.where(now.pushes.placed, 0.0, 1.0))
        for rank in range(len(BLOCKS)):
            seen = close[:, rank] if rank < CLOSE else others[:, rank]
            columns += [waits[:, rank], waits[:, rank] * seen]
        return np.concatenate(columns, axis=1, dtype=np.float32)

    def into(self, actions: Float32, states: Float32) -> Float32:
        """Displacements (B, 2) into the active block's fixture and along its mouth, for the newest of the states (B, T, 26)."""
        side = _Seen(states[:, -1].astype(np.float64)).side
        moves = np.asarray(actions, np.float64)
        return np.stack([side * moves[:, 1], moves[:, 0]], axis=1).astype(np.float32)

    def out_of(self, actions: Float32, states: Float32) -> Float32:
        """The inverse of `into`."""
        side = _Seen(states[:, -1].astype(np.float64)).side
        moves = np.asarray(actions, np.float64)
        return np.stack([moves[:, 1], side * moves[:, 0]], axis=1).astype(np.float32)


class _Seen:
    """States (B, 26) as seen from the active block."""

    def __init__(self, states: Float64) -> None:
        self.tip, self.blocks, self.axes = _places(states)
        self.pushes = Pushes(self.blocks)
        beyond = np.abs(self.pushes.behind[..., 1]) > EDGE + SLACK
        late = np.where(beyond, 1.0, 0.0) + np.where(self.pushes.placed, 10.0, 0.0)
        reach = self.pushes.reach(self.tip) + late
        self.order: Int64 = ascending(reach)
        sides = np.broadcast_to(self.pushes.sides, reach.shape)
        self.side: Float64 = np.take_along_axis(sides, self.order[:, :1], axis=1)[:, 0]

    def first(self, values: Float64) -> Float64:
        """Values of all blocks, (B, 8) or (B, 8, D), as (B, 8, D), the active one's first."""
        values = values.reshape(*self.order.shape, -1)
        ordered: Float64 = np.take_along_axis(values, self.order[..., None], axis=1)
        return ordered

    def turned(self, vectors: Float64) -> Float64:
        """Vectors of the tip (B, 2) in the axes of the active block."""
        return np.stack([self.side * vectors[:, 0], vectors[:, 1]], axis=1)

    def vectors(self, vectors: Float64) -> Float64:
        """Vectors of all blocks (B, 8, 2) in the axes of the active one, whose own is the first."""
        seen = np.stack([self.side[:, None] * vectors[..., 0], vectors[..., 1]], axis=2)
        return self.first(seen)


def _of_tip(now: _Seen, before: Float64, first: Float64) -> Float64:
    """What `_TIP` has the signs of, (B, D)."""
    tip_before, blocks_before, _ = _places(before)
    tip = now.turned(now.tip)
    step = now.turned(now.tip - tip_before)
    gone = now.turned(now.tip - _places(first)[0])
    moved = now.vectors(now.blocks - blocks_before)[:, 0]
    deep = depth(now.tip, now.blocks, now.axes)
    stuck = now.tip[:, None] - now.blocks
    deepest = deep.argmax(axis=1)[:, None]
    out = now.turned(np.take_along_axis(stuck, deepest[..., None], axis=1)[:, 0])
    pressed = np.maximum(deep.max(axis=1), -0.01)[:, None]
    placed = np.where(now.pushes.placed, 1.0, 0.0)
    like = np.where(now.side[:, None] == now.pushes.sides, placed, 0.0).sum(axis=1)
    mouth = FIXTURE - HALF_DEPTH
    return np.concatenate(
        [
            tip,
            np.tanh((tip[:, :1] - mouth) / FINE),
            np.tanh((-tip[:, :1] - mouth) / FINE),
            np.tanh((np.abs(tip[:, :1]) - mouth + OUT) / OUT_FINE),
            _edge(tip[:, 1:]),
            step,
            np.tanh(step / FINE),
            gone,
            np.tanh(gone / COARSE),
            np.tanh(moved / FINE),
            _turn(now),
            np.where(pressed > 0.0, _direction(out), 0.0),
            np.tanh(pressed / TOUCH),
            like[:, None],
            placed.sum(axis=1)[:, None] - like[:, None],
        ],
        axis=1,
    )


def _turn(now: _Seen) -> Float64:
    """Cosine and sine of four times the angle from the way of the active block to its sides, (B, 2)."""
    axis, ahead = now.vectors(now.axes)[:, 0], now.vectors(now.pushes.ahead)[:, 0]
    angle = 4 * (np.arctan2(axis[:, 1], axis[:, 0]) - np.arctan2(ahead[:, 1], ahead[:, 0]))
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _around(now: _Seen) -> Float64:
    """Where the blocks nearest to the tip are, squashed, (B, AROUND x 4)."""
    off = now.vectors(now.blocks - now.tip[:, None])
    nearest = ascending(lengths(off))[:, :AROUND, None]
    off = np.take_along_axis(off, nearest, axis=1)
    squashed = np.concatenate([np.tanh(off / COARSE), np.tanh(off / FINE)], axis=2)
    return squashed.reshape(len(off), -1)


def _of_blocks(now: _Seen) -> tuple[Float64, Float64]:
    """What `_CLOSE` and `_OTHERS` have the signs of, for all blocks, the active one first, (B, 8, D) each."""
    pushes, tip = now.pushes, now.tip[:, None]
    block, behind = now.vectors(now.blocks - tip), now.vectors(pushes.behind - tip)
    ahead = now.vectors(pushes.ahead)
    off_line = -block + (block * ahead).sum(axis=2, keepdims=True) * ahead
    along = -(block * ahead).sum(axis=2, keepdims=True)
    alike = now.first(now.side[:, None] * pushes.sides)
    short, aside, left = now.first(pushes.short), now.first(pushes.aside), now.first(pushes.left)
    crowded = np.tanh((now.first(pushes.crowded()) - ROOM) / FINE)
    hindrance, much = pushes.in_the_way()
    hindered, how = now.vectors(hindrance), now.first(much)
    corner, near = obstructed(tip, pushes.behind, now.blocks, ROOM, np.zeros((1, 1, 1), np.bool_))
    close = [
        block,
        np.tanh(block / COARSE),
        np.tanh(block / FINE),
        _direction(behind),
        np.tanh(behind / COARSE),
        np.tanh(behind / FINE),
        ahead,
        off_line,
        np.tanh(off_line / ON_LINE),
        np.tanh((along + CONTACT) / FINE),
        np.tanh(left / COARSE),
        np.tanh(left / FINE),
        np.tanh(short / COARSE),
        np.tanh(short / FINE),
        np.tanh(aside / COARSE),
        np.tanh(aside / ON_LINE),
        alike,
        crowded,
        np.tanh((now.first(pushes.crossing) - ASIDE) / TOUCH),
        np.tanh(hindered / COARSE),
        np.tanh(now.vectors(corner) / COARSE),
        np.tanh(how / FINE),
        np.tanh(now.first(near) / FINE),
        _edge(now.vectors(pushes.behind)[..., 1:]),
    ]
    distance = lengths(behind)[..., None]
    others = [np.tanh(block / FAR), _direction(behind), np.tanh(distance / FAR), alike, crowded]
    return np.concatenate(close, axis=2), np.concatenate(others, axis=2)


def _edge(across: Float64) -> Float64:
    """How near the workspace's edges places are, along the mouths, any shape: 1 and -1 beyond them, 0 in the middle."""
    edges: Float64 = np.tanh((across - EDGE) / FINE) + np.tanh((across + EDGE) / FINE)
    return edges / 2


def _direction(vectors: Float64) -> Float64:
    """Unit vectors (..., 2)."""
    return vectors / np.maximum(lengths(vectors), 1e-9)[..., None]


def _places(states: Float64) -> tuple[Float64, Float64, Float64]:
    """The tip (B, 2), the blocks (B, 8, 2) and an axis of each of them (B, 8, 2), in coordinates (u, v)."""
    half = 3 * EACH
    things = [states[:, :half], states[:, half + 2 :]]
    blocks = np.concatenate([each.reshape(-1, EACH, 3) for each in things], axis=1)
    yaw, x, y = blocks[..., 0], blocks[..., 1], blocks[..., 2]
    tip = np.stack([states[:, half + 1], states[:, half] - MIDDLE], axis=1)
    axes = np.stack([np.sin(yaw), np.cos(yaw)], axis=2)
    return tip, np.stack([y, x - MIDDLE], axis=2), axes


def ascending(values: Float64) -> Int64:
    """Which of a row's values (B, N) is the least, the next and so on, (B, N); by counting, since ONNX sorts nothing."""
    every = np.arange(values.shape[1])
    mine, other = values[:, :, None], values[:, None, :]
    before = (other < mine) | ((other == mine) & (every < every[:, None]))
    rank = before.sum(axis=2)
    order: Int64 = (rank[:, None, :] == every[:, None]).astype(np.float64).argmax(axis=2)
    return order
