"""The N-dimensional particle: visit the first goal, then come to rest at the second.

Florence et al. 2021, §4 and §C.5. The rules are written over arrays of any leading shape, so that one environment and
thousands of them are judged by the same arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from ibc_gym.checks import require_finite
from ibc_gym.errors import ConfigError
from ibc_gym.records import Bool, Float32, Float64, Int64, Pose, Progress, Situation, Start, Target

from .particle_randomisation import ParticleRandomisation

FIRST_GOAL, SECOND_GOAL = "first_goal", "second_goal"
"""Names of the goals in a layout."""

CONTROL_PERIOD = 0.05
"""20 Hz [s]."""

POSITION_LOW, POSITION_HIGH = -0.05, 1.05
"""Where the point can get [m]: set-points lie in [0, 1], but it overshoots them by up to 0.02.

The published space says [0, 1] and is left by the published dynamics too.
"""

SPEED_LIMIT = 100.0
"""The published bound on velocities [m/s]; the dynamics stay far below it."""

MAX_DIMENSIONS = 32


@dataclass(frozen=True, kw_only=True)
class ParticleConfig:
    """The published constants of the particle task."""

    dimensions: int = 2
    """N, from 1 to 32."""
    goal_tolerance: float = 0.05
    """Distance to a goal below which it counts as visited [m]."""
    goal_margin: float = 0.0
    """How far a goal keeps from the ends of each coordinate's range [m], less than 0.5; 0 as published. Demonstrations
    with one, and a policy that is judged without, show what it does beyond its data."""
    hide_velocity: bool = False
    """Leave the velocity out of what is observed, so that a policy needs memory."""
    horizon: int = 50
    """Control periods in an episode."""
    randomisation: ParticleRandomisation = field(default_factory=ParticleRandomisation)
    """How far the world of an episode may be from its description; not at all by default."""

    def __post_init__(self) -> None:
        require_finite(self)
        if not 1 <= self.dimensions <= MAX_DIMENSIONS:
            raise ConfigError(
                f"ParticleConfig.dimensions is {self.dimensions}, but must be from 1 to {MAX_DIMENSIONS}."
            )
        if not self.goal_tolerance > 0:
            raise ConfigError(
                f"ParticleConfig.goal_tolerance is {self.goal_tolerance} m, but must be positive; "
                "0.05 is the published value."
            )
        if not 0 <= self.goal_margin < 0.5:
            raise ConfigError(
                f"ParticleConfig.goal_margin is {self.goal_margin} m, but must be at least 0 and less than 0.5, or no "
                "place is left for a goal."
            )
        if self.horizon < 1:
            raise ConfigError(
                f"ParticleConfig.horizon is {self.horizon}, but an episode needs at least one step."
            )


class Particle:
    """The task: actions are set-points in [0, 1]^N that a spring and a damper pull the point to.

    "state" is what the published environment gives, in alphabetical order of its keys: pos_agent, pos_first_goal,
    pos_second_goal, vel_agent. "robot" is the part that needs no goals. An episode always lasts `horizon` steps; at
    its last one both minima over the episode and the final distance to the second goal decide success. The order of
    the visits is not checked, as published.
    """

    Config = ParticleConfig
    workcells: ClassVar[tuple[str, ...]] = ("particle",)
    name = "particle"
    control_period = CONTROL_PERIOD

    def __init__(self, config: ParticleConfig | None = None) -> None:
        self.config = config or ParticleConfig()
        self.horizon = self.config.horizon
        size = self.config.dimensions
        self.action_space = spaces.Box(0.0, 1.0, (size,), np.float32)
        self.action_names = tuple(f"set-point {axis} [m]" for axis in range(size))
        parts = {
            "pos_agent": (POSITION_LOW, POSITION_HIGH),
            "pos_first_goal": (0.0, 1.0),
            "pos_second_goal": (0.0, 1.0),
            "vel_agent": (-SPEED_LIMIT, SPEED_LIMIT),
        }
        if self.config.hide_velocity:
            del parts["vel_agent"]
        features = {
            "state": parts,
            "robot": {key: bounds for key, bounds in parts.items() if key.endswith("agent")},
        }
        self.feature_spaces: Mapping[str, spaces.Box] = {
            feature: spaces.Box(
                np.repeat(np.array([low for low, _ in part.values()], np.float32), size),
                np.repeat(np.array([high for _, high in part.values()], np.float32), size),
                dtype=np.float32,
            )
            for feature, part in features.items()
        }
        self.feature_names: Mapping[str, tuple[str, ...]] = {
            feature: tuple(f"{key}_{axis}" for key in part for axis in range(size))
            for feature, part in features.items()
        }

    def sample(self, rng: np.random.Generator) -> Start:
        """Point and goals, each uniform in the unit cube or the part of it that is left to goals; randomisation changes none."""
        point, *drawn = rng.random((3, self.config.dimensions))
        first, second = (self.goal_at(each) for each in drawn)
        return Start(
            layout={FIRST_GOAL: Pose(position=first), SECOND_GOAL: Pose(position=second)},
            home=Target(joints=point),
            variation=self.config.randomisation.draw(rng),
        )

    def goal_at(self, drawn: Float64) -> Float64:
        """Where goals are that were drawn uniformly in the unit cube, (..., N)."""
        margin = self.config.goal_margin
        return margin + (1 - 2 * margin) * drawn

    def target(self, action: Float32, previous: Target) -> Target:
        """The action is the set-point [m]."""
        return Target(joints=np.asarray(action, dtype=np.float64))

    def action(self, sent: Target, previous: Target) -> Float32:
        """The set-point that was sent [m]."""
        return np.asarray(sent.joints, dtype=np.float32)

    def features(self, situation: Situation) -> Mapping[str, Float32]:
        """Both features; without known goals only "robot"."""
        robot, poses = situation.robot, situation.poses
        found = {"robot": self.robot_of(robot.joints, robot.joint_velocities)}
        if poses is not None:
            goals = np.stack([poses[FIRST_GOAL].position, poses[SECOND_GOAL].position])
            found["state"] = self.state_of(robot.joints, robot.joint_velocities, goals)
        return found

    def measure(self, situation: Situation, before: Progress | None) -> Progress:
        """Least distance to each goal so far, final distance to the second [m], and the step."""
        assert situation.poses is not None  # the environment measures only where there are poses
        poses = situation.poses
        goals = np.stack([poses[FIRST_GOAL].position, poses[SECOND_GOAL].position])
        progress = measures(situation.robot.joints, goals, np.asarray(situation.step), before)
        return {key: float(value) for key, value in progress.items()}

    def reward(self, progress: Progress) -> float:
        """1 on the last step of an episode that has visited both goals, else 0."""
        return float(self.rewards(progress))

    def terminated(self, progress: Progress) -> bool:
        """Never: the published task has no early end."""
        return False

    def success(self, progress: Progress) -> bool:
        """At the episode's last step: both goals visited, and the point is at the second."""
        return bool(self.successes(progress))

    def rewards(self, progress: Mapping[str, Any]) -> Float64:
        """`reward` of any number of episodes, (...)."""
        return np.asarray(self._all_visited(progress), dtype=np.float64)

    def successes(self, progress: Mapping[str, Any]) -> Bool:
        """`success` of any number of episodes, (...)."""
        at_rest = progress["final_distance_second_goal"] < self.config.goal_tolerance
        return np.asarray(self._all_visited(progress) & at_rest, dtype=np.bool_)

    def state_of(self, position: Float64, velocity: Float64, goals: Float64) -> Float32:
        """The "state" of any number of points (..., N) and their goals (..., 2, N)."""
        flat_goals = goals.reshape(*goals.shape[:-2], -1)
        parts = [position, flat_goals, *self._observed_velocity(velocity)]
        return np.concatenate(parts, axis=-1, dtype=np.float32, casting="same_kind")

    def robot_of(self, position: Float64, velocity: Float64) -> Float32:
        """The "robot" feature of any number of points (..., N)."""
        parts = [position, *self._observed_velocity(velocity)]
        return np.concatenate(parts, axis=-1, dtype=np.float32, casting="same_kind")

    def _observed_velocity(self, velocity: Float64) -> list[Float64]:
        return [] if self.config.hide_velocity else [velocity]

    def _all_visited(self, progress: Mapping[str, Any]) -> Any:
        tolerance = self.config.goal_tolerance
        last = progress["step"] >= self.horizon
        first = progress["min_distance_first_goal"] < tolerance
        return last & first & (progress["min_distance_second_goal"] < tolerance)


