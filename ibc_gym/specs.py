"""What a policy is made for, as JSON, and whether an environment is that."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

import gymnasium
from gymnasium import spaces
from gymnasium.vector import VectorEnv

from ibc_gym.contracts import LearnedPolicy, PolicySpec
from ibc_gym.errors import SpecMismatch
from ibc_gym.serialise import space_from_json, space_to_json, switched_on, to_json


def check_fits(
    policy: LearnedPolicy, env: gymnasium.Env[Any, Any] | VectorEnv[Any, Any, Any]
) -> None:
    """Hold a policy to the environment that it is about to act in.

    Raises:
        SpecMismatch: The task, an input that the policy takes, or the action space differ; both are named.
    """
    spec = policy.spec
    task = task_name(env)
    if task is not None and task != spec.task:
        raise SpecMismatch(
            f"The policy was trained on {spec.task!r}, but the environment is {task!r}. "
            "Give the environment that it was trained on, or train one for this."
        )
    if isinstance(env, VectorEnv):
        observation, action = env.single_observation_space, env.single_action_space
    else:
        observation, action = env.observation_space, env.action_space
    given = observation.spaces if isinstance(observation, spaces.Dict) else {}
    pairs = [
        (f"observation {name!r}", spec.observation_space.spaces.get(name), given.get(name))
        for name in policy.config.inputs
    ]
    for what, wanted, found in [*pairs, ("action", spec.action_space, action)]:
        if wanted != found:
            raise SpecMismatch(
                f"The {what} of the policy for {spec.task!r} is {_describe(wanted)}, but the "
                f"environment {task or 'given'!r} has {_describe(found)}. {_other_options(spec, env)}"
            )


def task_name(env: gymnasium.Env[Any, Any] | VectorEnv[Any, Any, Any]) -> str | None:
    """The task of an environment of ours, or None where it does not say."""
    task = _task(env)
    return None if task is None else str(getattr(task, "name", task))


def options_of(
    env: gymnasium.Env[Any, Any] | VectorEnv[Any, Any, Any],
) -> dict[str, Any] | None:
    """The options that an environment's task runs with, as `make_env` takes them, in JSON; None if it does not say."""
    config = getattr(_task(env), "config", None)
    return None if config is None else _options(json.loads(json.dumps(to_json(config))))


def differing_options(
    spec: PolicySpec, env: gymnasium.Env[Any, Any] | VectorEnv[Any, Any, Any]
) -> dict[str, Any]:
    """Options that a policy's demonstrations had, and that are others in an environment."""
    here = options_of(env) or {}
    recorded = _options(spec.task_config)
    then, now = switched_on(recorded), switched_on(here)
    return {
        name: value
        for name, value in recorded.items()
        if name in here and then.get(name) != now.get(name)
    }


def spec_to_json(spec: PolicySpec) -> dict[str, Any]:
    """A policy's spaces as plain JSON."""
    return {
        "task": spec.task,
        "control_period": spec.control_period,
        "observation_space": space_to_json(spec.observation_space),
        "action_space": space_to_json(spec.action_space),
        "task_config": dict(spec.task_config),
    }


def spec_from_json(numbers: Mapping[str, Any]) -> PolicySpec:
    """Read back what `spec_to_json` gave."""
    observation = space_from_json(numbers["observation_space"])
    action = space_from_json(numbers["action_space"])
    if not isinstance(observation, spaces.Dict) or not isinstance(action, spaces.Box):
        raise SpecMismatch("A policy's spec needs a Dict of observations and a Box of actions.")
    return PolicySpec(
        task=numbers["task"],
        control_period=numbers["control_period"],
        observation_space=observation,
        action_space=action,
        task_config=numbers.get("task_config", {}),  # a checkpoint of before 0.2 has none
    )


def _task(env: gymnasium.Env[Any, Any] | VectorEnv[Any, Any, Any]) -> Any:
    inner: Any = env
    while inner is not None:
        if hasattr(inner, "task"):
            return inner.task
        envs = getattr(inner, "envs", None)
        inner = envs[0] if envs else getattr(inner, "env", None)
    return None


def _other_options(
    spec: PolicySpec, env: gymnasium.Env[Any, Any] | VectorEnv[Any, Any, Any]
) -> str:
    """What to do about a policy that does not fit: give the options that its demonstrations had."""
    other = differing_options(spec, env)
    flags = {name: f"--task.{name.replace('_', '-')}" for name in other}
    given = [f"{flags[name]} {shlex.quote(str(v))}" for name, v in other.items() if v is not None]
    absent = [flags[name] for name, value in other.items() if value is None]
    advice = [f"give {' '.join(given)}"] if given else []
    advice += [f"leave out {' '.join(absent)}"] if absent else []
    if not advice:
        return "Was the policy trained on other options or another task?"
    return f"Its demonstrations had other options: {' and '.join(advice)}"


def _options(config: Mapping[str, Any]) -> dict[str, Any]:
    """A task's config as options; that of an environment from elsewhere has some of them one level below."""
    flat = {name: value for name, value in config.items() if name not in ("id", "options")}
    return {**flat, **config.get("options", {})}


def _describe(space: Any) -> str:
    if isinstance(space, spaces.Box):
        low, high = float(space.low.min()), float(space.high.max())
        return f"{space.shape} {space.dtype} in [{low:g}, {high:g}]"
    return "missing" if space is None else str(space)
