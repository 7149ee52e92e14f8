"""What follows from where the blocks of the sorting task are: where each is pushed to next, from where, and what is in the way.

Everything is batched over B scenes of 8 blocks, in coordinates (u, v) [m]: u from the middle of the board towards the blue
fixture, v along the fixtures' mouths. Lengths are the task's: half the depth of a fixture lies before its middle.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ibc_gym.records import Bool, Float64

from .real_stage import PIPE_RADIUS
from .sort import BLOCKS, EACH, POCKETS
from .toys import CUBE_SIDE, WIDEST

FIXTURE: Final = POCKETS[0].centre[1]
"""Of the middle of a fixture, along u [m]."""
HALF_DEPTH: Final = POCKETS[0].depth / 2
HALF_WIDTH: Final = POCKETS[0].width / 2
IN: Final = 0.01
"""Short of the middle of its fixture, where a block is certainly in [m]."""
SPACING: Final = 0.058
"""Between the places in a fixture [m]: four blocks and the gaps between them."""
GATE: Final = 0.055
"""Before the mouth, where a block is brought to that stands too far aside to go in straight [m]."""
NEAR: Final = 0.03
"""Before the mouth, where a block is about to enter [m]."""
ASIDE: Final = 0.012
"""How far aside of its place a block may cross the mouth [m]."""
BEHIND: Final = 0.05
"""Distance from a block's centre at which a push begins [m]."""
CONTACT: Final = CUBE_SIDE / 2 + PIPE_RADIUS
"""The same where the tip touches a side [m]."""
ROOM: Final = 0.04
"""From the centre of a block to a tip that passes it, at least [m]."""
ROOM_FOR_A_BLOCK: Final = 0.054
"""From the centre of a block to that of one that is pushed past it, at least [m]."""


class Pushes:
    """The next push of every block."""

    def __init__(self, blocks: Float64) -> None:
        """Work it out.

        Args:
            blocks: Their places (u, v), (B, 8, 2) [m], blue ones first.
        """
        self.sides = np.array([1.0] * EACH + [-1.0] * EACH)
        """1 for blocks that belong to where u grows, else -1, (8,)."""
        self.blocks = blocks
        own = np.stack([blocks[..., 0] * self.sides, blocks[..., 1]], axis=2)
        self.short = own[..., 0] - FIXTURE
        """How far beyond the middle of its fixture a block is, as seen when looking in, (B, 8) [m]."""
        self.placed: Bool = (self.short > -IN) & (np.abs(own[..., 1]) < HALF_WIDTH)
        slot = _free_slots(self.short, own[..., 1])
        self.aside = own[..., 1] - slot
        """How far aside of its free place, along v, (B, 8) [m]."""
        self.crossing = np.abs(self.aside) * np.minimum(
            1.0, HALF_DEPTH / np.maximum(-self.short, 1e-9)
        )
        """How far aside of it a block would cross the mouth if it went straight there, (B, 8) [m]."""
        goal = self._goal(own, slot)
        self.goal = np.stack([goal[..., 0] * self.sides, goal[..., 1]], axis=2)
        """Where it is pushed to next, (B, 8, 2) [m]."""
        way = self.goal - blocks
        self.left = lengths(way)
        """How far that is, (B, 8) [m]."""
        self.ahead = way / np.maximum(self.left, 1e-9)[..., None]
        """The direction to there, (B, 8, 2)."""
        self.behind = blocks - BEHIND * self.ahead
        """Where a push begins, (B, 8, 2) [m]."""

    def _goal(self, own: Float64, slot: Float64) -> Float64:
        """Where blocks go next, seen from their own fixture, (B, 8, 2): to their place, or before the mouth."""
        along, across = own[..., 0], own[..., 1]
        straight = self.crossing < ASIDE
        # Arrays rather than two numbers to choose from, which a graph traced from this would hold in single precision.
        width, middle = np.full_like(across, HALF_WIDTH), np.full_like(along, FIXTURE)
        room = np.where(self.short > -HALF_DEPTH, width, width - WIDEST)
        entering = (self.short > -HALF_DEPTH - NEAR) & (np.abs(across) < room)
        u = np.where(straight | entering, middle, middle - HALF_DEPTH - GATE)
        v = np.where(entering, slot + 0.5 * self.aside, slot)
        # At the end of a wall a block is pushed along the mouth, or from beside the fixture back.
        caught = ~entering & ~straight & (self.short > -HALF_DEPTH - GATE + 0.01)
        back = np.minimum(along, FIXTURE - HALF_DEPTH - NEAR + 0.01) - 0.005
        u = np.where(caught, back, u)
        beside = caught & (self.short > -HALF_DEPTH + 0.005 - CUBE_SIDE / 2)
        u = np.where(beside, FIXTURE - HALF_DEPTH - GATE - 0.02, u)
        v = np.where(beside, across, v)
        return np.stack([u, v], axis=2)

    def reach(self, tip: Float64) -> Float64:
        """How far a tip (B, 2) is from where it would push each block, from the begin of that to the contact, (B, 8) [m]."""
        off = tip[:, None] - self.blocks
        along = np.clip((off * self.ahead).sum(axis=2), -BEHIND, -CONTACT)
        return lengths(off - along[..., None] * self.ahead)

    def crowded(self) -> Float64:
        """How far the place behind each block is from the nearest other block, (B, 8) [m]."""
        every = np.arange(len(BLOCKS))
        itself = every[:, None] == every
        away = lengths(self.behind[:, :, None] - self.blocks[:, None]) + 10.0 * itself
        distance: Float64 = away.min(axis=2)
        return distance

    def in_the_way(self) -> tuple[Float64, Float64]:
        """For every block what is most in the way of it to where it goes next, as `obstructed` tells it."""
        alike = self.sides[:, None] == self.sides
        # Blocks that are in the same fixture give way.
        none = self.placed[:, None] & alike[None]
        return obstructed(self.blocks, self.goal, self.blocks, ROOM_FOR_A_BLOCK, none)


