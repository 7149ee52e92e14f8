"""What a data set says about itself: task, workcell, spaces, rate, who demonstrated, with which versions."""

from __future__ import annotations

import dataclasses
import json
import math
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Self

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import VectorEnv

from ibc_gym.contracts import PolicySpec, Task
from ibc_gym.errors import SpecMismatch
from ibc_gym.registry import task_of
from ibc_gym.serialise import space_from_json, space_to_json, switched_on

VERSIONED = (
    "ibc-gym",
    "gymnasium",
    "mujoco",
    "numpy",
    "pybullet",
    "torch",
    "zarr",
    "gymnasium-robotics",
)
"""Packages whose versions are written down where they are installed."""

_NODE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*")


@dataclass(frozen=True, kw_only=True, eq=False)
class Metadata:
    """Everything about a recording but its episodes; plain JSON on disk."""

    task: str
    """A row of the table of tasks, or "gym:<id>"."""
    workcell: str
    """Where it was recorded: a row of the table of workcells, or "gym"."""
    observation_space: spaces.Dict
    """Boxes by input name, without a batch axis."""
    action_space: spaces.Box
    """(A,)"""
    control_period: float
    """[s]"""
    config: Mapping[str, Any] = field(default_factory=dict)
    """The task's config, as JSON."""
    feature_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """A label for every element of the low-dimensional inputs, where they are known."""
    demonstrator: str = "unknown"
    """Who acted: "oracle", "human", or a policy's name."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Of the packages that made the data."""
    source: Mapping[str, Any] = field(default_factory=dict)
    """How it was made, as JSON: the recorder's settings, or the file that was imported."""

    def __post_init__(self) -> None:
        for name, space in self.observation_space.spaces.items():
            if not isinstance(space, spaces.Box):
                raise SpecMismatch(
                    f"Input {name!r} has a {type(space).__name__} space; only boxes can be recorded."
                )
            check_node_name(name)
        if not (math.isfinite(self.control_period) and self.control_period > 0):
            raise SpecMismatch(f"The control period is {self.control_period} s; it must be > 0.")

    @property
    def spec(self) -> PolicySpec:
        """What a policy for this data is made for."""
        return PolicySpec(
            task=self.task,
            observation_space=self.observation_space,
            action_space=self.action_space,
            control_period=self.control_period,
            task_config=self.config,
        )

    @property
    def making(self) -> str:
        """How episodes came about; of equal making and seed they are the same episode."""
        names = ("task", "workcell", "demonstrator", "source")
        said = {name: plain(getattr(self, name)) for name in names}
        return json.dumps({**said, "config": switched_on(plain(self.config))}, sort_keys=True)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON that `from_json` reads back exactly."""
        return {
            "task": self.task,
            "workcell": self.workcell,
            "observation_space": space_to_json(self.observation_space),
            "action_space": space_to_json(self.action_space),
            "control_period": self.control_period,
            "config": dict(self.config),
            "feature_names": {name: list(names) for name, names in self.feature_names.items()},
            "demonstrator": self.demonstrator,
            "versions": dict(self.versions),
            "source": dict(self.source),
        }

    @classmethod
    def from_json(cls, numbers: Mapping[str, Any]) -> Self:
        """Read back what `to_json` gave; keys of a later minor version are ignored."""
        known = {entry.name for entry in dataclasses.fields(cls)}
        values = {name: value for name, value in numbers.items() if name in known}
        values["observation_space"] = space_from_json(numbers["observation_space"])
        values["action_space"] = space_from_json(numbers["action_space"])
        values["feature_names"] = {
            name: tuple(names) for name, names in numbers.get("feature_names", {}).items()
        }
        return cls(**values)

    def difference(self, other: Metadata) -> str | None:
        """What keeps the two from sharing one data set, in words; None if nothing does."""
        if self.task != other.task:
            return f"the task is {self.task!r} in one and {other.task!r} in the other"
        if self.action_space != other.action_space:
            return f"actions are {self.action_space} in one and {other.action_space} in the other"
        mine, theirs = self.observation_space.spaces, other.observation_space.spaces
        if mine.keys() != theirs.keys():
            return f"the inputs are {', '.join(mine)} in one and {', '.join(theirs)} in the other"
        for name, space in mine.items():
            if space != theirs[name]:
                return f"input {name!r} is {space} in one and {theirs[name]} in the other"
        if not math.isclose(self.control_period, other.control_period, rel_tol=1e-9):
            return f"the control period is {self.control_period} s in one and {other.control_period} s in the other"
        return None


def describe(
    envs: VectorEnv[Any, Any, Any] | gymnasium.Env[Any, Any],
    *,
    task: str,
    workcell: str | None = None,
    demonstrator: str = "unknown",
    control_period: float | None = None,
    source: Mapping[str, Any] | None = None,
) -> Metadata:
    """The metadata of an environment, single or many.

    Args:
        envs: Environments of ours, or of Gymnasium's, with a `Dict` of boxes to see and a box to act in.
        task: The name that they were made by.
        workcell: The workcell's name; the task's first by default, "gym" for environments that are not ours.
        demonstrator: Who will act.
        control_period: Length of a control period [s]; the task's own by default.
        source: How the data will be made, as JSON.

    Raises:
        SpecMismatch: The spaces cannot be recorded, or nothing says how long a control period is.
    """
    made = _task_of(envs)
    if isinstance(envs, VectorEnv):
        observation_space, action_space = envs.single_observation_space, envs.single_action_space
    else:
        observation_space, action_space = envs.observation_space, envs.action_space
    if not isinstance(observation_space, spaces.Dict) or not isinstance(action_space, spaces.Box):
        raise SpecMismatch(
            f"{task!r} shows {type(observation_space).__name__} and takes {type(action_space).__name__}; "
            "recording needs a Dict of boxes and a Box. Make the environment with make_env or make_vec_env."
        )
    period = control_period or getattr(made, "control_period", None)
    if period is None:
        raise SpecMismatch(f"Nothing says how long a control period of {task!r} is; give it.")
    config = getattr(made, "config", None)
    first = next(iter(getattr(made, "workcells", ())), "gym")
    return Metadata(
        task=task,
        workcell=workcell or first,
        observation_space=observation_space,
        action_space=action_space,
        control_period=float(period),
        config=plain(dataclasses.asdict(config)) if dataclasses.is_dataclass(config) else {},  # type: ignore[arg-type]
        feature_names={
            name: tuple(names)
            for name, names in getattr(made, "feature_names", {}).items()
            if name in observation_space.spaces
        },
        demonstrator=demonstrator,
        versions=installed_versions(),
        source=plain(dict(source or {})),
    )


def installed_versions() -> dict[str, str]:
    """Versions of Python and of those of `VERSIONED` that are installed."""
    found = {"python": platform.python_version()}
    for name in VERSIONED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def plain(value: Any) -> Any:
    """The same as JSON: tuples and arrays become lists, NumPy numbers become numbers."""
    if isinstance(value, Mapping):
        return {str(name): plain(entry) for name, entry in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def check_node_name(name: str) -> None:
    """Refuse a name that cannot be part of an array's name on disk.

    Raises:
        SpecMismatch: It holds anything but letters, digits, "_", "-" and ".".
    """
    if not _NODE_NAME.fullmatch(name):
        raise SpecMismatch(
            f"{name!r} cannot name an array; use letters, digits, '_', '-' and '.' (not first)."
        )


def node_name(name: str) -> str:
    """The nearest name that an array can have on disk."""
    cleaned = re.sub(r"[^A-Za-z0-9_.\-]", "_", name)
    return cleaned if _NODE_NAME.fullmatch(cleaned) else f"_{cleaned}"


def _task_of(envs: VectorEnv[Any, Any, Any] | gymnasium.Env[Any, Any]) -> Task | None:
    """The task behind environments of ours; None behind others."""
    try:
        if isinstance(envs, VectorEnv):
            return task_of(envs.unwrapped)
        task: Task = envs.get_wrapper_attr("task")
    except AttributeError:
        return None
    return task
