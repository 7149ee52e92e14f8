"""Reads `.npz` files of demonstrations, and says of a file that does not serve which array and row are at fault."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from ibc_gym.data.demonstration import Array
from ibc_gym.errors import ConfigError
from ibc_gym.normalise import STD_FLOOR
from ibc_gym.words import count

MOST_LOST: Final = 0.1
"""Share of a column's range by which rounding may move its numbers; a sensor of pressure may well have a fiftieth."""

SCALARS: Final = ("rewards", "success", "terminations", "truncations")
"""Arrays with one number per step."""

MATRICES: Final = ("observations", "actions", "next_observations")
"""Arrays with one row of numbers per step."""

Arrays = Mapping[str, Array]


def read_npz(path: Path) -> dict[str, Array]:
    """All arrays of a file; pickled objects are refused.

    Raises:
        ConfigError: There is no such file, or it is no `.npz` of plain arrays.
    """
    if not path.exists():
        raise ConfigError(f"There is no file {path}.")
    if not zipfile.is_zipfile(path):
        raise ConfigError(
            f"{path} is no .npz file of plain arrays, nor any other zip archive. numpy.savez makes one."
        )
    found: dict[str, Array] = {}
    name = "its list of arrays"
    try:
        with np.load(path, allow_pickle=False) as file:
            for name in file.files:
                found[name] = file[name]
    except (
        OSError,
        ValueError,
        AttributeError,
        TypeError,
        EOFError,
        RuntimeError,  # an encrypted array, or one compressed in a way that is not known here
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        if "allow_pickle" in str(error):
            said = f"{name!r} holds Python objects, which could run code; save it as numbers"
        else:
            said = f"{name!r} cannot be read ({error})"
        raise ConfigError(f"{path} is no .npz file of plain arrays: {said}.") from error
    return found


def check_arrays(arrays: Arrays, source: Path) -> Array:
    """Hold the arrays to the layout of `ibc_gym.data.importer`; gives the end row of every episode, (E,).

    Raises:
        ConfigError: An array is missing, has another shape, or holds what is no finite float32.
    """
    missing = [name for name in ("observations", "actions", "episode_ends") if name not in arrays]
    if missing:
        raise ConfigError(
            f"{source} lacks {', '.join(missing)}; it has {', '.join(arrays)}. "
            "docs/data-format.md says what a file to import looks like."
        )
    for name in ("observations", "actions"):
        _check_matrix(name, arrays[name], source)
    rows = len(arrays["observations"])
    ends = _ends(arrays["episode_ends"], rows, source)
    if len(arrays["actions"]) != rows:
        raise ConfigError(
            f"{source} has {count(rows, 'observation')} and {count(len(arrays['actions']), 'action')}."
        )
    _check_others(arrays, ends, source)
    for name in MATRICES:
        if name in arrays:
            _check_finite(name, arrays[name], ends, source)
            _check_precision(name, arrays[name], source)
    if "final_observations" in arrays:
        _check_finite("final_observations", arrays["final_observations"], None, source)
        _check_precision("final_observations", arrays["final_observations"], source)
    return ends


def _check_matrix(name: str, array: Array, source: Path) -> None:
    if array.dtype.kind not in "biuf":
        raise ConfigError(f"{name} of {source} holds {array.dtype}, but must hold numbers.")
    if array.ndim != 2 or array.shape[1] == 0:
        hint = f" In Python, {name}.reshape(len({name}), -1) makes it so." if array.size else ""
        raise ConfigError(
            f"{name} of {source} has shape {array.shape}, but must have one row of numbers per step, "
            f"(steps, numbers).{hint}"
        )


def _ends(ends: Array, rows: int, source: Path) -> Array:
    good = ends.ndim == 1 and ends.size > 0 and ends.dtype.kind in "iu"
    if not good or ends[0] <= 0 or (np.diff(ends.astype(np.int64)) <= 0).any() or ends[-1] != rows:
        raise ConfigError(
            f"episode_ends of {source} must grow and end at {rows}, the number of observations; it is {ends}."
        )
    return ends.astype(np.int64)


def _check_others(arrays: Arrays, ends: Array, source: Path) -> None:
    """What has a meaning must have the shape that goes with it, or it would be filed as something else."""
    rows, episodes, states = int(ends[-1]), len(ends), arrays["observations"].shape[1]
    wanted: dict[str, tuple[int, ...]] = {
        **dict.fromkeys(SCALARS, (rows,)),
        "next_observations": (rows, states),
        "final_observations": (episodes, states),
    }
    for name, shape in wanted.items():
        array = arrays.get(name)
        if array is None:
            continue
        if array.shape != shape or array.dtype.kind not in "biuf":
            raise ConfigError(
                f"{name} of {source} is {array.dtype} of shape {array.shape}, but must be numbers of shape {shape}: "
                f"the file has {count(rows, 'step')} in {count(episodes, 'episode')}."
            )


def _check_finite(name: str, array: Array, ends: Array | None, source: Path) -> None:
    """Refuse what would be no finite number as float32, which is what is stored."""
    with np.errstate(over="ignore"):
        good = np.isfinite(array.astype(np.float32))
    if good.all():
        return
    row, column = (int(index) for index in np.argwhere(~good)[0])
    number = array[row, column]
    where = f"row {row}"
    if ends is not None:
        episode = int(np.searchsorted(ends, row, side="right"))
        where += f" (step {row - (int(ends[episode - 1]) if episode else 0)} of episode {episode})"
    what = "beyond the range of float32" if np.isfinite(number) else "not finite"
    raise ConfigError(f"{name} of {source} is {what} in {where}: {number}.")


def _check_precision(name: str, array: Array, source: Path) -> None:
    """Refuse a column whose numbers differ by less than float32, which is what is stored, can tell apart where they lie."""
    exact = array.astype(np.float64)
    lost = np.abs(exact - array.astype(np.float32)).max(axis=0)
    low, high = exact.min(axis=0), exact.max(axis=0)
    varies = high - low > STD_FLOOR
    merged = np.flatnonzero(varies & (lost > MOST_LOST * (high - low)))
    if merged.size:
        column = int(merged[0])
        raise ConfigError(
            f"Column {column} of {name} of {source} goes from {float(low[column])!r} to {float(high[column])!r}; numbers are stored as "
            f"float32, which is off by up to {lost[column]:.2g} there. Take the column's least number off, or leave it out."
        )
