"""What makes everything that has a name in `tables.py`."""

from __future__ import annotations

import dataclasses
import logging
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
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
from ibc_gym.loading import attribute, load
from ibc_gym.raw_streams import check_raw
from ibc_gym.real_time import check_one_at_a_time
from ibc_gym.serialise import from_json
from ibc_gym.tables import (
    FRAMES,
    GYM_PREFIX,
    ORACLES,
    POLICIES,
    STAGES,
    TASKS,
    THREADED,
    UNMEASURED,
    VECTOR_ENVS,
    WORKCELLS,
)
from ibc_gym.threads import ThreadedVectorEnv, usable_cores

_log = logging.getLogger(__name__)

_NOISY: Final = "ibc_gym.envs.oracles.noise:NoisyOracle"
_GUARDED: Final = "ibc_gym.hardware.safety.guarded:guarded"
_DRAWN: Final = "ibc_gym.envs.simulators.mujoco_sim:drawn_layouts"
_CALIBRATION: Final = "ibc_gym.hardware.calibration.measure:Calibration"
_EXTERNAL: Final = "ibc_gym.envs.external:make_external"


def make_task(name: str, **options: Any) -> Task:
    """A task by name; options are the fields of its config.

    Raises:
        UnknownName: No task is called that.
        ConfigError: It has no such option, or the value is of another type or makes no sense.
    """
    cls = _task_class(name)
    task: Task = cls(_task_config(name, options))
    return task


def make_workcell(
    name: str, task: Task, *, cameras: bool, safety: Any = None, raw: Path | None = None
) -> Workcell:
    """A workcell by name, set up for a task, its robot behind a guard; with its cameras only if they are wanted.

    `safety` is a `SafetyLimits` of `ibc_gym.hardware.safety`; None leaves the workcell's own. `raw` is a folder for the
    cameras' own streams, as the library that has them records them.
    """
    factory = workcell_factory(name, task)
    if raw is not None:
        check_raw(name, cameras=cameras)
    made = factory(task, cameras=cameras, **({} if raw is None else {"raw": raw}))
    try:
        workcell: Workcell = attribute(_GUARDED, "The safety guard")(made, task, safety)
        scene: Any = workcell.scene
        if getattr(scene, "camera", None) is not None and scene.wanted is None:
            scene.wanted = _wanted(task, scene.camera.spec)
    except BaseException:
        made.close()
        raise
    return workcell


def workcell_factory(name: str, task: Task) -> Callable[..., Workcell]:
    """What makes a workcell by name, for those who want to know that it can be made before they begin.

    Raises:
        UnknownName: No workcell is called that.
        MissingDependency: It needs a library that is not installed.
        ConfigError: The task cannot run in it.
    """
    factory: Callable[..., Workcell] = load(WORKCELLS, name, "workcell")
    if name not in task.workcells:
        raise ConfigError(
            f"Task {task.name!r} cannot run in workcell {name!r}; it can in {', '.join(task.workcells)}."
        )
    return factory


def _wanted(task: Task, camera: Any) -> Any:
    """What a person is to arrange, as the camera would see it; None where no simulator is installed to draw it."""
    try:
        return attribute(_DRAWN, "The picture to arrange by")(task, camera)
    except MissingDependency as missing:
        _log.warning("The table is arranged by words alone: %s", missing)
        return None


def make_stage(
    name: str, options: Mapping[str, Any], board: Mapping[str, Any] | None = None
) -> Any:
    """A scene without a task, by name, for `make_workcell`.

    Args:
        name: A row of `STAGES`.
        options: Fields of its config.
        board: What is printed on a board in it, as `make_calibration` takes it; None has no board.

    Raises:
        UnknownName: No stage is called that.
        ConfigError: It has no such option, or the value is of another type or makes no sense.
    """
    cls = load(STAGES, name, "stage")
    config = from_json(cls.Config, options)
    if board is None:
        return cls(config)
    printed = make_calibration(board)
    return cls(
        config,
        board=printed.picture,
        outer_size=printed.outer_size,
        margin=printed.margin,
        board_fields=board,
    )


def make_calibration(board: Mapping[str, Any]) -> Any:
    """What measures with a board of these `BoardSpec` fields: a `Calibration` of `ibc_gym.hardware.calibration.measure`.

    Raises:
        MissingDependency: OpenCV is not installed.
        ConfigError: There is no such board.
    """
    return attribute(_CALIBRATION, "Calibration")(**board)


def make_env(
    task: str,
    *,
    workcell: str | None = None,
    observation: str = "state",
    render_mode: str | None = None,
    safety: Any = None,
    raw: Path | None = None,
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
        raw: Folder for the raw streams of a workcell's cameras; None records none.
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
        if raw is not None:
            check_raw(task, cameras=True)
        external: gymnasium.Env[Any, Any] = attribute(_EXTERNAL, f"{task!r}")(
            task.removeprefix(GYM_PREFIX),
            workcell=workcell,
            observation=observation,
            render_mode=render_mode,
            **options,
        )
        return external
    made = make_task(task, **options)
    if workcell in UNMEASURED and "state" in observation:
        raise ConfigError(
            f"Nothing in workcell {workcell!r} measures the poses that a state is made of; observe pictures "
            '("image"), and demonstrate by hand: scripted demonstrators need poses, too.'
        )
    cameras = "image" in observation or render_mode is not None
    cell = make_workcell(
        workcell or made.workcells[0], made, cameras=cameras, safety=safety, raw=raw
    )
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
    check_one_at_a_time(options.get("workcell"), num_envs=num_envs)
    mode = _mode_of(autoreset_mode)
    _check_name(task)
    own = (options.get("safety"), options.get("raw"))
    as_arrays = options.get("observation", "state") == "state" and own == (None, None)
    if task in VECTOR_ENVS and as_arrays:
        ours = ("workcell", "observation", "render_mode", "safety", "raw")
        config = _task_config(task, {key: options[key] for key in options if key not in ours})
        kind = load(VECTOR_ENVS, task, "vector environment")
        if kind.hosts(config):
            native: VectorEnv[Any, Any, Any] = kind(
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


def add_noise(
    oracle: Policy, std: float, action_space: gymnasium.spaces.Box, random_share: float = 0.0
) -> Policy:
    """A demonstrator whose actions are disturbed; what it wanted is its `intended`, (B, A).

    Args:
        oracle: Who demonstrates: the careful one, if there is one (`offers.steadied`).
        std: Standard deviation, in the action's units.
        action_space: What disturbed actions are limited to, and random ones are drawn from.
        random_share: Of the steps, at which anything else is done.
    """
    noisy: Policy = attribute(_NOISY, "Noise")(oracle, std, action_space, random_share)
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
        SpecMismatch: The config takes inputs that the spaces do not have, or the canonical frame of another task.
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
    if config.frame and spec.task in FRAMES and config.frame != spec.task:
        raise SpecMismatch(
            f"The policy is to see the frame of {config.frame!r}, but task {spec.task!r} has one of its own, in which the same "
            f"numbers mean something else. Choose --policy.frame {spec.task}, or none."
        )
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
