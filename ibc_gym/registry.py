"""The tables of everything that has a name, and the functions that make it.

A row is "module:attribute" and is loaded when it is asked for, so nobody needs PyBullet to drive an arm, or an arm's
SDK to train. Adding a row is the whole registration.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from functools import partial
from importlib import import_module
from typing import Any, Final

import gymnasium
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv

from ibc_gym.contracts import (
    CanonicalFrame,
    LearnedPolicy,
    Policy,
    PolicySpec,
    Task,
    Workcell,
)
from ibc_gym.env import Env
from ibc_gym.errors import ConfigError, MissingDependency, SpecMismatch, UnknownName
from ibc_gym.serialise import from_json
from ibc_gym.threads import ThreadedVectorEnv, usable_cores

TASKS: Final[Mapping[str, str]] = {
    "particle": "ibc_gym.envs.tasks.particle:Particle",
    "reach": "ibc_gym.envs.tasks.reach:Reach",
    "push": "ibc_gym.envs.tasks.push:Push",
    "push-two-targets": "ibc_gym.envs.tasks.push_two_targets:PushTwoTargets",
    "push-multimodal": "ibc_gym.envs.tasks.push_multimodal:PushMultimodal",
    "push-red-then-green": "ibc_gym.envs.tasks.push_red_then_green:PushRedThenGreen",
    "push-red-green": "ibc_gym.envs.tasks.push_red_green:PushRedGreen",
    "insert": "ibc_gym.envs.tasks.insert:Insert",
    "sort": "ibc_gym.envs.tasks.sort:Sort",
}

WORKCELLS: Final[Mapping[str, str]] = {
    "particle": "ibc_gym.envs.simulators.particle_sim:make_workcell",
    "mujoco": "ibc_gym.envs.simulators.mujoco_sim:make_workcell",
    "pybullet": "ibc_gym.envs.simulators.bullet_sim:make_workcell",
}

THREADED: Final = ("mujoco",)
"""Workcells that many threads may step, and that compute without Python's lock."""

VECTOR_ENVS: Final[Mapping[str, str]] = {
    "particle": "ibc_gym.envs.simulators.particle_vector:ParticleVectorEnv",
}
"""Tasks whose many environments are stepped as arrays."""

ORACLES: Final[Mapping[str, str]] = {
    "particle": "ibc_gym.envs.oracles.particle:ParticleOracle",
    "reach": "ibc_gym.envs.oracles.reach:ReachOracle",
    "push": "ibc_gym.envs.oracles.push:PushOracle",
    "push-two-targets": "ibc_gym.envs.oracles.push_two_targets:PushTwoTargetsOracle",
    "push-multimodal": "ibc_gym.envs.oracles.push_multimodal:PushMultimodalOracle",
    "push-red-then-green": "ibc_gym.envs.oracles.push_red_then_green:PushRedThenGreenOracle",
    "push-red-green": "ibc_gym.envs.oracles.push_red_green:PushRedGreenOracle",
    "insert": "ibc_gym.envs.oracles.insert:InsertOracle",
    "sort": "ibc_gym.envs.oracles.sort:SortOracle",
}
"""The scripted demonstrator of each task."""

FRAMES: Final[Mapping[str, str]] = {
    "push": "ibc_gym.envs.tasks.push_frame:BlockToTarget",
    "pusht": "ibc_gym.envs.human.pusht_frame:PushTGoal",
}
"""The canonical frame that a task offers."""

POLICIES: Final[Mapping[str, str]] = {
    "ebm": "ibc_gym.policies.ebm:EBM",
    "autoregressive": "ibc_gym.policies.autoregressive:Autoregressive",
    "mse": "ibc_gym.policies.mse:MSE",
    "mdn": "ibc_gym.policies.mdn:MDN",
    "nearest": "ibc_gym.policies.nearest:Nearest",
}

