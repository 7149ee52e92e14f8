"""Which policy meets which environment: resolved once, made again in every process that needs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv

from ibc_gym.contracts import LearnedPolicy, Policy, Task
from ibc_gym.errors import ConfigError, Declined, SpecMismatch
from ibc_gym.evaluation.results import SCRIPTED, EvalConfig
from ibc_gym.records import Bool, Float32, Observation, is_image
from ibc_gym.registry import make_env, make_oracle, make_vec_env, task_of
from ibc_gym.specs import check_fits, differing_options, task_name


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A policy and an environment by name, small enough to be sent to another process."""

    policy: str
    """A row of `SCRIPTED`, or a path that `checkpoint.load_policy` takes."""
    env: str
    """A task, or "gym:<id>"."""
    workcell: str | None
    observation: str
    """What the environment shows: "state", "image" or "state+image"."""
    options: Mapping[str, Any]
    renders: bool = False
    """Whether the environments render, for somebody who looks on."""

    def make_envs(self, count: int, threads: int = 1) -> VectorEnv[Any, Any, Any]:
        """Environments for `rollout`, stepped by so many threads; 0 takes all cores."""
        return make_vec_env(
            self.env,
            count,
            autoreset_mode=AutoresetMode.DISABLED,
            threads=threads,
            **self._arguments(),
        )

    def make_filmed_env(self) -> SyncVectorEnv:
        """One environment that renders.

        Raises:
            ConfigError: It cannot.
        """
        make = partial(make_env, self.env, **{**self._arguments(), "render_mode": "rgb_array"})
        return SyncVectorEnv([make], autoreset_mode=AutoresetMode.DISABLED)

    def make_policy(self, envs: VectorEnv[Any, Any, Any]) -> Policy:
        """The policy, fitted to the environments it will act in.

        Raises:
            UnknownName: The task has no oracle.
            CheckpointError: The checkpoint is missing or incomplete.
            SpecMismatch: It was made for another task.
        """
        if self.policy == "random":
            return UniformPolicy(envs.single_action_space)
        if self.policy == "oracle":
            return make_oracle(self.env, envs)
        return _load_fitting(self.policy, envs)

    def task(self, envs: VectorEnv[Any, Any, Any]) -> Task | None:
        """The task, or None for environments that have none."""
        try:
            return task_of(envs)
        except AttributeError:
            return None

    def _arguments(self) -> dict[str, Any]:
        """Only what was asked for: what is left out takes the environment's default."""
        named: dict[str, Any] = {} if self.workcell is None else {"workcell": self.workcell}
        if self.observation != "state":
            named["observation"] = self.observation
        if self.renders:
            named["render_mode"] = "rgb_array"
        return {**named, **self.options}


def resolve(config: EvalConfig) -> Stage:
    """Fill in what the config leaves to the checkpoint: the environment, what is observed, and how it is set up.

    The options of the config count. Only where the policy does not fit the environment that they give (a particle of
    other dimensions), the options of its demonstrations are taken over that it needs in order to fit.

    Raises:
        CheckpointError: The checkpoint is missing or incomplete.
    """
    if config.policy in SCRIPTED:
        if config.env is None:
            raise ConfigError(f"Policy {config.policy!r} fits any task: say which with --env.")
        return _stage(config, config.env, "state")
    policy = _load(config.policy)
    env = config.env or policy.spec.task
    return _fitting(_stage(config, env, _observation(policy.config.inputs)), policy)


def _stage(config: EvalConfig, env: str, observation: str) -> Stage:
    return Stage(
        policy=config.policy,
        env=env,
        workcell=config.workcell,
        observation=observation,
        options=dict(config.options),
        renders=config.view is not None and "image" not in observation,
    )


def _fitting(stage: Stage, policy: LearnedPolicy) -> Stage:
    """The stage with those options of the demonstrations without which the policy does not fit it, and no others."""
    envs = stage.make_envs(1)
    try:
        if task_name(envs) not in (None, policy.spec.task) or _is_fit(policy, envs):
            return stage
        recorded = differing_options(policy.spec, envs)
    finally:
        envs.close()
    taken = {name: value for name, value in recorded.items() if name not in stage.options}
    if not _fits(stage, taken, policy):
        return stage  # `make_policy` says what is wrong
    for name in tuple(taken):
        fewer = {other: value for other, value in taken.items() if other != name}
        taken = fewer if _fits(stage, fewer, policy) else taken
    return replace(stage, options={**stage.options, **taken})


def _fits(stage: Stage, taken: Mapping[str, Any], policy: LearnedPolicy) -> bool:
    try:
        envs = replace(stage, options={**stage.options, **taken}).make_envs(1)
    except Declined:
        raise  # a person's no is an answer to every question
    except ConfigError:
        return False  # these options make no sense without the others
    try:
        return _is_fit(policy, envs)
    finally:
        envs.close()


def _is_fit(policy: LearnedPolicy, envs: VectorEnv[Any, Any, Any]) -> bool:
    try:
        check_fits(policy, envs)
    except SpecMismatch:
        return False
    return True


class UniformPolicy:
    """Uniform actions, the floor that every other policy is compared with."""

    def __init__(self, space: spaces.Space[Any]) -> None:
        """Act in a bounded box.

        Raises:
            ConfigError: The space is no box, or has no bounds to draw between.
        """
        if not isinstance(space, spaces.Box) or not space.is_bounded():
            raise ConfigError(f"Random actions need a bounded box; the action space is {space}.")
        self._space = space
        self._rngs: list[np.random.Generator] = []

    def reset(self, mask: Bool, seeds: Sequence[int | None]) -> None:
        """Begin a new stream in every row under the mask."""
        if len(self._rngs) != len(mask):
            self._rngs = [np.random.default_rng() for _ in mask]
        for row in np.flatnonzero(mask).tolist():
            self._rngs[row] = np.random.default_rng(seeds[row])

    def act(self, observation: Observation) -> Float32:
        """A draw for every row, (B, A)."""
        low, high = self._space.low, self._space.high
        drawn = np.stack([rng.uniform(low, high) for rng in self._rngs])
        return np.clip(drawn.astype(np.float32), low, high)


def _observation(inputs: Sequence[str]) -> str:
    """What an environment must show for a policy with these inputs."""
    pictures = any(map(is_image, inputs))
    if not pictures and "robot" not in inputs:
        return "state"
    return "state+image" if "state" in inputs else "image"


def _load(path: str) -> LearnedPolicy:
    # Here and not above: torch is not needed to watch an oracle.
    from ibc_gym.checkpoint import load_policy

    return load_policy(path)


def _load_fitting(path: str, envs: VectorEnv[Any, Any, Any]) -> LearnedPolicy:
    policy = _load(path)
    check_fits(policy, envs)
    return policy
