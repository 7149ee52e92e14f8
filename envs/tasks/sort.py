"""Sort four blue and four yellow blocks into two fixtures: "Sort-Blue-from-Yellow" of Implicit Behavioral Cloning.

A simulated twin of the real task of Florence et al. 2021 (Table 1 and §C.3): the board, the pipe, the camera, actions at
5 Hz, 60 s at most, a state of 26 numbers, and 1/8 of the score for every block that is where it belongs. What the paper
leaves open is ours: all blocks are the shape sorter's cubes; the fixtures stand at the ends of the board with their mouths
to its middle, blue always on the arm's left and yellow on its right, because a state of 26 numbers cannot say which; blocks
begin in the middle with any yaw, 75 mm apart, so that the pipe finds its way between them.

Of the tip the state has the commanded place, as in push-red-green.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import hypot, pi
from typing import ClassVar, Final

import numpy as np

from ibc_gym.records import Float64, Layout, Progress, Situation

from ..scene_spec import Body
from .pocket import Pocket
from .push_red_green import BOARD_STAGE, PushRedGreenConfig
from .tabletop import TIP_KEYS, TabletopTask, standing
from .toys import BLUE, HEIGHT, YELLOW, cube

EACH: Final = 4
"""Blocks of one colour."""
BLUE_BLOCKS: Final = tuple(f"blue{number}" for number in range(1, EACH + 1))
YELLOW_BLOCKS: Final = tuple(f"yellow{number}" for number in range(1, EACH + 1))
BLOCKS: Final = BLUE_BLOCKS + YELLOW_BLOCKS
BLOCK_CENTRE: Final = (0.375, 0.0)
BLOCK_SPREAD: Final = (0.15, 0.13)
"""Half widths of the blocks' uniform start [m]."""
LEAST_GAP: Final = 0.075
"""Between the centres of any two blocks at the start [m]."""
POCKETS: Final = (
    Pocket(centre=(0.375, 0.245), yaw=pi / 2, width=0.26, depth=0.08),
    Pocket(centre=(0.375, -0.245), yaw=-pi / 2, width=0.26, depth=0.08),
)
"""Of the blue blocks, and of the yellow ones."""
HOME: Final = (0.17, 0.0)
"""Where the tip begins an episode, beside the blocks [m]."""


@dataclass(frozen=True, kw_only=True)
class SortConfig(PushRedGreenConfig):
    """Settings of the sorting task."""

    goal_tolerance: float = 0.02
    """How far short of the middle of its fixture a block may be and still counts as in [m]."""


class Sort(TabletopTask[SortConfig]):
    """Push the blue blocks into the one fixture and the yellow blocks into the other."""

    Config: ClassVar = SortConfig
    name = "sort"
    score = "best_reward"
    """What an evaluation is summed up by: the best part of the blocks that were in place at one time."""
    stage: ClassVar = replace(BOARD_STAGE, home=HOME)
    tip_in_state: ClassVar = TIP_KEYS[:1]
    pockets: ClassVar = POCKETS

    def bodies(self) -> tuple[Body, ...]:
        """Two fixtures and eight blocks."""
        return (
            self.pockets[0].body("blue_fixture"),
            self.pockets[1].body("yellow_fixture"),
            *(cube(name, BLUE) for name in BLUE_BLOCKS),
            *(cube(name, YELLOW) for name in YELLOW_BLOCKS),
        )

    def layout(self, rng: np.random.Generator) -> Layout:
        """All blocks in the middle of the board, apart, with any yaw."""
        return {
            block: standing(x, y, rng.uniform(-pi, pi), HEIGHT)
            for block, (x, y) in zip(BLOCKS, _draw_apart(rng).tolist(), strict=True)
        }

    def measure(self, situation: Situation, before: Progress | None) -> Progress:
        """How many blocks are in the fixture of their colour, and the mean way that is left for the others [m]."""
        assert situation.poses is not None
        placed, away = 0, 0.0
        for block in BLOCKS:
            pocket, pose = self.pockets[block in YELLOW_BLOCKS], situation.poses[block]
            if pocket.holds(pose, self.config.goal_tolerance):
                placed += 1
            else:
                ahead, aside = pocket.along(pose)
                beside = max(abs(aside) - pocket.width / 2, 0.0)
                away += hypot(ahead, beside) / len(BLOCKS)
        return {"goal_distance": away, "score": placed / len(BLOCKS)}

    def reward(self, progress: Progress) -> float:
        """The score of this instant: 1/8 for every block that is in the fixture of its colour."""
        return progress["score"]

    def success(self, progress: Progress) -> bool:
        """Every block is in the fixture of its colour."""
        return progress["score"] == 1.0


def _draw_apart(rng: np.random.Generator) -> Float64:
    """Places of all blocks, (8, 2) [m]: one after the other, and all anew where there is no room left."""
    while True:
        places: list[Float64] = []
        for _ in range(100):
            place = rng.uniform(-1.0, 1.0, 2) * BLOCK_SPREAD + BLOCK_CENTRE
            if all(hypot(*(place - other)) > LEAST_GAP for other in places):
                places.append(place)
            if len(places) == len(BLOCKS):
                return np.array(places)
