"""The scripted demonstrator of the sorting task: block after block into the fixture of its colour."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, sin
from typing import Final

import numpy as np

from ibc_gym.records import Bool, Float32, Float64, Int64, Observation

from ..tasks.real_stage import PIPE_RADIUS
from ..tasks.sort import BLOCKS, EACH, Sort
from ..tasks.sort_pushes import ASIDE, CONTACT, SPACING
from ..tasks.toys import CUBE_SIDE, WIDEST
from .into_pockets import IntoPockets, Seats
from .line_push import LineStyle
from .pressing import pressed
from .tabletop_state import TabletopState

CAREFUL: Final = LineStyle(contact=CONTACT, brushing=0.038)
"""For cubes, which the tip does not run into on its way."""
DEEP: Final = 0.003
"""How deep in a block the tip is sent when it turns back [m]."""
BACK: Final = 0.010
"""How far off it goes then [m]."""
CROWDED: Final = 0.040
"""Distance from a block to the place behind another at which the tip has no room there [m]."""
IN_THE_WAY: Final = 0.050
"""Distance of a block from another's way at which it is in it [m]."""
PENALTY: Final = 0.3
"""As far does the tip rather go than to have a block in the way [m]."""
WHIM: Final = 0.2
"""As far does the tip go at most for a block that is liked rather than another [m]."""
COLOUR: Final = 0.5
"""As far does it go for a block of the colour that comes first [m]."""
_ORDER_STREAM: Final = 5  # keeps the choice of the order apart from other draws by the same seed


class SortOracle:
    """The next block is one whose way is clear, near, and liked: what is liked is drawn at the start of every episode.

    In one episode of three blue blocks come first, as far as their ways are clear, in one yellow ones, and in one whichever
    is at hand. A block goes to the nearest free place along the mouth of its fixture.
    """

    def __init__(self, task: Sort) -> None:
        """Serve a sorting task at any control rate."""
        self._task = task
        pockets = task.pockets
        self._pushes = IntoPockets(
            task.control_period,
            (task.stage.lower, task.stage.upper),
            pockets,
            tolerance=task.config.goal_tolerance,
            slack=ASIDE,
            half_side=CUBE_SIDE / 2,
            reach=WIDEST,
            style=CAREFUL,
        )
        into = np.array([[cos(pocket.yaw), sin(pocket.yaw)] for pocket in pockets])
        self._into: Float64 = np.repeat(into, EACH, axis=0)  # (8, 2), by block
        self._centres = np.repeat(np.array([pocket.centre for pocket in pockets]), EACH, axis=0)
        self._mouth = pockets[0].depth / 2
        self._slots: Float64 = SPACING * np.linspace(-(EACH - 1) / 2, (EACH - 1) / 2, EACH)  # (4,)
        self._dislike: Float64 = np.zeros((0, len(BLOCKS)))

    def reset(self, mask: Bool, seeds: Sequence[int | None]) -> None:
        """Choose what the masked episodes begin with, each by its own seed."""
        if len(self._dislike) != len(mask):
            self._dislike = np.zeros((len(mask), len(BLOCKS)))
        for row in np.flatnonzero(mask).tolist():
            self._dislike[row] = _dislike(seeds[row])
        self._pushes.reset(mask)

    def act(self, observation: Observation) -> Float32:
        """Displacements of the commanded tip, (B, 2) [m], from observation["state"], (B, 26)."""
        state = TabletopState(self._task, observation)
        blocks = np.stack([state.place(block) for block in BLOCKS], axis=1)
        place = self._free_places(blocks)
        into = np.broadcast_to(self._into, place.shape)
        centre = np.broadcast_to(self._centres, place.shape)
        order = _order(state.tip, blocks, place, self._dislike)
        yaws = np.stack([state.yaw(block) for block in BLOCKS], axis=1)
        depth, away = pressed(state.tip, blocks, yaws, side=CUBE_SIDE, radius=PIPE_RADIUS)
        stuck = depth > DEEP
        self._pushes.hinder(stuck)
        move = self._pushes.move(
            state.tip, blocks, Seats(place=place, centre=centre, into=into), order
        )
        retreat = (depth + BACK)[:, None] * away
        return np.where(stuck[:, None], retreat, move).astype(np.float32)

    def _free_places(self, blocks: Float64) -> Float64:
        """For every block the nearest slot of its fixture that no other block is in, (B, 8, 2) [m]."""
        off = blocks - self._centres
        there = (off * self._into).sum(axis=2) > -self._mouth  # (B, 8)
        away = np.abs(off[:, :, None, 0] - self._slots)  # (B, 8, 4)
        own = (away == away.min(axis=2, keepdims=True)) & there[:, :, None]
        place = np.broadcast_to(self._centres, blocks.shape).copy()
        for index in range(len(BLOCKS)):
            colour = slice(index - index % EACH, index - index % EACH + EACH)
            others = own[:, colour].sum(axis=1) - own[:, index]  # (B, 4)
            slot = (away[:, index] + 10.0 * (others > 0)).argmin(axis=1)
            place[:, index, 0] += self._slots[slot]
        return place


def _order(tip: Float64, blocks: Float64, place: Float64, dislike: Float64) -> Int64:
    """Blocks by how much is in their way, how far the tip has to go, and how little they are liked, (B, 8)."""
    ahead = place - blocks
    ahead /= np.maximum(np.linalg.norm(ahead, axis=2, keepdims=True), 1e-9)
    behind = blocks - CAREFUL.behind * ahead
    off = np.linalg.norm(blocks[:, None] - behind[:, :, None], axis=3)  # (B, 8, 8)
    off[:, np.arange(len(BLOCKS)), np.arange(len(BLOCKS))] = np.inf
    crowded = (off < CROWDED).sum(axis=2)
    way = place - blocks
    to_others = blocks[:, None] - blocks[:, :, None]  # (B, 8, 8, 2), from the one to the other
    share = (to_others * way[:, :, None]).sum(axis=3) / np.maximum((way * way).sum(axis=2), 1e-9)[
        :, :, None
    ]
    beside = to_others - np.clip(share, 0.0, 1.0)[..., None] * way[:, :, None]
    blocked = ((np.linalg.norm(beside, axis=3) < IN_THE_WAY) & (share > 0)).sum(axis=2)
    cost = np.linalg.norm(behind - tip[:, None], axis=2)
    cost += PENALTY * (crowded + blocked) + dislike
    order: Int64 = cost.argsort(axis=1)
    return order


def _dislike(seed: int | None) -> Float64:
    """How much further away the blocks seem than they are, (8,) [m]."""
    sequence = np.random.SeedSequence(seed, spawn_key=(_ORDER_STREAM,))
    rng = np.random.default_rng(sequence)
    later = rng.integers(3)  # blue blocks, yellow blocks, or none
    drawn: Float64 = rng.uniform(0.0, WHIM, len(BLOCKS))
    if later < 2:
        drawn[later * EACH : (later + 1) * EACH] += COLOUR
    return drawn
