"""The environment that `make_external` gives: another package's episodes, with our observations and truths."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from ibc_gym.errors import ConfigError, SpecMismatch
from ibc_gym.records import Float32, Float64, Progress, UInt8

from .external_task import ExternalTask, ExternalWorkcell
from .human.adapter import Adapter


@dataclass(frozen=True, kw_only=True, eq=False)
class ExternalSnapshot:
    """How an instant of an episode was reached; since the environment is deterministic, that is its whole state."""

    seed: int
    recorded_start: Mapping[str, Float64] | None
    options: Mapping[str, Any] | None
    """What else the environment was reset with."""
    actions: Float32
    """(t, A), those sent since the reset."""
    rng: Mapping[str, Any]


class ExternalEnv(gymnasium.Env[dict[str, Any], Float32]):
    """An environment of another package, with our observations, truths and scores."""

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"]}  # noqa: RUF012 - as Gymnasium has it

    def __init__(
        self,
        adapter: Adapter,
        task: ExternalTask,
        *,
        render_mode: str | None,
        image_space: spaces.Box | None,
    ) -> None:
        """Wrap an environment that `make_external` has made; closing this closes it."""
        self.task = task
        self.workcell = ExternalWorkcell()
        self.render_mode = render_mode
        self.metadata = {
            **ExternalEnv.metadata,
            "render_fps": max(1, round(1 / task.control_period)),
        }
        inputs: dict[str, spaces.Space[Any]] = dict(task.feature_spaces)
        if image_space is not None:
            inputs["image"] = image_space
        self._inputs = tuple(inputs)
        self.observation_space: spaces.Dict = spaces.Dict(inputs)
        self.action_space: spaces.Box = task.action_space  # type: ignore[assignment]
        self._adapter = adapter
        self._seed = 0
        self._start: Mapping[str, Float64] | None = None
        self._options: Mapping[str, Any] | None = None
        self._actions: list[Float32] = []
        self._progress: Progress | None = None
        self._over = False
        self._closed = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Begin an episode; the same seed begins the same one.

        Args:
            seed: Reseeds the environment; without one, the next seed is drawn.
            options: {"recorded_start": {...}} begins where a demonstration began: its `init_` arrays, by name. What
                else there is goes to the environment.

        Raises:
            ConfigError: The recorded start is incomplete, or this environment cannot take one.
        """
        super().reset(seed=seed)
        inner = copy.deepcopy(dict(options or {}))  # they are kept: the caller may change his own
        recorded = inner.pop("recorded_start", None)
        drawn = int(self.np_random.integers(2**31)) if seed is None else seed
        return self._begin(drawn, recorded, inner or None)

    def step(self, action: Float32) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        """Send an action and look again.

        Raises:
            SpecMismatch: The action has the wrong shape or is not finite; nothing was sent.
        """
        if self._progress is None:
            raise ConfigError("Call reset() before step(): no episode has begun.")
        if self._closed:
            raise ConfigError("The environment is closed; make a new one to go on.")
        if self._over:
            raise ConfigError("Call reset() before step(): the episode has ended, as step() said.")
        sent = self._checked(action)
        self._actions.append(sent)
        inner = self._adapter.env.action_space
        raw, earned, terminated, truncated, info = self._adapter.env.step(
            sent.reshape(inner.shape or ()).astype(inner.dtype)
        )
        reward = self._adapter.reward(float(earned), raw)
        self._progress = self._adapter.measure(reward, raw, info, self._progress)
        observation, truths = self._observe(raw, sent)
        over = bool(truncated) or len(self._actions) >= self.task.horizon
        self._over = over or bool(terminated)
        return observation, reward, bool(terminated), over and not terminated, truths

    @property
    def inner(self) -> gymnasium.Env[Any, Any]:
        """The environment as its package gives it."""
        return self._adapter.env

    def render(self) -> UInt8 | None:
        """The environment's picture, (H, W, 3); None without a render mode."""
        return None if self.render_mode is None else self._adapter.picture()

    def close(self) -> None:
        """Close the environment; may be called twice."""
        self._closed = True
        self._adapter.close()

    def save(self) -> ExternalSnapshot:
        """Everything that the rest of the episode depends on.

        Raises:
            ConfigError: No episode has begun.
        """
        if self._progress is None:
            raise ConfigError("Nothing to save: no episode has begun.")
        actions = np.array(self._actions, dtype=np.float32)
        return ExternalSnapshot(
            seed=self._seed,
            recorded_start=self._start,
            options=self._options,
            actions=actions.reshape(len(self._actions), *(self.action_space.shape or ())),
            rng=copy.deepcopy(self.np_random.bit_generator.state),
        )

    def restore(self, snapshot: ExternalSnapshot) -> tuple[dict[str, Any], dict[str, Any]]:
        """Continue from a snapshot, bit for bit, by acting again as before; gives that instant's observation and info.

        It takes as long as the steps took, and works for every environment that is deterministic given its seed.

        Raises:
            ConfigError: It is no snapshot.
        """
        if not isinstance(snapshot, ExternalSnapshot):
            raise ConfigError(
                f"restore takes what save gave, an ExternalSnapshot, not {type(snapshot).__name__}."
            )
        observation, info = self._begin(snapshot.seed, snapshot.recorded_start, snapshot.options)
        for action in snapshot.actions:
            observation, _, _, _, info = self.step(action)
        self.np_random.bit_generator.state = copy.deepcopy(dict(snapshot.rng))
        return observation, info

    def _begin(
        self, seed: int, recorded: Mapping[str, Float64] | None, options: Mapping[str, Any] | None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        self._progress, self._over = None, False
        self._seed, self._start, self._options, self._actions = seed, recorded, options, []
        handed = None if options is None else copy.deepcopy(dict(options))
        raw, info = self._adapter.env.reset(seed=seed, options=handed)
        if recorded is not None:
            raw = self._adapter.start(recorded)
        self._progress = self._adapter.measure(0.0, raw, info, None)
        idle = np.zeros(self.action_space.shape or (), dtype=np.float32)
        return self._observe(raw, np.clip(idle, self.action_space.low, self.action_space.high))

    def _checked(self, action: Float32) -> Float32:
        asked = np.asarray(action, dtype=np.float32)
        if asked.shape != self.action_space.shape:
            raise SpecMismatch(
                f"Action has shape {asked.shape}, but {self.task.name!r} takes {self.action_space.shape}. "
                "Was the policy trained on another task? Its checkpoint says which."
            )
        if not np.isfinite(asked).all():
            raise SpecMismatch(
                f"Action {asked} for {self.task.name!r} at step {len(self._actions)} is not finite; nothing was sent."
            )
        return np.clip(asked, self.action_space.low, self.action_space.high)

    def _observe(self, raw: Any, sent: Float32) -> tuple[dict[str, Any], dict[str, Any]]:
        assert self._progress is not None
        step = len(self._actions)
        time = step * self.task.control_period
        observation: dict[str, Any] = {}
        times, numbers = {"robot": time}, {}
        if "state" in self._inputs:
            observation["state"] = self._adapter.state(raw)
        if "image" in self._inputs:
            observation["image"] = self._adapter.picture()
            times["image"], numbers["image"] = time, step
        success = self._adapter.success(self._progress)
        return observation, {
            **self._progress,
            "is_success": success,
            "success": success,
            "action_sent": sent.copy(),
            "capture_time": times,
            "frame_number": numbers,
            "deadline_missed": False,
            "interventions": 0,
        }
