"""Thousands of particles stepped as arrays; row k is, bit for bit, the single environment with the same seed."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from ibc_gym.errors import ConfigError, SpecMismatch, UnknownName
from ibc_gym.records import Bool, Float32, Float64, Int64, Start, UInt8

from ..tasks.particle import (
    CONTROL_PERIOD,
    Particle,
    ParticleConfig,
    measures,
)
from . import particle_dynamics
from .generators import Generators
from .particle_drawing import draw
from .particle_sim import ParticleScene, ParticleWorld, PointRobot

Observations = dict[str, Float32]


class ParticleVectorEnv(VectorEnv[Observations, Float32, NDArray[Any]]):
    """The particle task many times over, with Gymnasium's vector interface and its layout of `info`.

    Observations are {"state": (B, 4N)}. A row under way is never touched by its neighbours' resets.
    """

    def __init__(
        self,
        num_envs: int,
        *,
        autoreset_mode: AutoresetMode = AutoresetMode.NEXT_STEP,
        observation: str = "state",
        render_mode: str | None = None,
        workcell: str | None = None,
        **options: Any,
    ) -> None:
        """Make the rows; `reset` begins their episodes.

        Args:
            num_envs: B.
            autoreset_mode: Who begins the next episode of a row, and when.
            observation: Only "state"; images come from single environments.
            render_mode: "rgb_array" keeps the paths so that `render` can draw them.
            workcell: "particle" or None.
            **options: Fields of `ParticleConfig`.

        Raises:
            ConfigError: An option is unknown or makes no sense here.
        """
        _check_choices(observation, render_mode, workcell, options)
        self.task = Particle(ParticleConfig(**options))
        if not self.hosts(self.task.config):
            raise ConfigError(
                "Particles stepped as arrays all live in one world, but `randomisation` gives each episode its own; "
                "make_vec_env gives single environments for that."
            )
        self.num_envs = num_envs
        self.render_mode = render_mode
        self._mode = autoreset_mode
        self.metadata: dict[str, Any] = {
            "render_modes": ["rgb_array"],
            "render_fps": round(1 / CONTROL_PERIOD),
            "autoreset_mode": self._mode,
        }
        self._box = self.task.action_space
        self.single_action_space = self._box
        self.single_observation_space = _state_space(self.task)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        size = self.task.config.dimensions
        self._generators = Generators(num_envs)
        self._position: Float64 = np.zeros((num_envs, size))
        self._velocity: Float64 = np.zeros((num_envs, size))
        self._set_point: Float64 = np.zeros((num_envs, size))
        self._goals: Float64 = np.zeros((num_envs, 2, size))
        self._step: Int64 = np.zeros(num_envs, dtype=np.int64)
        self._under_way: Bool = np.zeros(num_envs, dtype=np.bool_)
        self._progress: dict[str, Float64] = {}
        self._trail = None if render_mode is None else _Trail(self.task.horizon, num_envs, size)

    @staticmethod
    def hosts(config: ParticleConfig) -> bool:
        """Whether rows of this config can be stepped as arrays: not where each has a world of its own."""
        return not config.randomisation.on

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Observations, dict[str, Any]]:
        """Begin an episode in every row, or in those under options["reset_mask"].

        Args:
            seed: One per row (only those under the mask are read), or an int s for s, s + 1, ...
            options: "reset_mask", (B,) booleans; "start", the `Start` that every row gets.

        Raises:
            ConfigError: The mask or the number of seeds does not fit the rows, or there is another option.
        """
        options = options or {}
        strange = sorted(set(options) - {"reset_mask", "start"})
        if strange:
            raise ConfigError(
                f"reset has no option {strange[0]!r}; it has 'reset_mask' and 'start'."
            )
        mask = self._checked_mask(options.get("reset_mask"))
        seeds = self._seed_of_every_row(seed)
        if not (self._progress or mask.all()):
            raise ConfigError(
                "The first reset must begin an episode in every row; leave the mask out."
            )
        self._generators.seed(mask, seeds)
        self._begin(mask, options.get("start"))
        return self._observe(), self._info(mask)

    def step(self, actions: Float32) -> tuple[Observations, Float64, Bool, Bool, dict[str, Any]]:
        """Let one control period pass in every row.

        Args:
            actions: Set-points (B, N); those of rows that are being reset are ignored.

        Raises:
            SpecMismatch: The actions have the wrong shape or are not finite; no row has moved.
            ConfigError: A row's episode has ended (or never begun) and nothing resets it.
        """
        renewed = ~self._under_way
        if renewed.any() and (self._mode != AutoresetMode.NEXT_STEP or not self._progress):
            raise ConfigError(
                f"step() needs an episode under way in every row, but row {int(np.flatnonzero(renewed)[0])} "
                f"has none; call reset (autoreset_mode is {self._mode.value!r})."
            )
        self._move(self._checked(actions, renewed))
        if renewed.any():
            self._begin(renewed, None)
        reward = np.where(renewed, 0.0, self.task.rewards(self._progress))
        ended = self._step >= self.task.horizon
        self._under_way = ~ended
        extra: dict[str, Any] = {}
        if self._mode == AutoresetMode.SAME_STEP and ended.any():
            extra = self._final(ended)
            self._begin(ended, None)
        info = extra | self._info(np.ones_like(ended))
        return self._observe(), reward, np.zeros_like(ended), ended, info

    def render(self) -> tuple[UInt8, ...] | None:
        """A picture of every row, (SIDE, SIDE, 3) each; None without a render mode."""
        if self._trail is None:
            return None
        return tuple(
            draw(
                self._trail.path[: steps + 1, row],
                self._trail.set_points[:steps, row],
                self._goals[row],
                horizon=self.task.horizon,
                tolerance=self.task.config.goal_tolerance,
            )
            for row, steps in enumerate(self._step)
        )

    def _move(self, asked: Float32) -> None:
        self._set_point = asked.astype(np.float64)
        self._position, self._velocity = particle_dynamics.advance(
            self._position, self._velocity, self._set_point
        )
        self._step = self._step + 1
        self._progress = measures(self._position, self._goals, self._step, self._progress)
        if self._trail is not None:
            self._trail.append(self._step, self._position, self._set_point)

    def _begin(self, rows: Bool, start: Start | None) -> None:
        """Arrange new episodes in some rows: drawn row by row as `Particle.sample` draws one, or all alike."""
        size = self.task.config.dimensions
        if start is None:
            drawn = self._generators.random(rows, 3 * size).reshape(-1, 3, size)
            drawn[:, 1:] = self.task.goal_at(drawn[:, 1:])
        else:
            drawn = _as_array(start, size)[None]
        self._position[rows] = drawn[:, 0]
        self._set_point[rows] = drawn[:, 0]
        self._goals[rows] = drawn[:, 1:]
        self._velocity[rows] = 0.0
        self._step[rows] = 0
        self._under_way[rows] = True
        fresh = measures(self._position[rows], self._goals[rows], self._step[rows], None)
        for name, values in fresh.items():
            self._progress.setdefault(name, np.zeros(self.num_envs))[rows] = values
        if self._trail is not None:
            self._trail.path[0, rows] = self._position[rows]

    def _observe(self) -> Observations:
        return {"state": self.task.state_of(self._position, self._velocity, self._goals)}

    def _info(self, rows: Bool) -> dict[str, Any]:
        """The single environment's info in Gymnasium's vector layout: zeros and a false mask outside `rows`."""

        def put(values: NDArray[Any]) -> NDArray[Any]:
            return np.where(
                rows.reshape(-1, *[1] * (values.ndim - 1)), values, values.dtype.type(0)
            )

        success = self.task.successes(self._progress)
        values: dict[str, Any] = {name: put(each) for name, each in self._progress.items()}
        values |= {
            "is_success": put(success),
            "success": put(success),
            "action_sent": put(self._set_point.astype(np.float32)),
            "capture_time": {"robot": put(self._step * CONTROL_PERIOD), "_robot": rows.copy()},
            "frame_number": {},
            "deadline_missed": np.zeros(self.num_envs, dtype=np.bool_),
            "interventions": np.zeros(self.num_envs, dtype=np.int64),
        }
        return {key: each for name in values for key, each in _with_mask(name, values[name], rows)}

    def _final(self, ended: Bool) -> dict[str, Any]:
        """The last observation and info of the rows that are about to begin anew."""
        last = np.full(self.num_envs, None, dtype=object)
        state = self._observe()["state"]
        for row in np.flatnonzero(ended):
            last[row] = {"state": state[row].copy()}
        info = self._info(ended)
        return dict([*_with_mask("final_obs", last, ended), *_with_mask("final_info", info, ended)])

    def _checked(self, actions: Float32, ignored: Bool) -> Float32:
        asked = np.asarray(actions, dtype=np.float32)
        if asked.shape != self.action_space.shape:
            raise SpecMismatch(
                f"Actions have shape {asked.shape}, but {self.num_envs} rows of 'particle' take "
                f"{self.action_space.shape}."
            )
        asked = np.where(ignored[:, None], np.float32(0), asked) if ignored.any() else asked
        if not np.isfinite(asked).all():
            row = int(np.flatnonzero(~np.isfinite(asked).all(axis=1))[0])
            raise SpecMismatch(f"Action {asked[row]} of row {row} is not finite; no row has moved.")
        return np.clip(asked, self._box.low, self._box.high)

    def _checked_mask(self, mask: Any) -> Bool:
        if mask is None:
            return np.ones(self.num_envs, dtype=np.bool_)
        fits = isinstance(mask, np.ndarray) and mask.dtype == np.bool_
        if not fits or mask.shape != (self.num_envs,) or not mask.any():
            raise ConfigError(
                f"options['reset_mask'] must be a boolean array of shape ({self.num_envs},) with a true element."
            )
        return np.array(mask)

    def _seed_of_every_row(self, seed: int | Sequence[int | None] | None) -> Sequence[int | None]:
        if seed is None:
            return [None] * self.num_envs
        if isinstance(seed, int | np.integer):
            return [int(seed) + row for row in range(self.num_envs)]
        if len(seed) != self.num_envs:
            raise ConfigError(f"There are {len(seed)} seeds for {self.num_envs} environments.")
        return seed


class _Trail:
    """Where every row has been, kept only for drawing."""

    def __init__(self, horizon: int, rows: int, size: int) -> None:
        self.path: Float64 = np.zeros((horizon + 1, rows, size))
        self.set_points: Float64 = np.zeros((horizon, rows, size))

    def append(self, step: Int64, position: Float64, set_point: Float64) -> None:
        rows = np.flatnonzero(
            step < len(self.path)
        )  # a row about to be reset has one step too many
        self.path[step[rows], rows] = position[rows]
        self.set_points[step[rows] - 1, rows] = set_point[rows]


def _check_choices(
    observation: str, render_mode: str | None, workcell: str | None, options: dict[str, Any]
) -> None:
    if observation != "state":
        raise ConfigError(
            f"observation={observation!r}: particles stepped as arrays show only 'state'; "
            "make_vec_env gives single environments for the others."
        )
    if render_mode not in (None, "rgb_array"):
        raise ConfigError(f"render_mode={render_mode!r} is not known; use 'rgb_array' or None.")
    if workcell not in (None, *Particle.workcells):
        raise ConfigError(
            f"Task 'particle' cannot run in workcell {workcell!r}; it can in {', '.join(Particle.workcells)}."
        )
    known = {field.name for field in dataclasses.fields(ParticleConfig)}
    for option in options:
        if option not in known:
            raise ConfigError(str(UnknownName("option of task 'particle'", option, known)))


def _state_space(task: Particle) -> spaces.Dict:
    return spaces.Dict({"state": task.feature_spaces["state"]})


def _as_array(start: Any, size: int) -> Float64:
    """Point, first and second goal of a start, (3, N), taken in as the single world takes it."""
    if not isinstance(start, Start):
        raise ConfigError(f"reset's option 'start' must be a Start, not {type(start).__name__}.")
    world = ParticleWorld(size)
    PointRobot(world).reset(start.home)
    ParticleScene(world).arrange(start.layout)
    return np.stack([world.position, *world.goals])


def _with_mask(name: str, values: Any, rows: Bool) -> tuple[tuple[str, Any], tuple[str, Bool]]:
    """An entry of a vector info and the mask that Gymnasium puts beside it."""
    return (name, values), (f"_{name}", rows.copy())