def obstructed(
    start: Float64, end: Float64, things: Float64, room: float, none: Bool
) -> tuple[Float64, Float64]:
    """Which of K things is most in the way from N starts to N ends, all (B, ..., 2) [m].

    What is at an end of a way already is in it only as far as the way comes nearer than that.

    Args:
        start: (B, N, 2) or (B, 1, 2)
        end: (B, N, 2)
        things: Their centres, (B, K, 2).
        room: Least distance to a centre [m].
        none: What is in nobody's way, (B, N, K) or (B, 1, K).

    Returns:
        That thing as seen from the start, (B, N, 2) [m], and how much nearer it is than it should be, (B, N) [m]; or zeros
        and -5 cm where nothing is within 5 cm of what is too near.
    """
    way = (end - start)[:, :, None]
    off = things[:, None] - start[:, :, None]  # (B, N, K, 2)
    share = (off * way).sum(axis=3) / np.maximum((way * way).sum(axis=3), 1e-12)
    apart = lengths(off - np.clip(share, 0.0, 1.0)[..., None] * way)
    ends = np.minimum(lengths(off), lengths(off - way))
    much = np.minimum(room, ends) - apart  # 0 where the thing is passed no nearer than at an end
    much = np.where(none | (ends - apart < 1e-6), -0.05, np.maximum(much, -0.05))
    most = much.argmax(axis=2)[..., None]
    seen = np.take_along_axis(off + 0.0 * way, most[..., None], axis=2)[:, :, 0]
    how = np.take_along_axis(much, most, axis=2)[:, :, 0]
    return np.where((how > -0.05)[..., None], seen, 0.0), how


def depth(tip: Float64, blocks: Float64, axes: Float64) -> Float64:
    """How deep the commanded tip (B, 2) is in each of the cubes.

    Args:
        tip: (B, 2) [m]
        blocks: Centres of the cubes, (B, 8, 2) [m].
        axes: Unit vectors at a right angle to one of their sides, (B, 8, 2).

    Returns:
        (B, 8) [m], negative beside them.
    """
    off = tip[:, None] - blocks
    along = (off * axes).sum(axis=2)
    across = off[..., 1] * axes[..., 0] - off[..., 0] * axes[..., 1]
    beyond = np.abs(np.stack([along, across], axis=2)) - CUBE_SIDE / 2
    inside = np.minimum(beyond.max(axis=2), 0.0)
    deep: Float64 = PIPE_RADIUS - lengths(np.maximum(beyond, 0.0)) - inside
    return deep


def _free_slots(short: Float64, across: Float64) -> Float64:
    """The nearest place along the mouth that no other block of the colour is in, (B, 8) [m]."""
    slots = SPACING * (np.arange(EACH) - (EACH - 1) / 2)
    away = np.abs(across[..., None] - slots)  # (B, 8, 4)
    nearest = away == away.min(axis=2, keepdims=True)
    own = (nearest & (short > -HALF_DEPTH)[..., None]).astype(np.float64)
    alike = np.repeat(
        np.stack([own[:, :EACH].sum(axis=1), own[:, EACH:].sum(axis=1)], axis=1), EACH, axis=1
    )
    free = (away + 10.0 * (alike - own > 0)).argmin(axis=2)
    taken: Float64 = SPACING * (free - (EACH - 1) / 2)
    return taken


def lengths(vectors: Float64) -> Float64:
    """Of vectors (..., 2), (...)."""
    length: Float64 = np.sqrt((vectors * vectors).sum(axis=-1))
    return length
