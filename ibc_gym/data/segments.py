"""Committed segments of a data set, read without changing anything."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import zarr

from ibc_gym.data.demonstration import Array, Columns, Demonstration, Entry, checksum
from ibc_gym.data.metadata import Metadata
from ibc_gym.errors import ConfigError, DatasetCorrupt

FORMAT: Final = 1
"""Version of the layout; a reader refuses greater ones."""
KEY: Final = "ibc_gym"
"""Attribute that everything of ours is under."""
_CONTENTS: Final = "contents"
_ADVICE: Final = (
    " `ibc-gym data verify` names the damaged episodes; --skip-damaged leaves them out."
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Segment:
    """A committed segment: its table of episodes, and how to read its arrays."""

    path: Path
    metadata: Metadata
    entries: tuple[Entry, ...]
    files: Mapping[str, int]
    """Size of every data file [bytes], by its path in the segment."""
    contents: Mapping[str, Any]
    """Zarr's metadata of every group and array, by its path in the segment."""
    _arrays: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of its folder."""
        return self.path.name

    def columns(self, kind: str) -> tuple[str, ...]:
        """Names of the arrays under "steps" or "episodes", sorted."""
        prefix = f"{kind}/"
        return tuple(sorted(n.removeprefix(prefix) for n in self.contents if n.startswith(prefix)))

    def row_of(self, name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Shape and type of one row of a step column."""
        described = self.contents[f"steps/{name}"]
        return tuple(described["shape"][1:]), np.dtype(described["data_type"])

    def read(self, kind: str, name: str, start: int, stop: int) -> Array:
        """Rows [start, stop) of one array.

        Raises:
            DatasetCorrupt: They cannot be read.
        """
        try:
            self._check_files(f"{kind}/{name}/")
            return np.asarray(self._array(f"{kind}/{name}")[start:stop])
        except (KeyError, ValueError, RuntimeError, OSError, TypeError) as error:
            raise DatasetCorrupt(
                f"Array {kind}/{name} of {self.path} cannot be read in rows {start} to {stop}: {_reason(error)}."
                f"{_ADVICE}"
            ) from error

    def demonstration(self, number: int) -> Demonstration:
        """One episode with all its arrays.

        Raises:
            DatasetCorrupt: Some cannot be read.
        """
        start = sum(before.length for before in self.entries[:number])
        stop = start + self.entries[number].length
        steps = {name: self.read("steps", name, start, stop) for name in self.columns("steps")}
        facts = {
            name: self.read("episodes", name, number, number + 1)[0]
            for name in self.columns("episodes")
        }
        return self._join(number, steps, facts)

    def demonstrations(self) -> tuple[Demonstration, ...]:
        """All episodes; every array is read once.

        Raises:
            DatasetCorrupt: Some cannot be read.
        """
        ends = np.cumsum([entry.length for entry in self.entries])
        steps = {name: self.read("steps", name, 0, ends[-1]) for name in self.columns("steps")}
        count = len(self.entries)
        facts = {name: self.read("episodes", name, 0, count) for name in self.columns("episodes")}
        return tuple(
            self._join(
                number,
                {name: array[end - entry.length : end] for name, array in steps.items()},
                {name: array[number] for name, array in facts.items()},
            )
            for number, (entry, end) in enumerate(zip(self.entries, ends, strict=True))
        )

    def verify(self) -> Mapping[int, str]:
        """Read everything and compare it with its checksums; gives what is wrong with which episode."""
        try:
            whole: Mapping[int, Demonstration] = dict(enumerate(self.demonstrations()))
        except DatasetCorrupt:
            whole = {}  # one damaged chunk spoils the reading at once, so look at every episode alone
        wrong = {}
        for number, entry in enumerate(self.entries):
            try:
                demonstration = whole.get(number) or self.demonstration(number)
            except DatasetCorrupt as error:
                wrong[number] = str(error).removesuffix(_ADVICE)
                continue
            if checksum(demonstration) != entry.checksum:
                wrong[number] = "Its arrays are not what was written: the checksum differs."
        return wrong

    def _join(self, number: int, steps: Columns, facts: Columns) -> Demonstration:
        entry = self.entries[number]
        return Demonstration(
            steps=steps,
            facts=facts,
            seed=entry.seed,
            success=entry.success,
            total_reward=entry.total_reward,
            fault=entry.fault,
        )

    def _array(self, name: str) -> Any:
        if name not in self._arrays:
            self._arrays[name] = zarr.open_array(self.path / name, mode="r")
        return self._arrays[name]

    def _check_files(self, prefix: str) -> None:
        """Zarr takes a chunk without a file for one that is all zeros, so look for the files ourselves."""
        for file, size in self.files.items():
            if file.startswith(prefix) and (found := (self.path / file).stat().st_size) != size:
                raise OSError(f"{file} has {found} bytes of {size}")


