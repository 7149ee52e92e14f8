"""Brings demonstrations from `.npz` files into our format.

The layout: arrays over the steps of all episodes, one behind the other (M, ...), among them `observations` and
`actions`; `episode_ends` (E,), the exclusive end row of every episode; and arrays with one row per episode (E, ...).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from gymnasium import spaces

from ibc_gym.atomic import whole_folder
from ibc_gym.checks import settle
from ibc_gym.data import segments
from ibc_gym.data.demonstration import Array, Demonstration
from ibc_gym.data.metadata import Metadata, describe, installed_versions, node_name, plain
from ibc_gym.data.npz import check_arrays, read_npz
from ibc_gym.data.recorder import Recorder
from ibc_gym.errors import ConfigError, SpecMismatch
from ibc_gym.paths import writable_folder
from ibc_gym.registry import make_env
from ibc_gym.tables import GYM_PREFIX, TASKS

GUESSES: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    r"kitchen.*v0": ("gym:FrankaKitchen-v1", {"layout": "d4rl"}),
    r"kitchen": ("gym:FrankaKitchen-v1", {}),
    r"door": ("gym:AdroitHandDoor-v1", {}),
    r"hammer": ("gym:AdroitHandHammer-v1", {}),
    r"pen[-_]": ("gym:AdroitHandPen-v1", {}),
    r"relocate": ("gym:AdroitHandRelocate-v1", {}),
    r"push_?t(?!w)": ("gym:gym_pusht/PushT-v0", {}),
}
"""What a file's name says about its environment: the first pattern found in it counts."""

ROLES: Final[Mapping[str, str]] = {
    "observations": "observation.state",
    "actions": "action",
    "rewards": "reward",
    "success": "success",
    "terminations": "terminated",
    "truncations": "truncated",
}
"""What arrays over steps become; others are kept as `extra.<name>`."""

_SMALL = 1000
"""Other arrays up to this many elements go into the metadata."""


@dataclass(frozen=True, kw_only=True)
class ImportConfig:
    """Which file to import, and what it does not say itself."""

    source: Path
    """The `.npz` file; nothing in it is executed."""
    out: Path
    """The data set to make."""
    task: str | None = None
    """"gym:<id>", a task of ours, or any name; by default guessed from the file's name."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options of that environment, such as {"layout": "d4rl"} for the kitchen."""
    action: str = "actions"
    """Array that is the action."""
    reward: str = "rewards"
    """Array that is the reward."""
    control_period: float | None = None
    """Length of a step [s]; by default the environment's."""
    action_low: tuple[float, ...] | None = None
    """Least action, one number or (A,); by default the environment's."""
    action_high: tuple[float, ...] | None = None
    """Greatest action, one number or (A,); by default the environment's."""
    demonstrator: str = "human"
    """Who acted."""

    def __post_init__(self) -> None:
        settle(self)
        if (self.action_low is None) != (self.action_high is None):
            raise ConfigError("Give both action_low and action_high, or neither.")
        if self.action_low is None or self.action_high is None:
            return
        low, high = np.array(self.action_low), np.array(self.action_high)
        if low.size != high.size and 1 not in (low.size, high.size):
            raise ConfigError(
                f"action_low has {low.size} numbers and action_high has {high.size}; give one, or one per dimension."
            )
        if not (low < high).all():
            raise ConfigError(f"action_low {low} is not below action_high {high}.")


@dataclass(frozen=True, kw_only=True)
class ImportSummary:
    """What was imported, and how the file was understood."""

    out: Path
    task: str
    guessed: bool
    """Whether the task was guessed from the file's name."""
    episodes: int
    steps: int
    arrays: Mapping[str, str]
    """What became of every array of the file."""
    actions_outside: int
    """Action entries outside the action space; they are kept as they are."""