PRESETS: Final[Mapping[str, str]] = {
    "paper/push-states-dfo": "ibc_gym.policies.presets.paper:PUSH_STATES_DFO",
    "paper/push-states-mse": "ibc_gym.policies.presets.paper:PUSH_STATES_MSE",
    "paper/push-states-mdn": "ibc_gym.policies.presets.paper:PUSH_STATES_MDN",
    "paper/push-pixels-dfo": "ibc_gym.policies.presets.paper:PUSH_PIXELS_DFO",
    "paper/push-pixels-mse": "ibc_gym.policies.presets.paper:PUSH_PIXELS_MSE",
    "paper/push-pixels-mdn": "ibc_gym.policies.presets.paper:PUSH_PIXELS_MDN",
    "paper/particle-langevin": "ibc_gym.policies.presets.paper:PARTICLE_LANGEVIN",
    "paper/particle-mse": "ibc_gym.policies.presets.paper:PARTICLE_MSE",
    "paper/human-ebm": "ibc_gym.policies.presets.paper:HUMAN_EBM",
    "paper/human-mse": "ibc_gym.policies.presets.paper:HUMAN_MSE",
    "paper/planar-sweeping": "ibc_gym.policies.presets.paper:PLANAR_SWEEPING",
    "paper/planar-sweeping-mse": "ibc_gym.policies.presets.paper:PLANAR_SWEEPING_MSE",
    "paper/bimanual-sweeping": "ibc_gym.policies.presets.paper:BIMANUAL_SWEEPING",
    "paper/bimanual-sweeping-mse": "ibc_gym.policies.presets.paper:BIMANUAL_SWEEPING_MSE",
    "paper/real-push": "ibc_gym.policies.presets.paper:REAL_PUSH",
    "paper/real-push-mse": "ibc_gym.policies.presets.paper:REAL_PUSH_MSE",
    "paper/real-push-multimodal": "ibc_gym.policies.presets.paper:REAL_PUSH_MULTIMODAL",
    "paper/real-push-multimodal-mse": "ibc_gym.policies.presets.paper:REAL_PUSH_MULTIMODAL_MSE",
    "paper/real-insert": "ibc_gym.policies.presets.paper:REAL_INSERT",
    "paper/real-insert-mse": "ibc_gym.policies.presets.paper:REAL_INSERT_MSE",
    "paper/real-sort": "ibc_gym.policies.presets.paper:REAL_SORT",
    "paper/real-sort-mse": "ibc_gym.policies.presets.paper:REAL_SORT_MSE",
    "released/push-states-dfo": "ibc_gym.policies.presets.released:PUSH_STATES_DFO",
    "released/push-states-dfo-fast": "ibc_gym.policies.presets.released:PUSH_STATES_DFO_FAST",
    "released/push-states-langevin": "ibc_gym.policies.presets.released:PUSH_STATES_LANGEVIN",
    "released/push-states-mse": "ibc_gym.policies.presets.released:PUSH_STATES_MSE",
    "released/push-states-mse-fast": "ibc_gym.policies.presets.released:PUSH_STATES_MSE_FAST",
    "released/push-states-mdn": "ibc_gym.policies.presets.released:PUSH_STATES_MDN",
    "released/push-pixels-dfo": "ibc_gym.policies.presets.released:PUSH_PIXELS_DFO",
    "released/push-pixels-langevin": "ibc_gym.policies.presets.released:PUSH_PIXELS_LANGEVIN",
    "released/push-pixels-mse": "ibc_gym.policies.presets.released:PUSH_PIXELS_MSE",
    "released/push-pixels-mdn": "ibc_gym.policies.presets.released:PUSH_PIXELS_MDN",
    "released/particle-langevin": "ibc_gym.policies.presets.released:PARTICLE_LANGEVIN",
    "released/particle-langevin-best": "ibc_gym.policies.presets.released:PARTICLE_LANGEVIN_BEST",
    "released/particle-dfo": "ibc_gym.policies.presets.released:PARTICLE_DFO",
    "released/particle-mse": "ibc_gym.policies.presets.released:PARTICLE_MSE",
    "released/particle-mse-best": "ibc_gym.policies.presets.released:PARTICLE_MSE_BEST",
    "released/human-ebm": "ibc_gym.policies.presets.released:HUMAN_EBM",
    "released/human-mse": "ibc_gym.policies.presets.released:HUMAN_MSE",
    "released/human-mdn": "ibc_gym.policies.presets.released:HUMAN_MDN",
    "fast/push-frame": "ibc_gym.policies.presets.fast:PUSH_FRAME",
    "fast/push-frame-mse": "ibc_gym.policies.presets.fast:PUSH_FRAME_MSE",
    "fast/push": "ibc_gym.policies.presets.fast:PUSH",
    "fast/push-mse": "ibc_gym.policies.presets.fast:PUSH_MSE",
    "fast/particle": "ibc_gym.policies.presets.fast:PARTICLE",
    "fast/pixels": "ibc_gym.policies.presets.fast:PIXELS",
    "fast/door": "ibc_gym.policies.presets.fast:DOOR",
    "fast/pusht": "ibc_gym.policies.presets.fast:PUSHT",
    "fast/pusht-frame": "ibc_gym.policies.presets.fast:PUSHT_FRAME",
}
"""Named configurations of policies and how to train them; each a record with `policy`, `config`, `training`."""

GYM_PREFIX: Final = "gym:"
"""`gym:AdroitHandDoor-v1` is any Gymnasium environment by its id."""

_NOISY: Final = "ibc_gym.envs.oracles.noise:NoisyOracle"
_GUARDED: Final = "ibc_gym.hardware.safety.guarded:guarded"
_EXTERNAL: Final = "ibc_gym.envs.external:make_external"