def read_metadata(path: Path) -> Metadata:
    """What the data set as a whole says of itself.

    Raises:
        ConfigError: There is no data set, or it was written by a newer version.
        DatasetCorrupt: Its description cannot be read.
    """
    if not path.exists():
        raise ConfigError(f"There is no data set at {path}; `ibc-gym record` makes one.")
    described = _attributes(path)
    if described is None:
        raise ConfigError(f"{path} is not one of our data sets; `ibc-gym data import` makes them.")
    return _metadata(path, described)


def segment_names(path: Path) -> tuple[list[str], list[str]]:
    """The committed segments, and the leftovers of writers that were killed or are at work; both sorted.

    Raises:
        DatasetCorrupt: The folder that they are in is not there.
    """
    try:
        folders = sorted(entry for entry in (path / "segments").iterdir() if entry.is_dir())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DatasetCorrupt(
            f"{path} has no folder `segments`, in which its episodes are. Was it copied in part? Copy it again, whole."
        ) from error
    committed = [folder.name for folder in folders if (folder / "zarr.json").exists()]
    return committed, [folder.name for folder in folders if folder.name not in committed]


def open_segment(path: Path, name: str) -> Segment:
    """A committed segment; no array is read yet.

    Raises:
        DatasetCorrupt: Its description cannot be read.
    """
    folder = path / "segments" / name
    described = _attributes(folder)
    if described is None:
        raise DatasetCorrupt(f"{folder} is no segment of ours; move it out of the data set.")
    try:
        return Segment(
            path=folder,
            metadata=_metadata(folder, described),
            entries=tuple(Entry(**row) for row in described["episodes"]),
            files={str(file): int(size) for file, size in described["files"].items()},
            contents=described[_CONTENTS],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetCorrupt(
            f"The description of segment {folder} cannot be read: {error!r}."
        ) from error


def _reason(error: Exception) -> str:
    """What Zarr says of a damaged chunk, without the bytes of its checksums."""
    return str(error).partition(" Stored: ")[0].rstrip(".")


def _attributes(folder: Path) -> dict[str, Any] | None:
    """Our attributes of a group and Zarr's metadata of its contents, or None where there is no group of ours.

    Raises:
        DatasetCorrupt: The file is there and is no JSON.
        ConfigError: A newer version wrote it.
    """
    try:
        text = (folder / "zarr.json").read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        described = json.loads(text)
    except ValueError as error:
        raise DatasetCorrupt(f"{folder / 'zarr.json'} is damaged: {error}.") from error
    ours = described.get("attributes", {}).get(KEY) if isinstance(described, dict) else None
    if not isinstance(ours, dict):
        return None
    if ours.get("format", 0) > FORMAT:
        raise ConfigError(
            f"{folder} has format {ours['format']}, this version of ibc-gym reads up to {FORMAT}; upgrade it."
        )
    contents = described.get("consolidated_metadata") or {}
    return {**ours, _CONTENTS: contents.get("metadata", {})}


def _metadata(folder: Path, described: Mapping[str, Any]) -> Metadata:
    try:
        return Metadata.from_json(described["metadata"])
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetCorrupt(f"The description in {folder} cannot be read: {error!r}.") from error
