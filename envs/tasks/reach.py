"""Bring the tip behind the block, ready to push it towards its target: the simplest task of the published environment.

After the task REACH of the code released with Florence et al. 2021, which reports no result on it. Scene, starts and
observation are those of the push task. Published are the point to reach, 5 cm behind the block's centre as seen from
the target, and the 50 steps; the tolerance and the reward, which go by the measured tip, are our choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot
from typing import ClassVar, Final

import numpy as np

from ibc_gym.records import Layout, Progress, Situation

from ..scene_spec import Body
from .push import PushConfig, draw_zone, measure_way
from .tabletop import TabletopTask
from .tabletop_scene import GREEN, RED, block, target_zone

BEHIND: Final = 0.05
"""Of the point to reach, from the block's centre away from the target [m]."""


@dataclass(frozen=True, kw_only=True)
class ReachConfig(PushConfig):
    """Settings of the reach task."""

    goal_tolerance: float = 0.01
    """Distance from the tip to the point behind the block that counts as success [m]."""
    horizon: int = 50
    """Control periods after which an episode is cut off."""


class Reach(TabletopTask[ReachConfig]):
    """Bring the tip to the point behind the block, wherever the block is by then."""

    Config: ClassVar = ReachConfig
    name = "reach"

    def bodies(self) -> tuple[Body, ...]:
        """The target zone and the block."""
        return (target_zone("target", GREEN), block("block", RED))

    def layout(self, rng: np.random.Generator) -> Layout:
        """Block and target as in the push task."""
        return {"block": self.config.draw_block(rng), "target": draw_zone(rng)}

    def measure(self, situation: Situation, before: Progress | None) -> Progress:
        """Distance to the goal now and at the start [m], and the best part of the way so far."""
        assert situation.poses is not None and situation.robot.tool is not None
        tip = situation.robot.tool.position
        block, target = situation.poses["block"].position, situation.poses["target"].position
        (x, y), (ahead_x, ahead_y) = block[:2].tolist(), (target - block)[:2].tolist()
        back = BEHIND / max(hypot(ahead_x, ahead_y), 1e-9)
        missing = hypot(tip[0] - x + back * ahead_x, tip[1] - y + back * ahead_y)
        return measure_way(missing, before)

    def reward(self, progress: Progress) -> float:
        """The best part of the way so far, at most 1; 1 on success."""
        return 1.0 if self.success(progress) else progress["best_progress"]

    def success(self, progress: Progress) -> bool:
        """The tip is nearer to the point behind the block than the tolerance."""
        return progress["goal_distance"] < self.config.goal_tolerance
