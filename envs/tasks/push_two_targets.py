"""Push a block into a first zone and then into a second: "Multi Target, States" of Implicit Behavioral Cloning.

Constants follow the published environment ("block pushing, discontinuous", Florence et al. 2021, and the code released
with it). What it does unintentionally is mended here, beside what the push task mends:

* Success tested the first zone twice, where the second was meant. Here the block must have been in the first and then
  be in the second.
* The order of the visits was not checked. Here the second zone counts from when the first was reached.
* Both zones looked the same. Here the first is green and the second red, as their files were meant to be.

Kept: the starts, of which those are drawn again whose zones are not 15 cm apart along x; the reward, which is 1 at the
end of a success and 0 before; yaws do not matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from ibc_gym.records import Layout, Progress, Situation

from ..scene_spec import Body
from .push import TARGET_CENTRE, TARGET_SPREAD, PushConfig, draw_zone_yaw
from .tabletop import TabletopTask, gap, lying
from .tabletop_scene import GREEN, RED, block, target_zone

ZONE_ROWS: Final = (0.0, 0.4)
"""y of the two zones [m]."""
LEAST_ZONE_GAP: Final = 0.15
"""Between the zones along x [m]."""


@dataclass(frozen=True, kw_only=True)
class PushTwoTargetsConfig(PushConfig):
    """Settings of the task with two targets for one block."""

    goal_tolerance: float = 0.04
    """Distance from the block's centre to a target's that counts as being there [m]."""
    horizon: int = 200
    """Control periods after which an episode is cut off."""


class PushTwoTargets(TabletopTask[PushTwoTargetsConfig]):
    """Push the block's centre to the centre of "target", then to that of "target2"."""

    Config: ClassVar = PushTwoTargetsConfig
    name = "push-two-targets"

    def bodies(self) -> tuple[Body, ...]:
        """The two zones and the block."""
        return (target_zone("target", GREEN), target_zone("target2", RED), block("block", RED))

    def layout(self, rng: np.random.Generator) -> Layout:
        """The block as in the push task; the zones in two rows, far apart along x."""
        layout = {"block": self.config.draw_block(rng)}
        middle, spread = TARGET_CENTRE[0], TARGET_SPREAD[0]
        places = rng.uniform(middle - spread, middle + spread, 2)
        while abs(places[0] - places[1]) <= LEAST_ZONE_GAP:
            places = rng.uniform(middle - spread, middle + spread, 2)
        for zone, x, y in zip(("target", "target2"), places.tolist(), ZONE_ROWS, strict=True):
            layout[zone] = lying(x, y, draw_zone_yaw(rng))
        return layout

    def measure(self, situation: Situation, before: Progress | None) -> Progress:
        """The least distance to the first target so far, and to the second since then; and their mean [m].

        Until the first target is reached, the second distance is the one of now.
        """
        first, second = gap(situation, "block", "target"), gap(situation, "block", "target2")
        if before is not None:
            first = min(first, before["min_distance_first_target"])
            if before["min_distance_first_target"] < self.config.goal_tolerance:
                second = min(second, before["min_distance_second_target"])
        return {
            "min_distance_first_target": first,
            "min_distance_second_target": second,
            "goal_distance": (first + second) / 2,
        }

    def reward(self, progress: Progress) -> float:
        """1 on success, else 0."""
        return float(self.success(progress))

    def success(self, progress: Progress) -> bool:
        """The block was in the first target, and then in the second."""
        tolerance = self.config.goal_tolerance
        return (
            progress["min_distance_first_target"] < tolerance
            and progress["min_distance_second_target"] < tolerance
        )
