"""What is in a data set of demonstrations, as plain JSON: what `ibc-gym data info` prints."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ibc_gym.data.dataset import KEPT_ROW_BYTES, Dataset
from ibc_gym.data.demonstration import Array
from ibc_gym.data.metadata import plain
from ibc_gym.data.segments import FORMAT
from ibc_gym.errors import DatasetCorrupt
from ibc_gym.records import Float64


def data_info(path: str | Path, *, verify: bool = False) -> dict[str, Any]:
    """Describe a data set; nothing on the disk is changed.

    Args:
        path: The folder.
        verify: Read everything and compare it with its checksums. It is done too if what is read first turns out to
            be damaged; else only what cannot be opened is found damaged.

    Raises:
        ConfigError: There is no data set.
    """
    try:
        return _describe(Path(path), verify=verify)
    except DatasetCorrupt:
        if verify:
            raise
        return _describe(Path(path), verify=True)


def _describe(path: Path, *, verify: bool) -> dict[str, Any]:
    dataset = Dataset.open(path, skip_damaged=True, verify=verify)
    making = [segment.metadata for segment in dataset.segments] or [dataset.metadata]
    seconds = dataset.steps * dataset.metadata.control_period
    return {
        "path": str(path),
        "format": FORMAT,
        "task": dataset.metadata.task,
        "workcells": _distinct(each.workcell for each in making),
        "demonstrators": _distinct(each.demonstrator for each in making),
        "episodes": len(dataset),
        "steps": dataset.steps,
        "seconds": round(seconds, 3),
        "bytes": sum(file.stat().st_size for file in path.rglob("*") if file.is_file()),
        "rate_hz": 1 / dataset.metadata.control_period,
        "measured": _measured(dataset),
        "success": _success(dataset),
        "length": _statistics(dataset.lengths.astype(np.float64)),
        "return": _statistics(dataset.returns),
        "seeds": _seeds(dataset),
        "faults": {
            number: entry.fault for number, entry in enumerate(dataset.entries) if entry.fault
        },
        "inputs": {
            name: {"shape": list(space.shape or ()), "dtype": str(space.dtype)}
            for name, space in dataset.metadata.observation_space.spaces.items()
        },
        "action": {"shape": list(dataset.metadata.action_space.shape)},
        "columns": list(dataset.columns),
        "facts": list(dataset.facts),
        "ranges": _ranges(dataset),
        "config": _distinct(dict(each.config) for each in making),
        "versions": _distinct(dict(each.versions) for each in making),
        "source": _distinct(dict(each.source) for each in making),
        "segments": len(dataset.segments),
        "uncommitted": list(dataset.uncommitted),
        "damaged": [dataclasses.asdict(damage) for damage in dataset.damaged],
        "verified": verify,
        "fingerprint": dataset.fingerprint,
    }


def _distinct(values: Any) -> list[Any]:
    """Every value once, in the order of their first appearance."""
    found: list[Any] = []
    for value in values:
        if (entry := plain(value)) not in found:
            found.append(entry)
    return found


def _success(dataset: Dataset) -> dict[str, Any]:
    known = sum(entry.success is not None for entry in dataset.entries)
    succeeded = int(dataset.success.sum())
    return {
        "known": known,
        "succeeded": succeeded,
        "rate": succeeded / known if known else None,
    }


def _statistics(values: Float64) -> dict[str, float] | None:
    good = values[np.isfinite(values)]
    if not good.size:
        return None
    return {"min": float(good.min()), "mean": float(good.mean()), "max": float(good.max())}


def _seeds(dataset: Dataset) -> dict[str, Any] | None:
    making = {segment.name: segment.metadata.making for segment in dataset.segments}
    made = [
        (making[segment.name], entry.seed)
        for segment, entry in dataset.origins
        if entry.seed is not None
    ]
    if not made:
        return None
    seeds = [seed for _, seed in made]
    repeated = len(made) - len(set(made))
    return {"first": min(seeds), "last": max(seeds), "count": len(seeds), "repeated": repeated}


def _measured(dataset: Dataset) -> dict[str, Any]:
    """How the clock really went: period by the capture times of every source, and deadlines missed."""
    measured: dict[str, Any] = {}
    inside = np.ones(dataset.steps, dtype=np.bool_)
    inside[dataset.episode_ends - 1] = False  # no period lies between two episodes
    for name in dataset.columns:
        if name.startswith("time.") and inside.any():
            periods = np.diff(dataset.column(name), append=0.0)[inside]
            measured[name.removeprefix("time.")] = {
                "period_median": float(np.median(periods)),
                "period_max": float(periods.max()),
            }
    if "deadline_missed" in dataset.columns:
        measured["deadlines_missed"] = int(dataset.column("deadline_missed").sum())
    if "action_sent" in dataset.columns:
        changed = (dataset.column("action_sent") != dataset.column("action")).any(axis=1)
        measured["actions_changed"] = int(changed.sum())
    return measured


def _ranges(dataset: Dataset) -> dict[str, list[dict[str, Any]]]:
    """Least, mean and greatest value and standard deviation of every dimension of what is small."""
    spaces = dataset.metadata.observation_space.spaces
    labels = dataset.metadata.feature_names
    small = {
        f"observation.{name}": labels.get(name, ())
        for name, space in spaces.items()
        if int(np.prod(space.shape or ())) * np.dtype(space.dtype).itemsize < KEPT_ROW_BYTES
    }
    if not dataset.steps:
        return {}
    return {
        name: _dimensions(dataset.column(name), names)
        for name, names in {**small, "action": ()}.items()
    }


def _dimensions(column: Array, names: Sequence[str]) -> list[dict[str, Any]]:
    flat = column.reshape(len(column), -1).astype(np.float64)
    rows: list[dict[str, Any]] = []
    for index in range(flat.shape[1]):
        values = flat[:, index]
        row: Mapping[str, Any] = {
            "name": names[index] if index < len(names) else str(index),
            "min": float(values.min()),
            "max": float(values.max()),
            "mean": float(values.mean()),
            "std": float(values.std()),
        }
        rows.append(dict(row))
    return rows
