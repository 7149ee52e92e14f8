"""Push a block to a fixture and slide it into a slot that is 1 mm wider: "Insert-Blue" of Implicit Behavioral Cloning.

A simulated twin of the real task of Florence et al. 2021 (Table 1 and §C.3): the board, the pipe, the camera, actions at
5 Hz, and a score of 0.5 for a block that is partly in and 1 for one that is fully in. The paper gives a clearance of 1 mm,
a blue block and a black fixture, and no other lengths; those are ours. The fixture is a U that is a little less deep than
the block, so that the pipe need not go in. Its pose varies a little from episode to episode.

In a world whose block has another size the fixture has, too: its slot is as much wider than the block as ever.

Reward and success are functions of the poses, and of those sizes, alone. The worst penetration is not: poses are known at the control
instants only, and things are deepest in each other when they hit. So it is what the simulator saw at any physics step of
the episode, between any two things.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import cos, pi, sin
from typing import ClassVar, Final

import numpy as np

from ibc_gym import geometry
from ibc_gym.errors import ConfigError
from ibc_gym.records import Layout, Pose, Progress, Situation, Start

from ..scene_spec import Body, Shape
from .real_stage import GRAPHITE, TIGHT_STAGE
from .tabletop import TabletopConfig, TabletopTask, lying, standing
from .tabletop_scene import BLOCK_SIDE, BLUE

BLOCK_MASS: Final = 0.05
"""[kg]"""
FRICTION: Final = 0.5
"""Of block and fixture; the pipe and the table have 1."""
DEPTH: Final = 0.036
"""Of the slot [m]."""
WALL: Final = 0.03
"""Thickness of the fixture's walls, as of the released one [m]."""
MOUTH: Final = BLOCK_SIDE / 2 - DEPTH
"""Where the slot begins, along its axis from the seat [m]."""
BLOCK_SIZE: Final = "size.block"
FIXTURE_SIZE: Final = "size.target"
"""What a variation calls the size of the block and of the fixture, as multiples of the usual one."""

BLOCK_CENTRE: Final = (0.375, -0.09)
BLOCK_SPREAD: Final = (0.09, 0.07)
"""Half widths of the block's uniform start [m]."""
FIXTURE_CENTRE: Final = (0.375, 0.21)
FIXTURE_SPREAD: Final = (0.03, 0.02)
FIXTURE_YAW_SPREAD: Final = pi / 18


@dataclass(frozen=True, kw_only=True)
class InsertConfig(TabletopConfig):
    """Settings of the insertion task."""

    clearance: float = 0.001
    """How much wider the slot is than the block, both sides together [m]."""
    goal_tolerance: float = 0.001
    """Distance along the slot to the end that counts as fully in [m]."""
    horizon: int = 300
    """Control periods after which an episode is cut off: 60 s."""
    control_rate: float = 5.0
    """Actions per second [Hz]."""
    image_size: tuple[int, int] = (180, 320)
    """Height and width of the camera's picture [px]; its field of view stays the same."""

    aspect: ClassVar[tuple[int, int]] = (9, 16)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.0002 <= self.clearance <= 0.02:
            raise ConfigError(
                f"InsertConfig.clearance is {self.clearance} m, but must lie in 0.0002 to 0.02: contacts give by up to "
                "0.2 mm, and a wider slot guides nothing. The real fixture has 0.001."
            )


