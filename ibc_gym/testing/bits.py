"""Bit by bit: what was seen, as something that `==` compares exactly."""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ibc_gym.records import Float64, Target


def flat(value: Any) -> Any:
    """Observations, infos, records and poses as something that `==` compares bit by bit."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        return {key: flat(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return tuple(flat(each) for each in value)
    if dataclasses.is_dataclass(value):
        return {part.name: flat(getattr(value, part.name)) for part in dataclasses.fields(value)}
    return np.asarray(value).tobytes()


def global_stream() -> bytes:
    """All of NumPy's global generator, which nothing of ours may touch."""
    return pickle.dumps(np.random.get_state(legacy=False))  # noqa: NPY002 - to see that it rests


def place(target: Target) -> Float64:
    """The numbers that limits speak of: joints, or the position of the tool."""
    if target.joints is not None:
        return target.joints
    assert target.tool is not None, "A target names either joints or a tool pose."
    return target.tool.position


def moved(target: Target, change: Callable[[Float64], Float64]) -> Target:
    """The same target with other joints, or another position of the tool."""
    if target.joints is not None:
        return Target(joints=change(target.joints))
    assert target.tool is not None, "A target names either joints or a tool pose."
    return Target(tool=dataclasses.replace(target.tool, position=change(target.tool.position)))
