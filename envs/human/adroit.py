"""The Adroit hand: pen, hammer, door, relocate (Rajeswaran et al. 2018; D4RL, Fu et al. 2020).

The installed dense rewards of hammer, door and relocate *add* a tenth of the distance from palm to object, where the
benchmark subtracts it; `Adroit.reward` turns the sign back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import mujoco
import numpy as np

from ibc_gym.records import Float64, Progress

from .adapter import Adapter, checked_start

SUCCESS_STEPS: Final = 25
"""An episode succeeds with more than this many steps at the goal (the metric of Florence et al. 2021)."""

REACH_WEIGHT: Final = 0.1
"""Weight of the distance from palm to object in every dense Adroit reward."""


class Adroit(Adapter):
    """Counts success as the benchmark does, and begins episodes where a person began them."""

    def start(self, recorded: Mapping[str, Float64]) -> Any:
        """Take what the environment calls its state: `qpos`, `qvel`, and where the object or goal is."""
        shapes = {name: space.shape for name, space in self.raw._state_space.items()}
        state = checked_start(recorded, shapes, self.config.id)
        # The reset has warmed the solver up at another pose, which would leak into the recorded one.
        mujoco.mj_resetData(self.raw.model, self.raw.data)
        self.raw.set_env_state(state)
        return self.raw._get_obs()

    def reward(self, reward: float, observation: Any) -> float:
        """Turn the sign of the reaching term back; a sparse reward has none."""
        if self.config.reward == "installed" or self.raw.sparse_reward:
            return reward
        return reward - 2 * REACH_WEIGHT * self.reach(observation)

    def reach(self, observation: Float64) -> float:
        """The distance that the installed reward has with the wrong sign [m]; pen has none."""
        return 0.0

    def measure(
        self, reward: float, observation: Any, info: Mapping[str, Any], before: Progress | None
    ) -> Progress:
        """Count the steps at the goal."""
        achieved = float(bool(np.asarray(info.get("success", False)).any()))
        steps = before["goal_steps"] if before else 0.0
        return {"environment_success": achieved, "goal_steps": steps + achieved}

    def success(self, progress: Progress) -> bool:
        """Whether the goal has been held for more than `SUCCESS_STEPS` steps."""
        return progress["goal_steps"] > SUCCESS_STEPS


class Door(Adroit):
    """Turn the latch and pull the door open past 1.35 rad."""

    def reach(self, observation: Float64) -> float:
        """From palm to handle [m]."""
        return float(np.linalg.norm(observation[35:38]))

    def state_names(self) -> tuple[str, ...]:
        """The 39 columns of the benchmark, in its order."""
        return (
            *(f"joint {index}" for index in range(1, 28)),
            "latch",
            "hinge",
            *_xyz("palm"),
            *_xyz("handle"),
            *_xyz("palm - handle"),
            "door open",
        )


class Relocate(Adroit):
    """Lift a ball and hold it within 0.1 m of a target."""

    def reach(self, observation: Float64) -> float:
        """From palm to ball [m]."""
        return float(np.linalg.norm(observation[30:33]))

    def state_names(self) -> tuple[str, ...]:
        """The 39 columns of the benchmark, in its order."""
        return (
            *(f"joint {index}" for index in range(30)),
            *_xyz("palm - ball"),
            *_xyz("palm - target"),
            *_xyz("ball - target"),
        )


class Hammer(Adroit):
    """Pick up a hammer and drive a nail in."""

    def reach(self, observation: Float64) -> float:
        """From palm to hammer [m]."""
        palm, hammer = observation[33:36], observation[36:39]
        return float(np.linalg.norm(palm - hammer))


def _xyz(name: str) -> tuple[str, str, str]:
    return (f"{name} x", f"{name} y", f"{name} z")
