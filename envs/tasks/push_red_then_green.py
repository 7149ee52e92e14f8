"""Push a red toy into its fixture, then a green one into its own: "Push-Red-then-Green" of Implicit Behavioral Cloning.

A simulated twin of the real task of Florence et al. 2021 (Table 1 and §C.3). Table, toys, fixtures, starts, actions and
observations are those of push-red-green. Here the order counts, and which fixture: the red toy's is the one that is
nearer to the camera (our choice). Whoever puts the green toy in before the red one ever was in has failed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ibc_gym.records import Progress, Situation

from .push_red_green import TOYS, PushRedGreen, PushRedGreenConfig


@dataclass(frozen=True, kw_only=True)
class PushRedThenGreenConfig(PushRedGreenConfig):
    """Settings of the task with an order."""


class PushRedThenGreen(PushRedGreen):
    """Push the red toy into the first fixture, then the green toy into the second."""

    Config: ClassVar = PushRedThenGreenConfig
    name = "push-red-then-green"

    def measure(self, situation: Situation, before: Progress | None) -> Progress:
        """Which toys are in their fixtures, whether that came about in the wrong order, and the mean distance left [m]."""
        assert situation.poses is not None
        placed, away = [], 0.0
        for toy, pocket in zip(TOYS, self.pockets, strict=True):
            pose = situation.poses[toy]
            placed.append(pocket.holds(pose, self.config.goal_tolerance))
            ahead, aside = pocket.along(pose)
            away += (ahead**2 + aside**2) ** 0.5 / len(TOYS)
        red, green = placed
        red_before = red or (before is not None and before["red_was_in"] > 0)
        spoilt = before is not None and before["out_of_order"] > 0
        return {
            "goal_distance": away,
            "toys_in": float(red + green),
            "red_was_in": float(red_before),
            "out_of_order": float(spoilt or (green and not red_before)),
        }

    def success(self, progress: Progress) -> bool:
        """Both are in, and the red one was in first."""
        return super().success(progress) and not progress["out_of_order"]
