"""One block after the other is pushed to its goal, around the blocks that stand in the way.

The scripts published with Florence et al. 2021 push straight, and leave a block that is done by way of two fixed points;
then the tip brushes other blocks and the way is long. Going around them is ours.
"""

from __future__ import annotations

import numpy as np

from ibc_gym.records import Bool, Float64, Int64

from .detour import Box, next_corner
from .oriented_push import CAREFUL, OrientedPush, PushStyle


class SeveralPushes:
    """Pushes K blocks to a goal each, in the order wanted, in each of B episodes.

    A block that was placed and is moved away again is brought back before anything else is done that comes later.
    """

    def __init__(
        self,
        control_period: float,
        within: Box,
        *,
        there: float,
        lost: float,
        apart: float = 0.07,
        style: PushStyle = CAREFUL,
    ) -> None:
        """Make one.

        Args:
            control_period: [s]
            within: Where the tip may go [m].
            there: Distance to its goal at which a block is placed [m].
            lost: Distance at which a placed block is no longer [m].
            apart: Least distance between the centres of a block that is pushed and of the others [m].
            style: Of every single push.
        """
        self._push = OrientedPush(control_period, style, within)
        (x0, y0), (x1, y1) = within
        edge = self._push.style.behind[0]
        self._blocks_within: Box = ((x0 + edge, y0 + edge), (x1 - edge, y1 - edge))
        self._there, self._lost, self._apart = there, lost, apart
        self._placed: Bool = np.zeros((0, 0), dtype=np.bool_)
        self._active: Int64 = np.zeros(0, dtype=np.int64)

    def reset(self, mask: Bool) -> None:
        """Begin with the first block in the rows under the mask, (B,)."""
        if len(self._active) != len(mask):
            self._active = np.zeros(len(mask), dtype=np.int64)
            self._placed = np.zeros((len(mask), 0), dtype=np.bool_)
        self._active[mask] = -1
        self._placed[mask] = False
        self._push.reset(mask)

    def move(
        self,
        tip: Float64,
        blocks: Float64,
        yaws: Float64,
        goals: Float64,
        order: Int64,
        *,
        symmetry: float | Float64 = np.pi / 2,
    ) -> Float64:
        """How far the tip goes in this control period, (B, 2) [m].

        Args:
            tip: Where it is commanded to be, (B, 2) [m].
            blocks: Their centres, (B, K, 2) [m].
            yaws: Of the blocks, (B, K) [rad].
            goals: Where the centre of each block shall be, (B, K, 2) [m].
            order: Which block comes first, second, ..., (B, K).
            symmetry: The angle after which each block looks the same, () or (K,) [rad].
        """
        rows = np.arange(len(tip))
        active = self._choose(np.linalg.norm(blocks - goals, axis=2), order)
        block, goal = blocks[rows, active], goals[rows, active]
        others = blocks[np.arange(blocks.shape[1]) != active[:, None]]
        others = others.reshape(len(tip), -1, 2)
        towards = next_corner(block, goal, others, self._apart, self._blocks_within)
        return self._push.move(
            tip,
            block,
            yaws[rows, active],
            towards,
            symmetry=np.broadcast_to(symmetry, blocks.shape[1])[active],
            obstacles=blocks,
        )

    def _choose(self, distance: Float64, order: Int64) -> Int64:
        """The first block in the order that is not placed, or the last one, (B,)."""
        if self._placed.shape != distance.shape:
            self._placed = np.zeros(distance.shape, dtype=np.bool_)
        self._placed = np.where(self._placed, distance < self._lost, distance < self._there)
        waiting = ~np.take_along_axis(self._placed, order, axis=1)
        waiting[:, -1] = True
        active: Int64 = np.take_along_axis(order, waiting.argmax(axis=1)[:, None], axis=1)[:, 0]
        self._push.reset(active != self._active)
        self._active = active
        return active
