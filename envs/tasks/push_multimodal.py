"""Push two blocks into two zones, either block into either zone and in any order: a task with many right ways.

Constants follow the environment released with Florence et al. 2021 ("block pushing, multimodal"), which reports no
result on it; Shafiullah et al. 2022 and Chi et al. 2023 made it a benchmark. What is mended is what the push task mends.

Kept: blocks and zones are drawn again until they are apart along x alone; a block belongs to the zone that is nearest
to it; the reward is 1 at the end of a success and 0 before; yaws do not matter. Chi et al. have other settings: a
tolerance of 0.05 m, 350 steps, and zones that hardly vary. `blocks_placed` tells their partial successes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from ibc_gym.records import Layout, Pose, Progress, Situation

from ..scene_spec import Body
from .push import PushConfig, draw_zone
from .tabletop import TabletopTask, gap
from .tabletop_scene import GREEN, LIME, RED, block, target_zone

BLOCKS: Final = ("block", "block2")
TARGETS: Final = ("target", "target2")
LEAST_BLOCK_GAP: Final = 0.1
LEAST_ZONE_GAP: Final = 0.12
"""Between the two along x at the start [m]."""


@dataclass(frozen=True, kw_only=True)
class PushMultimodalConfig(PushConfig):
    """Settings of the task with two blocks and two targets."""

    goal_tolerance: float = 0.04
    """Distance from a block's centre to a target's that counts as being there [m]."""
    horizon: int = 200
    """Control periods after which an episode is cut off."""


class PushMultimodal(TabletopTask[PushMultimodalConfig]):
    """Push each block's centre to the centre of a target of its own."""

    Config: ClassVar = PushMultimodalConfig
    name = "push-multimodal"

    def bodies(self) -> tuple[Body, ...]:
        """Two zones and two blocks."""
        return (
            target_zone("target", GREEN),
            target_zone("target2", RED),
            block("block", RED),
            block("block2", LIME),
        )

    def layout(self, rng: np.random.Generator) -> Layout:
        """Two blocks in their half of the table and two zones in theirs, each pair apart along x."""
        blocks = _draw_apart(rng, self.config.draw_block, LEAST_BLOCK_GAP)
        zones = _draw_apart(rng, draw_zone, LEAST_ZONE_GAP)
        return dict(zip(BLOCKS + TARGETS, blocks + zones, strict=True))

    def measure(self, situation: Situation, before: Progress | None) -> Progress:
        """How many targets have a block of their own, and how far the blocks are from the better pairing [m]."""
        distances = [[gap(situation, each, target) for target in TARGETS] for each in BLOCKS]
        straight = distances[0][0] + distances[1][1]
        crossed = distances[0][1] + distances[1][0]
        filled = {row.index(min(row)) for row in distances if min(row) < self.config.goal_tolerance}
        return {"goal_distance": min(straight, crossed) / 2, "blocks_placed": float(len(filled))}

    def reward(self, progress: Progress) -> float:
        """1 on success, else 0."""
        return float(self.success(progress))

    def success(self, progress: Progress) -> bool:
        """Each block is within the tolerance of the target nearest to it, and those are two."""
        return progress["blocks_placed"] == len(TARGETS)


def _draw_apart(
    rng: np.random.Generator, draw: Callable[[np.random.Generator], Pose], least: float
) -> tuple[Pose, Pose]:
    """Two poses that are further apart along x than `least` [m]."""
    while True:
        one, other = draw(rng), draw(rng)
        if abs(one.position[0] - other.position[0]) > least:
            return one, other
