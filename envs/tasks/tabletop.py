"""What all tabletop tasks share: one tip that is displaced in a plane over the table, and what is seen of it.

A task of this kind says what stands on its stage, how an episode begins, what is measured, and what that is worth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import hypot, pi
from typing import ClassVar, Final, Generic, TypeVar

import numpy as np
from gymnasium import spaces

from ibc_gym import geometry
from ibc_gym.checks import require_finite
from ibc_gym.errors import ConfigError
from ibc_gym.records import Float32, Layout, Pose, Progress, Situation, Start, Target

from ..randomisation import Randomisation, standing_as_varied
from ..scene_spec import Body, SceneSpec
from .tabletop_scene import BLOCK_SIDE, PUBLISHED_STAGE, TIP_HEIGHT, Stage, tabletop_scene

LARGEST_STEP: Final = 0.1
"""Greatest displacement per axis and step [m]."""
FARTHEST: Final = 5.0
"""Along either axis; what an arm that knows no mercy has squeezed out of the scene is told there [m]."""
TIP_KEYS: Final = ("effector_target_translation", "effector_translation")
"""The tip as commanded and as measured."""


@dataclass(frozen=True, kw_only=True)
class TabletopConfig:
    """Settings that every tabletop task has; each task gives them its own defaults."""

    goal_tolerance: float = 0.02
    """Distance to a goal that counts as there [m]."""
    horizon: int = 100
    """Control periods after which an episode is cut off."""
    control_rate: float = 10.0
    """Actions per second [Hz]."""
    image_size: tuple[int, int] = (240, 320)
    """Height and width of the camera's picture [px]; its field of view stays the same."""
    randomisation: Randomisation = field(default_factory=Randomisation)
    """How far the world of an episode may be from its description; not at all by default."""

    aspect: ClassVar[tuple[int, int]] = (3, 4)
    """Height to width of the camera's pictures."""

    def __post_init__(self) -> None:
        require_finite(self)
        name, usual = type(self).__name__, type(self)
        if not 0 < self.goal_tolerance < 0.1:
            raise ConfigError(
                f"{name}.goal_tolerance is {self.goal_tolerance} m, but must be positive and below 0.1; "
                f"{usual.goal_tolerance} is the value that policies are judged by."
            )
        if self.horizon < 1:
            raise ConfigError(f"{name}.horizon is {self.horizon}, but must be at least 1 step.")
        if not 1 <= self.control_rate <= 50:
            raise ConfigError(
                f"{name}.control_rate is {self.control_rate} Hz, but must lie in 1 to 50; "
                f"the benchmark uses {usual.control_rate:g}."
            )
        if self.randomisation.lag * self.control_rate >= 1:
            raise ConfigError(
                f"{name}.randomisation.lag is {self.randomisation.lag} s, but an arm that lags must know its target "
                f"within a control period: less than {1 / self.control_rate:g} s."
            )
        (height, width), (rows, columns) = self.image_size, self.aspect
        if rows * width != columns * height or not 24 <= height <= 960:
            raise ConfigError(
                f"{name}.image_size is {self.image_size}, but must be (height, width) with {rows} : {columns}, "
                f"24 to 960 pixels high; the usual one is {usual.image_size}."
            )


ConfigT = TypeVar("ConfigT", bound=TabletopConfig)