def load(table: Mapping[str, str], name: str, kind: str) -> Any:
    """The attribute that a row names.

    Raises:
        UnknownName: No row is called that.
        MissingDependency: It needs a library that is not installed.
    """
    if name not in table:
        raise UnknownName(kind, name, table)
    return _attribute(table[name])


def make_task(name: str, **options: Any) -> Task:
    """A task by name; options are the fields of its config.

    Raises:
        UnknownName: No task is called that.
        ConfigError: It has no such option, or the value is of another type or makes no sense.
    """
    cls = _task_class(name)
    task: Task = cls(_task_config(name, options))
    return task


def make_workcell(name: str, task: Task, *, cameras: bool, safety: Any = None) -> Workcell:
    """A workcell by name, set up for a task, its robot behind a guard; with its cameras only if they are wanted.

    `safety` is a `SafetyLimits` of `ibc_gym.hardware.safety`; None leaves the workcell's own.
    """
    factory = load(WORKCELLS, name, "workcell")
    if name not in task.workcells:
        raise ConfigError(
            f"Task {task.name!r} cannot run in workcell {name!r}; it can in {', '.join(task.workcells)}."
        )
    workcell: Workcell = _attribute(_GUARDED)(factory(task, cameras=cameras), task, safety)
    return workcell


def make_env(
    task: str,
    *,
    workcell: str | None = None,
    observation: str = "state",
    render_mode: str | None = None,
    safety: Any = None,
    **options: Any,
) -> gymnasium.Env[Any, Any]:
    """An environment by name, as `gymnasium.make("ibc_gym/Push-v0", ...)` makes it.

    Args:
        task: A row of `TASKS`, or "gym:<id>" for any Gymnasium environment with box observations and actions.
        workcell: A row of `WORKCELLS`; the task's first by default.
        observation: "state", "image" or "state+image".
        render_mode: "rgb_array" or None.
        safety: A `SafetyLimits` of `ibc_gym.hardware.safety`, bounds on what the robot is told; None leaves those of
            the workcell, which for a simulated one are none.
        **options: Fields of the task's config; of "gym:" environments `horizon` and what the environment takes.

    Raises:
        UnknownName: No task or workcell is called that.
        ConfigError: The task has no such option, or cannot run there.
    """
    _check_name(task)
    if task.startswith(GYM_PREFIX):
        if safety is not None:
            raise ConfigError(
                f"{task} has no robot of ours, so there is nothing to put safety limits on."
            )
        external: gymnasium.Env[Any, Any] = _attribute(_EXTERNAL)(
            task.removeprefix(GYM_PREFIX),
            workcell=workcell,
            observation=observation,
            render_mode=render_mode,
            **options,
        )
        return external
    made = make_task(task, **options)
    cameras = "image" in observation or render_mode is not None
    cell = make_workcell(workcell or made.workcells[0], made, cameras=cameras, safety=safety)
    return Env(made, cell, observation=observation, render_mode=render_mode)


def make_vec_env(
    task: str,
    num_envs: int,
    *,
    autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
    threads: int = 0,
    **options: Any,
) -> VectorEnv[Any, Any, Any]:
    """Many environments stepped at once; row k equals the single environment with the same seed.

    Args:
        task: As for `make_env`.
        num_envs: How many.
        autoreset_mode: "next_step", "same_step", or "disabled" for `rollout`, which resets by mask.
        threads: That step them, where simulator and observation allow for more than one; 0 takes all cores. The
            results do not depend on it.
        **options: As for `make_env`.
    """
    if num_envs < 1:
        raise ConfigError(f"num_envs is {num_envs}, but must be at least 1.")
    mode = _mode_of(autoreset_mode)
    _check_name(task)
    as_arrays = options.get("observation", "state") == "state" and options.get("safety") is None
    if task in VECTOR_ENVS and as_arrays:
        ours = ("workcell", "observation", "render_mode", "safety")
        config = _task_config(task, {key: options[key] for key in options if key not in ours})
        native: VectorEnv[Any, Any, Any] = load(VECTOR_ENVS, task, "vector environment")(
            num_envs,
            autoreset_mode=mode,
            **{key: options[key] for key in ours[:3] if key in options},
            **vars(config),
        )
        return native
    makers = [partial(make_env, task, **options)] * num_envs
    if num_envs > 1 and _thread_safe(task, options):
        return ThreadedVectorEnv(makers, threads=threads or usable_cores(), autoreset_mode=mode)
    return SyncVectorEnv(makers, autoreset_mode=mode)


