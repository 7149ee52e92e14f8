"""The base of all adapters: an environment as its package gives it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from ibc_gym.errors import ConfigError
from ibc_gym.records import Float32, Float64, Progress, UInt8

from ..external_task import ExternalConfig
from ..simulators import gl


class Adapter:
    """Turns one environment's observations, rewards and info into ours; subclasses say what differs.

    It serves one environment, and keeps the measures of the episode under way.
    """

    start_shapes: Mapping[str, tuple[int, ...]] = {}
    """What a recorded start consists of, by name; empty if episodes cannot begin from one."""

    def __init__(self, env: gymnasium.Env[Any, Any], config: ExternalConfig) -> None:
        """Take an environment just made.

        Raises:
            ConfigError: The config asks for something that this environment does not have.
            MissingSystemLibrary: Pictures are wanted and no OpenGL library was found.
        """
        if config.layout != "installed":
            raise ConfigError(
                f"gym:{config.id} has one layout only; leave out layout={config.layout!r}."
            )
        self.env = env
        self.raw: Any = env.unwrapped
        self.config = config
        if env.render_mode is not None and hasattr(self.mujoco_renderer(), "viewer"):
            # Gymnasium takes the first route that can be imported, and a route without a display aborts the process.
            os.environ["MUJOCO_GL"] = gl.choose()
            gl.make_context(1, 1).free()

    def control_period(self) -> float:
        """Simulated time of a step [s]."""
        period = getattr(self.raw, "dt", None)
        if isinstance(period, float) and period > 0:
            return period
        rate = self.raw.metadata.get("render_fps")
        return 1.0 / rate if rate else 1.0

    def state_space(self) -> spaces.Box:
        """Space of "state", (S,) float32.

        Raises:
            ConfigError: The environment observes something else than numbers.
        """
        space = self.env.observation_space
        if not _is_numeric(space):
            raise ConfigError(
                f"gym:{self.config.id} observes {space}, but only boxes of numbers "
                "(or dictionaries of them) can be shown as 'state'; try observation='image'."
            )
        flat = spaces.flatten_space(space)
        assert isinstance(flat, spaces.Box)
        return spaces.Box(flat.low.astype(np.float32), flat.high.astype(np.float32))

    def state(self, observation: Any) -> Float32:
        """The observation as one vector, (S,)."""
        flat = spaces.flatten(self.env.observation_space, observation)
        return np.asarray(flat, dtype=np.float32)

    def state_names(self) -> tuple[str, ...]:
        """A label for every element of `state`."""
        (size,) = self.state_space().shape
        return tuple(f"state {index}" for index in range(size))

    def mujoco_renderer(self) -> Any:
        """The renderer of an environment of Gymnasium's MuJoCo family, None of others."""
        return getattr(self.raw, "mujoco_renderer", None)

    def picture(self) -> UInt8:
        """What the environment looks like now, (H, W, 3)."""
        viewer = getattr(self.mujoco_renderer(), "viewer", None)
        if viewer is not None:
            # Gymnasium draws into whichever context is current: with two environments, into the other's.
            viewer.make_context_current()
        image: UInt8 = self.env.render()  # type: ignore[assignment]
        return image

    def close(self) -> None:
        """Close the environment; may be called twice."""
        renderer = self.mujoco_renderer()
        viewer = getattr(renderer, "viewer", None)
        if viewer is not None:
            # Left to the garbage collector, its buffers are deleted in whichever context is current by then.
            viewer.make_context_current()
            viewer.con.free()
            viewer.free()
            renderer.viewer = None
            renderer._viewers.clear()
        self.env.close()

    def start(self, recorded: Mapping[str, Float64]) -> Any:
        """Put the environment, just reset, into a recorded start; gives the first observation."""
        raise ConfigError(f"Episodes of gym:{self.config.id} cannot begin from a recorded start.")

    def reward(self, reward: float, observation: Any) -> float:
        """A step's reward as the benchmark counts it."""
        return reward

    def measure(
        self, reward: float, observation: Any, info: Mapping[str, Any], before: Progress | None
    ) -> Progress:
        """Bring the running measures up to date; `before` is None at the reset."""
        return {"environment_success": _flag(info)}

    def success(self, progress: Progress) -> bool:
        """Whether the episode succeeds by the published rule; here what the environment said last."""
        return bool(progress["environment_success"])


def checked_start(
    recorded: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]], id: str
) -> dict[str, Float64]:
    """The arrays of a recorded start, complete and finite.

    Raises:
        ConfigError: One is missing, unknown, of the wrong shape or not finite.
    """
    if set(recorded) != set(shapes):
        raise ConfigError(
            f"A recorded start of gym:{id} consists of {', '.join(shapes)}, not of {', '.join(recorded)}."
        )
    arrays = {name: np.asarray(recorded[name], dtype=np.float64) for name in shapes}
    for name, array in arrays.items():
        if array.shape != shapes[name] or not np.isfinite(array).all():
            raise ConfigError(
                f"{name!r} of a recorded start of gym:{id} must be {shapes[name]} finite numbers; "
                f"got shape {array.shape}."
            )
    return arrays


def _is_numeric(space: spaces.Space[Any]) -> bool:
    if isinstance(space, spaces.Dict):
        return all(_is_numeric(part) for part in space.values())
    return isinstance(space, spaces.Box) and space.dtype != np.uint8


def _flag(info: Mapping[str, Any]) -> float:
    """The environment's own success flag, under either of its usual names."""
    return float(np.asarray(info.get("is_success", info.get("success", False))).any())
