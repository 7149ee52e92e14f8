"""A long array on disk that is read as it is indexed, for pictures that would not fit into memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ibc_gym.data.demonstration import Array
from ibc_gym.data.segments import Segment


@dataclass(frozen=True, kw_only=True, eq=False)
class Run:
    """Rows of one segment that lie one behind the other."""

    segment: Segment
    start: int
    stop: int


class StoredArray:
    """Reads like a NumPy array (M, ...) in slices and by row numbers; whole by `np.asarray`."""

    def __init__(
        self, name: str, runs: Sequence[Run], shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> None:
        """Put runs of one step column one behind the other.

        Args:
            name: The column.
            runs: Where its rows lie, in order.
            shape: Of one row.
            dtype: Of an element.
        """
        self._name = name
        self._runs = tuple(runs)
        self._ends = np.cumsum([run.stop - run.start for run in runs], dtype=np.int64)
        self.shape = (int(self._ends[-1]) if len(runs) else 0, *shape)
        self.dtype = dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> Array:
        """Rows by number, slice, or an array of numbers of any shape, such as the index of windows.

        Raises:
            DatasetCorrupt: They cannot be read.
        """
        if isinstance(rows, slice):
            start, stop, step = rows.indices(len(self))
            return (
                self._read(start, stop) if step == 1 else self._gather(np.arange(start, stop, step))
            )
        wanted = np.asarray(rows)
        if wanted.dtype == np.bool_:
            wanted = np.flatnonzero(wanted)
        if wanted.size and not (-len(self) <= wanted.min() and wanted.max() < len(self)):
            raise IndexError(f"Rows {wanted.min()} to {wanted.max()} of an array of {len(self)}.")
        return self._gather(np.where(wanted < 0, wanted + len(self), wanted))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        """All of it, in memory."""
        return self._read(0, len(self)).astype(dtype or self.dtype, copy=False)

    def _gather(self, rows: Array) -> Array:
        """Every row once, neighbours together, and then in the order that was asked for."""
        unique, places = np.unique(rows, return_inverse=True)
        breaks = np.flatnonzero(np.diff(unique) != 1) + 1
        parts = [
            self._read(int(part[0]), int(part[-1]) + 1)
            for part in np.split(unique, breaks)
            if len(part)
        ]
        read = np.concatenate(parts) if parts else np.zeros((0, *self.shape[1:]), self.dtype)
        gathered: Array = read[places.reshape(rows.shape)]
        return gathered

    def _read(self, start: int, stop: int) -> Array:
        out = np.empty((max(0, stop - start), *self.shape[1:]), self.dtype)
        first = int(np.searchsorted(self._ends, start, side="right"))
        done = 0
        for run, end in zip(self._runs[first:], self._ends[first:], strict=True):
            if done >= len(out):
                break
            low = run.stop - (int(end) - start - done)
            high = min(run.stop, low + len(out) - done)
            out[done : done + high - low] = run.segment.read("steps", self._name, low, high)
            done += high - low
        return out