def _thread_safe(task: str, options: Mapping[str, Any]) -> bool:
    """Whether the environment may be stepped by any thread, and lets others compute meanwhile."""
    if task not in TASKS or options.get("render_mode") is not None:
        return False
    workcell = options.get("workcell") or _task_class(task).workcells[0]
    return workcell in THREADED and options.get("observation", "state") == "state"


def make_oracle(task: str, env: gymnasium.Env[Any, Any] | VectorEnv[Any, Any, Any]) -> Policy:
    """The scripted demonstrator of a task, for environments that show "state".

    Raises:
        UnknownName: The task has no oracle.
    """
    cls = load(ORACLES, task, "oracle")
    oracle: Policy = cls(
        env.get_wrapper_attr("task") if isinstance(env, gymnasium.Env) else task_of(env)
    )
    return oracle


def add_noise(oracle: Policy, std: float, action_space: gymnasium.spaces.Box) -> Policy:
    """A demonstrator whose actions are disturbed; what it wanted is its `intended`, (B, A).

    Args:
        oracle: Who demonstrates.
        std: Standard deviation, in the action's units.
        action_space: What disturbed actions are limited to.
    """
    noisy: Policy = _attribute(_NOISY)(oracle, std, action_space)
    return noisy


def task_of(envs: VectorEnv[Any, Any, Any]) -> Task:
    """The task that a vector environment of ours runs."""
    if isinstance(envs, SyncVectorEnv):
        task: Task = envs.envs[0].get_wrapper_attr("task")
        return task
    native: Task = envs.task  # type: ignore[attr-defined]
    return native


def make_frame(task: str) -> CanonicalFrame:
    """The canonical frame that a task offers.

    Raises:
        UnknownName: It offers none.
    """
    frame: CanonicalFrame = load(FRAMES, task, "canonical frame")()
    return frame


def make_policy(name: str, spec: PolicySpec, config: Any = None) -> LearnedPolicy:
    """An untrained policy for the given spaces.

    Args:
        name: A row of `POLICIES`.
        spec: The spaces it shall map between.
        config: An instance of the policy's `Config`; its defaults if None.

    Raises:
        UnknownName: No policy is called that.
        SpecMismatch: The config takes inputs that the spaces do not have.
    """
    cls = load(POLICIES, name, "policy")
    config = cls.Config() if config is None else config
    for wanted in config.inputs:
        if wanted not in spec.observation_space.spaces:
            known = ", ".join(spec.observation_space.spaces)
            raise SpecMismatch(
                f"Policy {name!r} takes the input {wanted!r}, but task {spec.task!r} gives {known}. "
                f"Choose with --policy.inputs, or record with that observation."
            )
    frame = make_frame(config.frame) if config.frame else None
    policy: LearnedPolicy = cls(config, spec, frame)
    return policy


def register_gymnasium_ids() -> None:
    """Make every task known to `gymnasium.make` and `gymnasium.make_vec`, by strings alone."""
    for task in TASKS:
        name = "".join(part.capitalize() for part in task.split("-"))
        gymnasium.register(
            id=f"ibc_gym/{name}-v0",
            entry_point="ibc_gym.registry:make_env",
            vector_entry_point="ibc_gym.registry:make_vec_env",
            kwargs={"task": task},
        )


def _task_class(name: str) -> Any:
    """A task's class; the name of an environment from elsewhere is answered with how it is written here."""
    if name not in TASKS and re.search(r"-v\d+$", name):
        raise UnknownName("task", name, [*TASKS, f"{GYM_PREFIX}{name}"])
    return load(TASKS, name, "task")


def _task_config(name: str, options: Mapping[str, Any]) -> Any:
    """The config of a task, every option held to the type of its field."""
    config = _task_class(name).Config
    known = {field.name for field in dataclasses.fields(config)}
    for option in options:
        if option not in known:
            raise ConfigError(str(UnknownName(f"option of task {name!r}", option, known)))
    return from_json(config, options)


def _check_name(task: object) -> None:
    if not isinstance(task, str):
        raise ConfigError(
            f"A task is asked for by its name ({', '.join(sorted(TASKS))}, {GYM_PREFIX}<id>), not by {task!r}."
        )


def _mode_of(name: str | AutoresetMode) -> AutoresetMode:
    """Gymnasium's mode by our spelling ("same_step") or its own ("SameStep")."""
    if isinstance(name, AutoresetMode):
        return name
    for mode in AutoresetMode:
        if name in (mode.value, mode.name.lower()):
            return mode
    raise UnknownName("autoreset_mode", name, [mode.name.lower() for mode in AutoresetMode])


def _attribute(path: str) -> Any:
    module, attribute = path.split(":")
    try:
        return getattr(import_module(module), attribute)
    except ModuleNotFoundError as error:
        explained = MissingDependency.explaining(error, needed_for=attribute)
        if explained is None:
            raise
        raise explained from error