def measures(
    position: Float64, goals: Float64, step: Int64, before: Mapping[str, Any] | None
) -> dict[str, Float64]:
    """The running measures of any number of episodes.

    Distances are taken once per control period, after it; where an episode starts does not count (as published), so
    the measures of step 0 are forgotten at step 1.

    Args:
        position: Where the points are, (..., N) [m].
        goals: First and second goal of each, (..., 2, N) [m].
        step: Control periods since the reset, (...).
        before: The measures of the step before; None or anything for rows at step 0 or 1.

    Returns:
        Arrays (...) [m] by name, and "step".
    """
    first = distance(position, goals[..., 0, :])
    second = distance(position, goals[..., 1, :])
    nearest_first, nearest_second = first, second
    if before is not None:
        fresh = step <= 1
        earlier_first, earlier_second = (
            before["min_distance_first_goal"],
            before["min_distance_second_goal"],
        )
        nearest_first = np.where(fresh, first, np.minimum(first, earlier_first))
        nearest_second = np.where(fresh, second, np.minimum(second, earlier_second))
    return {
        "min_distance_first_goal": nearest_first,
        "min_distance_second_goal": nearest_second,
        "final_distance_second_goal": second,
        "step": step.astype(np.float64),
    }


def distance(a: Float64, b: Float64) -> Float64:
    """Euclidean distance along the last axis (..., N) [m].

    Summed dimension by dimension: a reduction's order of additions, and so its last bit, depends on the array's shape.
    """
    total = np.square(a[..., 0] - b[..., 0])
    for axis in range(1, a.shape[-1]):
        total = total + np.square(a[..., axis] - b[..., axis])
    return np.asarray(np.sqrt(total), dtype=np.float64)