def import_npz(config: ImportConfig) -> ImportSummary:
    """Import one file as a new data set; the same file gives the same bytes.

    Raises:
        ConfigError: The file is not of the layout, or does not say for which environment it is.
        SpecMismatch: Its arrays do not fit the environment.
        MissingDependency: The environment's package is needed for its spaces, and is not installed.
    """
    arrays = read_npz(config.source)
    arrays = _with_roles(arrays, config)
    ends = check_arrays(arrays, config.source)
    _check_free(config.out)
    task, options, guessed = _task(config)
    metadata = _metadata(config, arrays, task, options)
    fates = {name: _fate(name, array, ends) for name, array in arrays.items()}
    unplaced = {
        name: array
        for name, array in arrays.items()
        if fates[name] == "metadata" and array.size <= _SMALL
    }
    metadata = replace(
        metadata,
        source={
            "program": "import",
            "file": config.source.name,
            "sha256": hashlib.sha256(config.source.read_bytes()).hexdigest(),
            "action": config.action,
            "reward": config.reward,
            "arrays": plain(unplaced),
        },
    )
    writable_folder(config.out.parent)
    with (
        whole_folder(config.out, replace=True) as folder,
        Recorder(folder, metadata, commit_every=len(ends), writer="import") as recorder,
    ):
        for demonstration in _episodes(arrays, fates, ends, metadata):
            recorder.append(demonstration)
    actions, box = arrays["actions"], metadata.action_space
    outside = (actions < box.low) | (actions > box.high)
    return ImportSummary(
        out=config.out,
        task=task,
        guessed=guessed,
        episodes=len(ends),
        steps=int(ends[-1]),
        arrays={
            name: fate if fate != "metadata" or name in unplaced else "left out"
            for name, fate in fates.items()
        },
        actions_outside=int(outside.sum()),
    )


def _check_free(out: Path) -> None:
    """An import makes a data set, or fills one that is there without episodes."""
    if not out.exists():
        return
    if not out.is_dir():
        raise ConfigError(f"{out} is a file; choose another folder.")
    if (out / "segments").is_dir() and segments.segment_names(out)[0]:
        raise ConfigError(f"{out} has episodes already; import into a new folder.")
    strangers = [entry.name for entry in out.iterdir()]
    if strangers and not (out / "zarr.json").exists():
        raise ConfigError(
            f"{out} is no data set and holds {strangers[0]!r}; choose another folder."
        )


def _with_roles(arrays: Mapping[str, Array], config: ImportConfig) -> dict[str, Array]:
    """The arrays that were chosen as action and reward, under their usual names."""
    found = dict(arrays)
    for role, name in (("actions", config.action), ("rewards", config.reward)):
        if name == role:
            continue
        if name not in arrays:
            raise ConfigError(f"{config.source} has no array {name!r}; it has {', '.join(arrays)}.")
        if role in found:
            found[f"{role}_original"] = found.pop(role)
        found[role] = found.pop(name)
    return found


def _task(config: ImportConfig) -> tuple[str, Mapping[str, Any], bool]:
    if config.task is not None:
        return config.task, config.options, False
    for pattern, (task, options) in GUESSES.items():
        if re.search(pattern, config.source.stem.lower()):
            return task, {**options, **config.options}, True
    known = ", ".join(sorted({task for task, _ in GUESSES.values()}))
    raise ConfigError(
        f"The name of {config.source} does not say what it is for; give --task. Known here: {known}."
    )


def _metadata(
    config: ImportConfig, arrays: Mapping[str, Array], task: str, options: Mapping[str, Any]
) -> Metadata:
    """What the environment says of its spaces, unless the config says all of it."""
    observations, actions = arrays["observations"], arrays["actions"]
    low, high, period = config.action_low, config.action_high, config.control_period
    size = actions.shape[1:]
    for name, bound in (("action_low", low), ("action_high", high)):
        if bound is not None and len(bound) not in (1, *size):
            raise ConfigError(
                f"{name} has {len(bound)} numbers, but actions of {config.source} have {size[0]}; give one, or {size[0]}."
            )
    if low is not None and high is not None and period is not None:
        return Metadata(
            task=task,
            workcell="gym" if task.startswith(GYM_PREFIX) else "unknown",
            observation_space=spaces.Dict(
                {"state": spaces.Box(-np.inf, np.inf, observations.shape[1:], np.float32)}
            ),
            action_space=spaces.Box(
                np.broadcast_to(np.array(low, np.float32), size),
                np.broadcast_to(np.array(high, np.float32), size),
                dtype=np.float32,
            ),
            control_period=period,
            config=dict(options),
            demonstrator=config.demonstrator,
            versions=installed_versions(),
        )
    if task not in TASKS and not task.startswith(GYM_PREFIX):
        raise ConfigError(
            f"{task!r} is no task of ours ({', '.join(sorted(TASKS))}) and no gym:<id>, so nothing says how its "
            "actions are bounded and timed: give --control-period, --action-low and --action-high, all three."
        )
    env = make_env(task, **options)
    try:
        described = describe(
            env, task=task, demonstrator=config.demonstrator, control_period=period
        )
    finally:
        env.close()
    return _checked(described, config, observations, actions)