class Insert(TabletopTask[InsertConfig]):
    """Slide the block, any side first, to the end of the slot.

    The frame of "target" is at the seat, where the block's centre belongs, with x along the slot and into it.
    """

    Config: ClassVar = InsertConfig
    name = "insert"
    stage: ClassVar = TIGHT_STAGE

    def bodies(self) -> tuple[Body, ...]:
        """The fixture and the block."""
        return (fixture(self.config.clearance), blue_block())

    def layout(self, rng: np.random.Generator) -> Layout:
        """The block on the near part of the board with any yaw, the fixture about its place at the far end."""
        x, y = rng.uniform(-1.0, 1.0, 2) * BLOCK_SPREAD + BLOCK_CENTRE
        block = standing(x, y, rng.uniform(-pi, pi))
        x, y = rng.uniform(-1.0, 1.0, 2) * FIXTURE_SPREAD + FIXTURE_CENTRE
        turn = rng.uniform(-FIXTURE_YAW_SPREAD, FIXTURE_YAW_SPREAD)
        return {"block": block, "target": lying(x, y, pi / 2 + turn)}

    def sample(self, rng: np.random.Generator) -> Start:
        """As of every tabletop task; a block of another size has a fixture that fits it."""
        start = super().sample(rng)
        size = start.variation.get(BLOCK_SIZE)
        if size is None:
            return start
        fits = fixture_size(size, self.config.clearance)
        return replace(start, variation={**start.variation, FIXTURE_SIZE: fits})

    def measure(self, situation: Situation, before: Progress | None) -> Progress:
        """How far the block is from its seat and how far it is in [m], what that scores, and the worst penetration [m]."""
        assert situation.poses is not None
        place = in_slot(situation.poses["block"], situation.poses["target"])
        size = situation.variation.get(BLOCK_SIZE, 1.0)
        walls = situation.variation.get(FIXTURE_SIZE, 1.0)
        inside = place.inside(self.config.clearance, size, walls)
        left = BLOCK_SIDE / 2 * (walls - size) - place.along
        full = inside > 0 and left < self.config.goal_tolerance
        return {
            "goal_distance": float(np.hypot(place.along, place.across)),
            "depth_inside": inside,
            "score": 1.0 if full else 0.5 if inside > 0 else 0.0,
            "worst_penetration": situation.penetration,
        }

    def reward(self, progress: Progress) -> float:
        """The score of this instant: 0.5 while the block is partly in the slot, 1 once it is fully in."""
        return progress["score"]

    def success(self, progress: Progress) -> bool:
        """The block is at the end of the slot."""
        return progress["score"] == 1.0


@dataclass(frozen=True, kw_only=True)
class InSlot:
    """Where a block is as seen from the slot."""

    along: float
    """From the seat to the block's centre, along the slot and into it [m]."""
    across: float
    """To the left of that [m]."""
    yaw: float
    """How crooked the block stands, within an eighth of a turn [rad]."""

    def inside(self, clearance: float, size: float = 1.0, walls: float = 1.0) -> float:
        """How far the corner that is furthest behind of the block's leading side is in the slot [m]; 0 if outside.

        Args:
            clearance: How much wider the slot is than the block [m].
            size: Of the block, as a multiple of its usual one.
            walls: Of the fixture, likewise.
        """
        half = BLOCK_SIDE / 2 * size
        c, s = cos(self.yaw), sin(self.yaw)
        ahead = self.along + half * (c - abs(s)) - MOUTH * walls
        aside = max(abs(self.across + half * (s + side * c)) for side in (-1, 1))
        return max(ahead, 0.0) if aside < half + clearance else 0.0


def fixture_size(block: float, clearance: float) -> float:
    """The multiple of its usual size at which a fixture's slot is `clearance` [m] wider than a block of `block` times its own."""
    return (BLOCK_SIDE * block + clearance) / (BLOCK_SIDE + clearance)


def in_slot(block: Pose, seat: Pose) -> InSlot:
    """The block's pose in the frame of the slot."""
    dx, dy, _ = (block.position - seat.position).tolist()
    axis = geometry.yaw_of(seat.quaternion)
    c, s = cos(axis), sin(axis)
    yaw = geometry.wrap_angle(geometry.yaw_of(block.quaternion) - axis, pi / 2)
    return InSlot(along=c * dx + s * dy, across=c * dy - s * dx, yaw=float(yaw))


def blue_block() -> Body:
    """A wooden cube of 4 cm."""
    return Body(
        name="block",
        motion="free",
        mass=BLOCK_MASS,
        friction=FRICTION,
        position=(*BLOCK_CENTRE, BLOCK_SIDE / 2),
        shapes=(Shape(kind="box", size=(BLOCK_SIDE,) * 3, colour=BLUE),),
    )


def fixture(clearance: float) -> Body:
    """A black U about a slot that is this much wider than the block [m]; its frame is at the seat, on the table."""
    width = BLOCK_SIDE + clearance
    back = BLOCK_SIDE / 2
    sides = [
        _wall((DEPTH, WALL), (back - DEPTH / 2, side * (width + WALL) / 2)) for side in (-1, 1)
    ]
    end = _wall((WALL, width + 2 * WALL), (back + WALL / 2, 0.0))
    return Body(
        name="target",
        motion="placed",
        friction=FRICTION,
        position=(*FIXTURE_CENTRE, 0.0),
        quaternion=(0.5**0.5, 0.0, 0.0, 0.5**0.5),
        shapes=(end, *sides),
    )


def _wall(size: tuple[float, float], centre: tuple[float, float]) -> Shape:
    return Shape(
        kind="box",
        size=(*size, BLOCK_SIDE),
        position=(*centre, BLOCK_SIDE / 2),
        colour=GRAPHITE,
    )
