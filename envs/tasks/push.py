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

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import hypot, pi
from typing import ClassVar, Final

import numpy as np
from gymnasium import spaces

from ibc_gym import geometry
from ibc_gym.checks import require_finite
from ibc_gym.errors import ConfigError
from ibc_gym.records import Float32, Pose, Progress, Situation, Start, Target

from ..scene_spec import SceneSpec
from .push_scene import BLOCK_SIDE, TIP_HEIGHT, WORKSPACE_LOWER, WORKSPACE_UPPER, push_scene

LARGEST_STEP: Final = 0.1
"""Greatest displacement per axis and step [m]."""
BLOCK_CENTRE: Final = (0.4, -0.2)
BLOCK_SPREAD: Final = (0.1, 0.15)
"""Half widths of the block's uniform start [m]."""
TARGET_CENTRE: Final = (0.4, 0.2)
TARGET_SPREAD: Final = (0.1, 0.15)
TARGET_YAW_SPREAD: Final = pi / 6


@dataclass(frozen=True, kw_only=True)
class PushConfig:
    """Settings of the push task; the defaults are those that policies are judged by."""

    goal_tolerance: float = 0.02
    """Distance from the block's centre to the target's that counts as success [m]; 0.01 to record demonstrations."""
    horizon: int = 100
    """Control periods after which an episode is cut off."""
    control_rate: float = 10.0
    """Actions per second [Hz]."""
    image_size: tuple[int, int] = (240, 320)
    """Height and width of the camera's picture [px]; its field of view stays the same."""
    published_yaw_range: bool = False
    """Draw the block's yaw from (1, pi] as the published code does, instead of [0, pi]."""

    def __post_init__(self) -> None:
        require_finite(self)
        if not 0 < self.goal_tolerance < 0.1:
            raise ConfigError(
                f"PushConfig.goal_tolerance is {self.goal_tolerance} m, but must be positive and below 0.1; "
                "0.02 is the value that policies are judged by."
            )
        if self.horizon < 1:
            raise ConfigError(f"PushConfig.horizon is {self.horizon}, but must be at least 1 step.")
        if not 1 <= self.control_rate <= 50:
            raise ConfigError(
                f"PushConfig.control_rate is {self.control_rate} Hz, but must lie in 1 to 50; the benchmark uses 10."
            )
        height, width = self.image_size
        if 3 * width != 4 * height or not 24 <= height <= 960:
            raise ConfigError(
                f"PushConfig.image_size is {self.image_size}, but must be (height, width) with 3 : 4, "
                "24 to 960 pixels high; the published ones are (240, 320), (180, 240) and (90, 120)."
            )


class Push:
    """Push the block's centre to the target's centre.

    An action is a displacement (x, y) [m] of the *commanded* tip. "state" has the ten numbers of the published
    observation, in the alphabetical order of its keys; "robot" the tip as commanded and as measured.
    """

    Config: ClassVar = PushConfig
    workcells: ClassVar[tuple[str, ...]] = ("mujoco",)
    name = "push"

    def __init__(self, config: PushConfig | None = None) -> None:
        """Make the task from its settings."""
        self.config = config or PushConfig()
        self.horizon = self.config.horizon
        self.control_period = 1.0 / self.config.control_rate
        self.action_space = spaces.Box(-LARGEST_STEP, LARGEST_STEP, (2,), np.float32)
        self.action_names = ("x displacement [m]", "y displacement [m]")
        tip_low = [edge - 0.1 for edge in WORKSPACE_LOWER[:2]]
        tip_high = [edge + 0.1 for edge in WORKSPACE_UPPER[:2]]
        low = [-2 * pi, -5, -5, *tip_low, *tip_low, -2 * pi, -5, -5]
        high = [2 * pi, 5, 5, *tip_high, *tip_high, 2 * pi, 5, 5]
        self.feature_spaces: Mapping[str, spaces.Box] = {
            "state": _box(low, high),
            "robot": _box([*tip_low, *tip_low], [*tip_high, *tip_high]),
        }
        self.feature_names: Mapping[str, tuple[str, ...]] = {
            "state": (
                "block_orientation",
                "block_translation_x",
                "block_translation_y",
                "effector_target_translation_x",
                "effector_target_translation_y",
                "effector_translation_x",
                "effector_translation_y",
                "target_orientation",
                "target_translation_x",
                "target_translation_y",
            ),
            "robot": (
                "effector_target_translation_x",
                "effector_target_translation_y",
                "effector_translation_x",
                "effector_translation_y",
            ),
        }

    @cached_property
    def scene(self) -> SceneSpec:
        """Table, block, target zone, tool and camera."""
        return push_scene(self.control_period, self.config.image_size)

    def sample(self, rng: np.random.Generator) -> Start:
        """Block and target in their halves of the table, uniformly in place and yaw."""
        x, y = rng.uniform(-1.0, 1.0, 2) * BLOCK_SPREAD + BLOCK_CENTRE
        yaw = rng.uniform(1.0 if self.config.published_yaw_range else 0.0, pi)
        block = Pose(
            position=np.array([x, y, BLOCK_SIDE / 2]), quaternion=geometry.quaternion_of_yaw(yaw)
        )
        x, y = rng.uniform(-1.0, 1.0, 2) * TARGET_SPREAD + TARGET_CENTRE
        yaw = pi + rng.uniform(-TARGET_YAW_SPREAD, TARGET_YAW_SPREAD)
        target = Pose(position=np.array([x, y, 0.0]), quaternion=geometry.quaternion_of_yaw(yaw))
        return Start(layout={"block": block, "target": target})

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
        tips = (*commanded.position[:2].tolist(), *tool.position[:2].tolist())
        features = {"robot": np.array(tips, dtype=np.float32)}
        if situation.poses is not None:
            block, target = situation.poses["block"], situation.poses["target"]
            state = (
                geometry.yaw_of(block.quaternion),
                *block.position[:2].tolist(),
                *tips,
                geometry.yaw_of(target.quaternion),
                *target.position[:2].tolist(),
            )
            features["state"] = np.array(state, dtype=np.float32)
        return features

    def measure(self, situation: Situation, before: Progress | None) -> Progress:
        """Distance to the goal now and at the start [m], and the best part of the way so far."""
        assert situation.poses is not None
        block = situation.poses["block"].position.tolist()
        target = situation.poses["target"].position.tolist()
        distance = hypot(block[0] - target[0], block[1] - target[1])
        start = distance if before is None else before["start_distance"]
        done = 1.0 - distance / start if start > 0 else 1.0
        best = done if before is None else max(done, before["best_progress"])
        return {"goal_distance": distance, "start_distance": start, "best_progress": best}

    def reward(self, progress: Progress) -> float:
        """The best part of the way so far, at most 1; 1 on success."""
        return 1.0 if self.success(progress) else progress["best_progress"]

    def terminated(self, progress: Progress) -> bool:
        """An episode ends with success."""
        return self.success(progress)

    def success(self, progress: Progress) -> bool:
        """The block's centre is nearer to the target's than the tolerance; its yaw does not matter."""
        return progress["goal_distance"] < self.config.goal_tolerance


def _box(low: list[float], high: list[float]) -> spaces.Box:
    return spaces.Box(np.array(low, np.float32), np.array(high, np.float32), dtype=np.float32)