def _checked(
    described: Metadata, config: ImportConfig, observations: Array, actions: Array
) -> Metadata:
    state = described.observation_space.spaces.get("state")
    shapes = (
        ("observations", observations, None if state is None else state.shape),
        ("actions", actions, described.action_space.shape),
    )
    for name, array, shape in shapes:
        if array.shape[1:] != shape:
            raise SpecMismatch(
                f"{config.source.name} has {name} of shape {array.shape[1:]}, but {described.task!r} has {shape}. "
                "Another layout may be an option of the environment, such as layout=d4rl for the kitchen; "
                "a file for no known environment needs a task name, control_period, action_low and action_high."
            )
    if config.action_low is not None and config.action_high is not None:
        shape = actions.shape[1:]
        low, high = (
            np.broadcast_to(np.array(bound, np.float32), shape)
            for bound in (config.action_low, config.action_high)
        )
        return replace(described, action_space=spaces.Box(low, high, dtype=np.float32))
    return described


def _fate(name: str, array: Array, ends: Array) -> str:
    """The column that an array becomes: "steps/...", "episodes/..." or "metadata"."""
    if name == "episode_ends":
        return "lengths"
    first = len(array) if array.ndim else -1
    numeric = array.dtype.kind in "biuf"
    whole = re.match(r"(init|final)_", name)
    if numeric and first == ends[-1] and not (whole and first == len(ends)):
        return f"steps/{ROLES.get(name, f'extra.{node_name(name)}')}"
    if numeric and first == len(ends):
        if name == "final_observations":
            return "episodes/final_observation.state"
        prefix = "start." if name.startswith("init_") else "extra."
        return f"episodes/{prefix}{node_name(name.removeprefix('init_'))}"
    return "metadata"


def _episodes(
    arrays: Mapping[str, Array], fates: Mapping[str, str], ends: Array, metadata: Metadata
) -> Iterator[Demonstration]:
    kinds = {
        "observation.state": np.float32,
        "action": np.float32,
        "reward": np.float64,
        "success": np.bool_,
        "terminated": np.bool_,
        "truncated": np.bool_,
    }
    columns = {
        fate.removeprefix("steps/"): arrays[name]
        for name, fate in fates.items()
        if fate.startswith("steps/")
    }
    columns = {
        name: array.astype(kinds[name]) if name in kinds else array
        for name, array in columns.items()
    }
    facts = {
        fate.removeprefix("episodes/"): arrays[name]
        for name, fate in fates.items()
        if fate.startswith("episodes/")
    }
    if "next_observations" in arrays and "final_observation.state" not in facts:
        facts["final_observation.state"] = arrays["next_observations"][ends - 1]
    if "final_observation.state" in facts:
        facts["final_observation.state"] = facts["final_observation.state"].astype(np.float32)
    for number, (start, stop) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
        steps = {name: array[start:stop] for name, array in columns.items()}
        never = np.zeros(stop - start, dtype=np.bool_)
        steps.setdefault("terminated", never)
        if "truncated" not in steps:
            # The recording stops here, which is no ending of the task's own.
            steps["truncated"] = never.copy()
            steps["truncated"][-1] = not steps["terminated"][-1]
        yield Demonstration(
            steps=steps,
            facts={name: array[number] for name, array in facts.items()},
            success=bool(steps["success"][-1]) if "success" in steps else None,
            total_reward=float(steps["reward"].sum()) if "reward" in steps else None,
        )
