"""The Franka kitchen: up to four of seven household tasks in one episode (Gupta et al. 2019; D4RL, Fu et al. 2020)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import gymnasium
import mujoco
import numpy as np
from gymnasium import spaces
from gymnasium_robotics.envs.franka_kitchen.kitchen_env import OBS_ELEMENT_INDICES

from ibc_gym.records import Float32, Float64, Progress

from ..external_task import ExternalConfig
from .adapter import Adapter, checked_start

ARM: Final = 9
"""Joints of the arm, its two fingers among them."""
OBJECTS: Final = 21
"""Numbers that place the objects: knobs, doors, and the kettle's pose."""

_SHAPES: Final = {"qpos": (ARM + OBJECTS,), "qvel": (ARM + OBJECTS - 1,)}


class Kitchen(Adapter):
    """Shows the "observation" entry, as the package or as D4RL lays it out."""

    def __init__(self, env: gymnasium.Env[Any, Any], config: ExternalConfig) -> None:
        """Take a kitchen just made, in either layout."""
        super().__init__(env, replace(config, layout="installed"))
        self.config = config
        self._goal = goal_vector(self.raw.goal)

    def control_period(self) -> float:
        """Of the robot inside [s]."""
        return float(self.raw.robot_env.dt)

    def mujoco_renderer(self) -> Any:
        """Of the robot inside."""
        return self.raw.robot_env.mujoco_renderer

    def state_space(self) -> spaces.Box:
        """59 numbers, or 60 in the layout of D4RL."""
        size = len(self.state_names())
        return spaces.Box(-np.inf, np.inf, (size,), np.float32)

    def state(self, observation: Any) -> Float32:
        """The "observation" entry; in the layout of D4RL without velocities, and with the goal."""
        numbers = np.asarray(observation["observation"], dtype=np.float32)
        if self.config.layout == "d4rl":
            objects = numbers[2 * ARM : 2 * ARM + OBJECTS]
            return np.concatenate([numbers[:ARM], objects, self._goal]).astype(np.float32)
        return numbers

    def state_names(self) -> tuple[str, ...]:
        """Joints, objects, and their velocities or goals."""
        joints = tuple(f"joint {index}" for index in range(ARM))
        objects = tuple(f"object {index}" for index in range(OBJECTS))
        if self.config.layout == "d4rl":
            return (*joints, *objects, *(f"goal {index}" for index in range(ARM + OBJECTS)))
        velocities = tuple(f"{name} velocity" for name in (*joints, *objects[:-1]))
        return (*joints, *velocities[:ARM], *objects, *velocities[ARM:])

    def start(self, recorded: Mapping[str, Float64]) -> Any:
        """Take `qpos` and `qvel` of arm and objects."""
        state = checked_start(recorded, _SHAPES, self.config.id)
        robot = self.raw.robot_env
        mujoco.mj_resetData(robot.model, robot.data)
        robot.set_state(state["qpos"], state["qvel"])
        observation = self.raw._get_obs(robot._get_obs())
        # The velocity controller goes on from the joints as they were read last, and these are the recorded ones.
        robot._last_robot_qpos = state["qpos"][:ARM].copy()
        return observation

    def measure(
        self, reward: float, observation: Any, info: Mapping[str, Any], before: Progress | None
    ) -> Progress:
        """Count the tasks done; all of them are a success."""
        done = len(info["episode_task_completions"])
        return {
            "environment_success": float(done == len(self.raw.goal)),
            "tasks_done": float(done),
        }


def goal_vector(goals: Mapping[str, Float64]) -> Float64:
    """D4RL's goal, (30,): where the named tasks want their joints, and zero elsewhere."""
    vector = np.zeros(ARM + OBJECTS)
    for task, goal in goals.items():
        vector[OBS_ELEMENT_INDICES[task]] = goal
    return vector
