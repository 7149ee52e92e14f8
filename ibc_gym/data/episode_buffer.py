"""What has been heard of the episodes under way, until they end."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from ibc_gym.data.demonstration import Array, Demonstration
from ibc_gym.data.metadata import node_name
from ibc_gym.records import Bool
from ibc_gym.rollout import POLICY, Transition

_NOT_PROGRESS = ("success", "is_success", "deadline_missed", "interventions")


class EpisodeBuffer:
    """One episode per row of a batch of environments, kept in arrays (B, longest, ...)."""

    def __init__(self, count: int, inputs: Collection[str]) -> None:
        """Make room.

        Args:
            count: B
            inputs: The observation's parts that are kept.
        """
        self._inputs = frozenset(inputs)
        self.facts: list[dict[str, Array]] = [{} for _ in range(count)]
        """More to store of the episode in every row; emptied when one begins."""
        self._seeds: list[int | None] = [None] * count
        self._length = np.zeros(count, dtype=np.int64)
        self._active: Bool = np.zeros(count, dtype=np.bool_)
        self._buffers: dict[str, Array] = {}
        self._captured: dict[str, Array] = {}
        self._last: Transition | None = None

    def begin(self, mask: Bool, seeds: Sequence[int], info: Mapping[str, Any]) -> None:
        """Episodes begin in the rows under `mask` (B,)."""
        drawn = {
            f"variation.{name}": np.asarray(values, dtype=np.float64)
            for name, values in info.get("variation", {}).items()
            if not name.startswith("_")
        }
        for row in np.flatnonzero(mask):
            self._seeds[row] = int(seeds[int(row)])
            self.facts[row] = {name: values[row] for name, values in drawn.items()}
        self._length[mask] = 0
        self._active |= mask
        for name, values in _captured(info).items():
            kept = self._captured.setdefault(name, np.zeros_like(values))
            kept[mask] = values[mask]

    def add(self, transition: Transition) -> None:
        """Every active row made a step."""
        rows = np.flatnonzero(transition.active)
        values = {**self._observed(transition), **_columns(transition), **self._captured}
        if not self._buffers:
            self._buffers = {name: _empty(array, 128) for name, array in values.items()}
        elif self._length[rows].max(initial=0) >= len(next(iter(self._buffers.values()))[0]):
            self._buffers = {name: _doubled(buffer) for name, buffer in self._buffers.items()}
        at = self._length[rows]
        for name, buffer in self._buffers.items():
            buffer[rows, at] = values[name][rows] if name in values else _absent(buffer.dtype)
        self._length[rows] += 1
        self._captured = {
            name: np.array(array) for name, array in _captured(transition.info).items()
        }
        self._last = transition

    def under_way(self) -> list[int]:
        """Rows with an episode that has begun and made a step."""
        return [int(row) for row in np.flatnonzero(self._active & (self._length > 0))]

    def finish(self, row: int, fault: str | None = None) -> Demonstration:
        """The episode of one row; a fault marks its last step as truncated."""
        assert self._last is not None
        self._active[row] = False
        length = int(self._length[row])
        steps = {name: buffer[row, :length].copy() for name, buffer in self._buffers.items()}
        if fault is not None:
            steps["truncated"][-1] = True
        final = {
            f"final_observation.{name}": np.array(values[row])
            for name, values in self._last.next_observation.items()
            if name in self._inputs
        }
        last = {f"final_{name}": np.array(values[row]) for name, values in self._captured.items()}
        return Demonstration(
            steps=steps,
            facts={**final, **last, **self.facts[row]},
            seed=self._seeds[row],
            success=bool(steps["success"][-1]) if "success" in steps else None,
            total_reward=float(steps["reward"].sum()),
            fault=fault,
        )

    def _observed(self, transition: Transition) -> dict[str, Array]:
        return {
            f"observation.{name}": np.asarray(array)
            for name, array in transition.observation.items()
            if name in self._inputs
        }


def _columns(transition: Transition) -> dict[str, Array]:
    """Everything about one step but its observation, each (B, ...)."""
    info = transition.info
    values: dict[str, Array] = {"action": transition.action}
    values["reward"] = np.asarray(transition.reward, dtype=np.float64)
    values["terminated"] = np.asarray(transition.terminated, dtype=np.bool_)
    values["truncated"] = np.asarray(transition.truncated, dtype=np.bool_)
    success = info.get("is_success", info.get("success"))
    if success is not None:
        values["success"] = np.asarray(success, dtype=np.bool_)
    if "action_sent" in info:
        values["action_sent"] = np.asarray(info["action_sent"])
    if "deadline_missed" in info:
        values["deadline_missed"] = np.asarray(info["deadline_missed"], dtype=np.bool_)
    if "by_person" in info:
        values["by_person"] = np.asarray(info["by_person"], dtype=np.bool_)
    if "action_policy" in info:
        values["action_policy"] = np.asarray(info["action_policy"])
    if "interventions" in info:
        values["interventions"] = np.asarray(info["interventions"], dtype=np.int64)
    for name, array in info.items():
        if isinstance(array, np.ndarray) and array.ndim == 1 and array.dtype.kind in "fiu":
            if name.startswith(("_", POLICY)) or name in _NOT_PROGRESS:
                continue
            told, numbers = info.get(f"_{name}"), array.astype(np.float64)
            values[f"progress.{node_name(name)}"] = (
                numbers if told is None else np.where(told, numbers, np.nan)
            )
    return values


def _captured(info: Mapping[str, Any]) -> dict[str, Array]:
    """When and as which picture the observation was taken, each (B,)."""
    named = (("capture_time", "time", np.float64), ("frame_number", "frame_number", np.int64))
    return {
        f"{column}.{source}": np.asarray(values, dtype=dtype)
        for key, column, dtype in named
        for source, values in info.get(key, {}).items()
        if not source.startswith("_")
    }


def _empty(values: Array, length: int) -> Array:
    return np.empty((len(values), length, *values.shape[1:]), dtype=values.dtype)


def _doubled(buffer: Array) -> Array:
    longer = np.empty((len(buffer), 2 * buffer.shape[1], *buffer.shape[2:]), dtype=buffer.dtype)
    longer[:, : buffer.shape[1]] = buffer
    return longer


def _absent(dtype: np.dtype[Any]) -> Any:
    """What stands for a number that an environment did not tell this time."""
    return np.nan if dtype.kind == "f" else np.zeros((), dtype)[()]
