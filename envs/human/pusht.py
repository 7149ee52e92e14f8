"""Push-T: push a T-shaped block onto its outline with a round pusher (Florence et al. 2021; Chi et al. 2023)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import gymnasium
from gym_pusht.envs.pusht import pymunk_to_shapely

from ibc_gym.records import Float64, Progress, UInt8

from ..external_task import ExternalConfig
from .adapter import Adapter, checked_start


class PushT(Adapter):
    """Scored by the best reward of an episode: overlap with the outline over 0.95, at most 1."""

    def __init__(self, env: gymnasium.Env[Any, Any], config: ExternalConfig) -> None:
        """Take an environment just made; its reward is brought into an order that does not depend on addresses."""
        super().__init__(env, config)
        self.raw._get_coverage = self.coverage

    def state_names(self) -> tuple[str, ...]:
        """Positions [px] and angle [rad]."""
        if self.raw.obs_type != "state":
            return super().state_names()
        return ("pusher x", "pusher y", "block x", "block y", "block angle")

    def control_period(self) -> float:
        """From its control rate, since its `dt` is a physics step [s]."""
        return 1.0 / float(self.raw.control_hz)

    def picture(self) -> UInt8:
        """96x96 and without the cross that would show the last action, (96, 96, 3)."""
        image: UInt8 = self.raw._render()
        return image

    def coverage(self) -> float:
        """Overlap of block and outline, as a part of the outline's area.

        The environment's own takes the block's two parts out of a set, and the last bit of the sum depends on which
        comes first.
        """
        raw, parts_of = self.raw, cast("Callable[..., Any]", pymunk_to_shapely)
        outline = parts_of(raw.get_goal_pose_body(raw.goal_pose), raw._block_shapes)
        block = parts_of(raw.block, raw._block_shapes)
        return float(outline.intersection(block).area / outline.area)

    def start(self, recorded: Mapping[str, Float64]) -> Any:
        """Put pusher and block exactly where they were recorded.

        The environment's own option sets the block's position before its angle, and turning it about its centre of
        mass then moves it away; we turn first. The space is made anew, since the reset has stepped it once.
        """
        state = checked_start(recorded, {"state": (5,)}, self.config.id)["state"]
        self.raw._setup()
        self.raw.agent.position = state[:2].tolist()
        self.raw.block.angle = float(state[4])
        self.raw.block.position = state[2:4].tolist()
        self.raw.space.reindex_shapes_for_body(self.raw.agent)
        self.raw.space.reindex_shapes_for_body(self.raw.block)
        return self.raw.get_obs()

    def measure(
        self, reward: float, observation: Any, info: Mapping[str, Any], before: Progress | None
    ) -> Progress:
        """Success as the environment calls it, and the overlap."""
        return {
            "environment_success": float(info["is_success"]),
            "coverage": float(info["coverage"]) if "coverage" in info else self.coverage(),
        }