class TabletopTask(Generic[ConfigT]):
    """The part of a task that has nothing to do with its goal.

    An action is a displacement (x, y) [m] of the *commanded* tip. "robot" is the tip as commanded and as measured.
    "state" adds the yaw and the place (x, y) of everything on the stage that is not fixed: the published keys, in their
    alphabetical order, `columns` by name.
    """

    Config: ClassVar[type[TabletopConfig]]
    workcells: ClassVar[tuple[str, ...]] = ("mujoco", "pybullet", "xarm-emulated", "xarm")
    name: ClassVar[str]
    stage: ClassVar[Stage] = PUBLISHED_STAGE
    tip_in_state: ClassVar[tuple[str, ...]] = TIP_KEYS
    """Which of the tip's two places "state" has; "robot" has both."""

    def __init__(self, config: ConfigT | None = None) -> None:
        """Make the task from its settings."""
        self.config: ConfigT = config or self.Config()  # type: ignore[assignment]  # a task's Config is its ConfigT
        self.horizon = self.config.horizon
        self.control_period = 1.0 / self.config.control_rate
        self.action_space = spaces.Box(-LARGEST_STEP, LARGEST_STEP, (2,), np.float32)
        self.action_names = ("x displacement [m]", "y displacement [m]")
        self._things = tuple(body.name for body in self.bodies() if body.motion != "fixed")
        keys = [
            f"{thing}_{what}" for thing in self._things for what in ("orientation", "translation")
        ]
        self._keys = tuple(sorted([*keys, *self.tip_in_state]))
        self.feature_names: Mapping[str, tuple[str, ...]] = {
            "state": _columns_of(self._keys),
            "robot": _columns_of(TIP_KEYS),
        }
        self.columns: Mapping[str, slice] = _slices_of(self._keys)
        """Where each key of "state" stands in it."""
        self.feature_spaces: Mapping[str, spaces.Box] = {
            "state": self._box(self._keys),
            "robot": self._box(TIP_KEYS),
        }

    def bodies(self) -> tuple[Body, ...]:
        """What stands on the stage; whatever is not fixed is part of the state."""
        raise NotImplementedError

    def layout(self, rng: np.random.Generator) -> Layout:
        """Draw where everything on the stage is when an episode begins."""
        raise NotImplementedError

    def measure(self, situation: Situation, before: Progress | None) -> Progress:
        """Bring the running measures up to date; `before` is None at the reset."""
        raise NotImplementedError

    def reward(self, progress: Progress) -> float:
        """What the last step earned."""
        raise NotImplementedError

    def success(self, progress: Progress) -> bool:
        """Whether the task is done."""
        raise NotImplementedError

    def terminated(self, progress: Progress) -> bool:
        """An episode ends with success."""
        return self.success(progress)

    @cached_property
    def scene(self) -> SceneSpec:
        """The stage with the task's things on it."""
        return tabletop_scene(
            self.name,
            self.stage,
            self.bodies(),
            control_period=self.control_period,
            image_size=self.config.image_size,
        )

    def sample(self, rng: np.random.Generator) -> Start:
        """Draw how an episode begins: first the layout, which is the same with and without randomisation."""
        layout = self.layout(rng)
        variation = self.config.randomisation.draw(self.scene, rng)
        return Start(layout=standing_as_varied(layout, variation), variation=variation)

    def target(self, action: Float32, previous: Target) -> Target:
        """Move the commanded tip by the action; height and orientation stay."""
        assert previous.tool is not None
        x, y, _ = previous.tool.position.tolist()
        dx, dy = action.tolist()
        position = np.array([x + dx, y + dy, TIP_HEIGHT])
        return Target(tool=Pose(position=position, quaternion=previous.tool.quaternion))

    def action(self, sent: Target, previous: Target) -> Float32:
        """How far the commanded tip really moved."""
        assert sent.tool is not None and previous.tool is not None
        moved = sent.tool.position[:2] - previous.tool.position[:2]
        return moved.astype(np.float32)

    def features(self, situation: Situation) -> Mapping[str, Float32]:
        """Where the tip is, "robot", and what the whole task sees, "state", where poses are measured."""
        tool, commanded = situation.robot.tool, situation.robot.target.tool
        assert tool is not None and commanded is not None
        tips = (commanded.position[:2].tolist(), tool.position[:2].tolist())
        features = {"robot": np.array([*tips[0], *tips[1]], dtype=np.float32)}
        if situation.poses is not None:
            seen: dict[str, list[float]] = dict(zip(TIP_KEYS, tips, strict=True))
            for thing in self._things:
                pose = situation.poses[thing]
                seen[f"{thing}_orientation"] = [geometry.yaw_of(pose.quaternion)]
                place = np.clip(pose.position[:2], -FARTHEST, FARTHEST)
                seen[f"{thing}_translation"] = place.tolist()
            state = [number for key in self._keys for number in seen[key]]
            features["state"] = np.array(state, dtype=np.float32)
        return features

    def _box(self, keys: tuple[str, ...]) -> spaces.Box:
        """Yaws within two turns, the tip within 10 cm of the workspace, everything else no further than it is told."""
        tip = ([edge - 0.1 for edge in self.stage.lower], [edge + 0.1 for edge in self.stage.upper])
        low: list[float] = []
        high: list[float] = []
        for key in keys:
            turns = key.endswith("_orientation")
            bounds = (
                tip
                if key in TIP_KEYS
                else ([-2 * pi], [2 * pi])
                if turns
                else ([-FARTHEST] * 2, [FARTHEST] * 2)
            )
            low += bounds[0]
            high += bounds[1]
        return spaces.Box(np.array(low, np.float32), np.array(high, np.float32), dtype=np.float32)


def standing(x: float, y: float, yaw: float, height: float = BLOCK_SIDE) -> Pose:
    """The pose of a thing of this height [m] whose frame is at its middle, standing on the table."""
    return Pose(position=np.array([x, y, height / 2]), quaternion=geometry.quaternion_of_yaw(yaw))


def lying(x: float, y: float, yaw: float) -> Pose:
    """The pose of a thing whose frame is on the table."""
    return standing(x, y, yaw, 0.0)


def gap(situation: Situation, one: str, other: str) -> float:
    """Distance between the centres of two things, seen from above [m]."""
    assert situation.poses is not None
    a, b = situation.poses[one].position.tolist(), situation.poses[other].position.tolist()
    return hypot(a[0] - b[0], a[1] - b[1])


def _columns_of(keys: tuple[str, ...]) -> tuple[str, ...]:
    """A name for every number of these keys."""
    names: list[str] = []
    for key in keys:
        names += [key] if key.endswith("_orientation") else [f"{key}_x", f"{key}_y"]
    return tuple(names)


def _slices_of(keys: tuple[str, ...]) -> dict[str, slice]:
    """Where these keys stand in a row of all their numbers."""
    slices: dict[str, slice] = {}
    start = 0
    for key in keys:
        stop = start + (1 if key.endswith("_orientation") else 2)
        slices[key] = slice(start, stop)
        start = stop
    return slices
