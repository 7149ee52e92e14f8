"""Push a red and a green toy into two fixtures, in any order: "Push-Red/Green-Multimodal" of Implicit Behavioral Cloning.

A simulated twin of the real task of Florence et al. 2021 (Table 1 and §C.3): the board, the pipe, the camera, actions at
5 Hz, 60 s at most, a state of 8 numbers, and a score of 1 if both toys are in. The paper gives no lengths but the board's
and the pipe's. Ours: the toys are the moon and the star of the same shape sorter; the fixtures are wide enough for either
toy in any direction and stand still, so they are no part of the state; toys begin anywhere on the rest of the board.

The paper says of the 8 numbers only that there are so many: two poses and the tip. We take the commanded tip, which is
what an action displaces; "robot" has the measured one, too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import hypot, pi
from typing import ClassVar, Final

import numpy as np

from ibc_gym.records import Layout, Pose, Progress, Situation

from ..scene_spec import Body
from .pocket import Pocket
from .real_stage import TIGHT_STAGE
from .tabletop import TIP_KEYS, TabletopConfig, TabletopTask, standing
from .tabletop_scene import Physics, Stage
from .toys import GREEN, HEIGHT, RED, moon, star

BOARD_STAGE: Final[Stage] = replace(TIGHT_STAGE, physics=Physics())
"""The table of the real experiments with the physics of pushing: no fit is tight here."""
TOYS: Final = ("red", "green")
TOY_CENTRE: Final = (0.375, -0.06)
TOY_SPREAD: Final = (0.12, 0.10)
"""Half widths of the toys' uniform start [m]."""
LEAST_GAP: Final = 0.09
"""Between the toys' centres at the start [m]."""
POCKETS: Final = (
    Pocket(centre=(0.475, 0.23), yaw=pi / 2, width=0.08, depth=0.07),
    Pocket(centre=(0.275, 0.23), yaw=pi / 2, width=0.08, depth=0.07),
)
"""The first is nearer to the camera."""


@dataclass(frozen=True, kw_only=True)
class PushRedGreenConfig(TabletopConfig):
    """Settings of the tasks with a red and a green toy."""

    goal_tolerance: float = 0.01
    """How far short of the middle of a fixture a toy may be and still counts as in [m]."""
    horizon: int = 300
    """Control periods after which an episode is cut off: 60 s."""
    control_rate: float = 5.0
    """Actions per second [Hz]."""
    image_size: tuple[int, int] = (180, 320)
    """Height and width of the camera's picture [px]; its field of view stays the same."""

    aspect: ClassVar[tuple[int, int]] = (9, 16)


class PushRedGreen(TabletopTask[PushRedGreenConfig]):
    """Push each toy into a fixture of its own, either into either."""

    Config: ClassVar = PushRedGreenConfig
    name = "push-red-green"
    stage: ClassVar = BOARD_STAGE
    tip_in_state: ClassVar = TIP_KEYS[:1]
    pockets: ClassVar = POCKETS

    def bodies(self) -> tuple[Body, ...]:
        """Two fixtures, the moon and the star."""
        fixtures = (
            pocket.body(name)
            for pocket, name in zip(self.pockets, ("fixture", "fixture2"), strict=True)
        )
        return (*fixtures, moon("red", RED), star("green", GREEN))

    def layout(self, rng: np.random.Generator) -> Layout:
        """Both toys on the part of the board that the fixtures leave free, apart, with any yaw."""
        while True:
            places = rng.uniform(-1.0, 1.0, (2, 2)) * TOY_SPREAD + TOY_CENTRE
            if hypot(*(places[0] - places[1])) > LEAST_GAP:
                break
        return {
            toy: standing(x, y, rng.uniform(-pi, pi), HEIGHT)
            for toy, (x, y) in zip(TOYS, places.tolist(), strict=True)
        }

    def measure(self, situation: Situation, before: Progress | None) -> Progress:
        """How many fixtures hold a toy, and how far the toys are from the better pairing [m]."""
        poses = [_pose(situation, toy) for toy in TOYS]
        away = [[hypot(*pocket.along(pose)) for pocket in self.pockets] for pose in poses]
        better = min(away[0][0] + away[1][1], away[0][1] + away[1][0]) / 2
        tolerance = self.config.goal_tolerance
        filled = [any(pocket.holds(pose, tolerance) for pose in poses) for pocket in self.pockets]
        return {"goal_distance": better, "toys_in": float(sum(filled))}

    def reward(self, progress: Progress) -> float:
        """1 on success, else 0."""
        return float(self.success(progress))

    def success(self, progress: Progress) -> bool:
        """There is a toy in each fixture."""
        return progress["toys_in"] == len(TOYS)


def _pose(situation: Situation, toy: str) -> Pose:
    assert situation.poses is not None
    return situation.poses[toy]
