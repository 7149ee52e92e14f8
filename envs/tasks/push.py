"""Push a block into a target zone with the tip of a tool: the single-target task of Implicit Behavioral Cloning.

Constants follow the published environment (Florence et al. 2021, and the code released with it). What it does
unintentionally is mended here:

* The block's yaw was drawn from (1, pi] where [0, pi] was meant; `published_yaw_range` brings the narrow range back.
* The measured effector was the centre of mass of the last link, 1.4 mm beside the commanded point. Here both are the
  tool's tip.
* The visible head of the tool was five times as wide as what collided. Here one sees what collides.
* Joint motors had 1200 N m and jumped to their targets. Here joints run evenly, at the xArm6's speed limit at most, and
  the commanded point stays within the arm's reach as well as within the workspace.
* The tolerance was 0.01 m where demonstrations were recorded and 0.02 m where policies were judged: `goal_tolerance`.

Kept: yaws in the observation are raw angles in (-pi, pi], which wrap; the target's yaw does not matter for success.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi
from typing import ClassVar, Final

import numpy as np

from ibc_gym.records import Layout, Pose, Progress, Situation

from ..scene_spec import Body
from .tabletop import TabletopConfig, TabletopTask, gap, lying, standing
from .tabletop_scene import GREEN, RED, block, target_zone

BLOCK_CENTRE: Final = (0.4, -0.2)
BLOCK_SPREAD: Final = (0.1, 0.15)
"""Half widths of the block's uniform start [m]."""
TARGET_CENTRE: Final = (0.4, 0.2)
TARGET_SPREAD: Final = (0.1, 0.15)
TARGET_YAW_SPREAD: Final = pi / 6


@dataclass(frozen=True, kw_only=True)
class PushConfig(TabletopConfig):
    """Settings of the push task; the defaults are those that policies are judged by."""

    goal_tolerance: float = 0.02
    """Distance from the block's centre to the target's that counts as success [m]; 0.01 to record demonstrations."""
    published_yaw_range: bool = False
    """Draw the block's yaw from (1, pi] as the published code does, instead of [0, pi]."""

    def draw_block(self, rng: np.random.Generator) -> Pose:
        """A block in the near half of the table, uniformly in place and yaw."""
        x, y = rng.uniform(-1.0, 1.0, 2) * BLOCK_SPREAD + BLOCK_CENTRE
        return standing(x, y, rng.uniform(1.0 if self.published_yaw_range else 0.0, pi))


class Push(TabletopTask[PushConfig]):
    """Push the block's centre to the target's centre."""

    Config: ClassVar = PushConfig
    name = "push"

    def bodies(self) -> tuple[Body, ...]:
        """The target zone and the block."""
        return (target_zone("target", GREEN), block("block", RED))

    def layout(self, rng: np.random.Generator) -> Layout:
        """Block and target in their halves of the table, uniformly in place and yaw."""
        return {"block": self.config.draw_block(rng), "target": draw_zone(rng)}

    def measure(self, situation: Situation, before: Progress | None) -> Progress:
        """Distance to the goal now and at the start [m], and the best part of the way so far."""
        return measure_way(gap(situation, "block", "target"), before)

    def reward(self, progress: Progress) -> float:
        """The best part of the way so far, at most 1; 1 on success."""
        return 1.0 if self.success(progress) else progress["best_progress"]

    def success(self, progress: Progress) -> bool:
        """The block's centre is nearer to the target's than the tolerance; its yaw does not matter."""
        return progress["goal_distance"] < self.config.goal_tolerance


def draw_zone(rng: np.random.Generator) -> Pose:
    """A target zone in the far half of the table, uniformly in place and yaw."""
    x, y = rng.uniform(-1.0, 1.0, 2) * TARGET_SPREAD + TARGET_CENTRE
    return lying(x, y, draw_zone_yaw(rng))


def draw_zone_yaw(rng: np.random.Generator) -> float:
    """The yaw of a target zone, about that of the camera [rad]."""
    return pi + rng.uniform(-TARGET_YAW_SPREAD, TARGET_YAW_SPREAD)


def measure_way(distance: float, before: Progress | None) -> Progress:
    """Distance to a goal now and at the start [m], and the best part of the way so far."""
    start = distance if before is None else before["start_distance"]
    done = 1.0 - distance / start if start > 0 else 1.0
    best = done if before is None else max(done, before["best_progress"])
    return {"goal_distance": distance, "start_distance": start, "best_progress": best}
