"""Recorded demonstrations for training: opened, checked, split by episode, cut into windows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
from numpy.typing import ArrayLike

from ibc_gym.contracts import PolicySpec
from ibc_gym.data import segments
from ibc_gym.data.damage import Damage
from ibc_gym.data.demonstration import Array, Demonstration, Entry
from ibc_gym.data.metadata import Metadata
from ibc_gym.data.segments import Segment
from ibc_gym.data.stored_array import Run, StoredArray
from ibc_gym.errors import ConfigError, DatasetCorrupt, UnknownName
from ibc_gym.records import Bool, Float64, Int64, Windows
from ibc_gym.words import count

KEPT_ROW_BYTES = 4096
"""Columns with smaller rows are held in memory once they were read; pictures are read as they are indexed."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Place:
    """Where an episode lies."""

    segment: Segment
    number: int
    start: int
    stop: int

    @property
    def entry(self) -> Entry:
        return self.segment.entries[self.number]


class Dataset:
    """The committed episodes of one folder, or some of them, in the order of their segments' names.

    Nothing is read before it is asked for, and opening changes nothing on the disk.
    """

    def __init__(
        self,
        path: Path,
        metadata: Metadata,
        places: Sequence[_Place],
        *,
        uncommitted: Sequence[str] = (),
        damaged: Sequence[Damage] = (),
    ) -> None:
        """Use `Dataset.open`."""
        self.path = path
        self.metadata = metadata
        self.uncommitted = tuple(uncommitted)
        """Leftovers of writers that were killed, or segments that are being written now."""
        self.damaged = tuple(damaged)
        """What was left out because it is damaged."""
        self._places = tuple(places)
        self._held: dict[str, Array] = {}
        self.lengths: Int64 = np.array([place.entry.length for place in places], dtype=np.int64)
        """Steps of every episode, (E,)."""

    @classmethod
    def open(
        cls, path: str | Path, *, skip_damaged: bool = False, verify: bool | None = None
    ) -> Dataset:
        """Open a data set for reading.

        Args:
            path: The folder.
            skip_damaged: Leave damaged episodes out; `damaged` lists them.
            verify: Read and check everything first; by default if damaged episodes are to be skipped.

        Raises:
            ConfigError: There is no data set, or a newer version wrote it.
            DatasetCorrupt: A segment cannot be opened, unless damaged ones are to be skipped.
        """
        folder = Path(path)
        metadata = segments.read_metadata(folder)
        names, uncommitted = segments.segment_names(folder)
        opened, damaged = [], []
        for name in names:
            try:
                opened.append(_open_segment(folder, name, metadata))
            except DatasetCorrupt as error:
                if not skip_damaged:
                    raise DatasetCorrupt(
                        f"{error} --skip-damaged opens the {count(len(names) - 1, 'other segment')} "
                        "(in Python, skip_damaged=True)."
                    ) from error
                damaged.append(Damage(segment=name, episode=None, reason=str(error)))
        dataset = cls(
            folder, metadata, list(_places(opened)), uncommitted=uncommitted, damaged=damaged
        )
        if not (skip_damaged if verify is None else verify):
            return dataset
        found = dataset.verify()
        if found and not skip_damaged:
            raise DatasetCorrupt(
                f"{folder}: {len(found)} of {count(len(dataset), 'episode')} damaged, the first is number "
                f"{found[0].episode} in segment {found[0].segment}. {found[0].reason} "
                "--skip-damaged leaves them out (in Python, skip_damaged=True)."
            )
        bad = {damage.episode for damage in found}
        whole = dataset.select([number for number in range(len(dataset)) if number not in bad])
        whole.damaged = found
        return whole

    def __len__(self) -> int:
        """Episodes."""
        return len(self._places)

    def __getitem__(self, number: int) -> Demonstration:
        """One episode with all its arrays; a negative number counts from the end.

        Raises:
            IndexError: There is no such episode.
            DatasetCorrupt: It cannot be read.
        """
        if not -len(self) <= number < len(self):
            raise IndexError(
                f"{self.path} has {count(len(self), 'episode')}, there is no number {number}."
            )
        place = self._places[number]
        return place.segment.demonstration(place.number)

    def __iter__(self) -> Iterator[Demonstration]:
        """Every episode, read when it is its turn."""
        return (self[number] for number in range(len(self)))

    def __repr__(self) -> str:
        made = f"{self.metadata.task!r} by {self.metadata.demonstrator}"
        return f"<Dataset {str(self.path)!r}: {count(len(self), 'episode')}, {count(self.steps, 'step')} of {made}>"

    @property
    def steps(self) -> int:
        """Steps of all episodes."""
        return int(self.lengths.sum())

    @property
    def spec(self) -> PolicySpec:
        """What a policy for this data is made for."""
        return self.metadata.spec

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The table of episodes: length, seed, success, return, fault, checksum."""
        return tuple(place.entry for place in self._places)

    @property
    def origins(self) -> tuple[tuple[Segment, Entry], ...]:
        """The segment of every episode, and the episode's row in its table."""
        return tuple((place.segment, place.entry) for place in self._places)

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The segments that the episodes lie in."""
        return tuple({place.segment.name: place.segment for place in self._places}.values())

    @property
    def episode_ends(self) -> Int64:
        """Exclusive end row of every episode in every column, (E,)."""
        return np.cumsum(self.lengths, dtype=np.int64)

    @property
    def success(self) -> Bool:
        """Episodes that are known to have succeeded, (E,)."""
        return np.array([entry.success is True for entry in self.entries], dtype=np.bool_)

    @property
    def returns(self) -> Float64:
        """Undiscounted return of every episode, (E,); NaN where there were no rewards."""
        rewards = [entry.total_reward for entry in self.entries]
        return np.array([np.nan if reward is None else reward for reward in rewards])

    @property
    def fingerprint(self) -> str:
        """Changes with any episode's content and with their order; 64 hexadecimal digits."""
        digest = hashlib.sha256()
        for entry in self.entries:
            digest.update(bytes.fromhex(entry.checksum))
        return digest.hexdigest()

    @property
    def columns(self) -> tuple[str, ...]:
        """Step columns that all episodes have."""
        return self._common("steps")

    @property
    def facts(self) -> tuple[str, ...]:
        """Names of what all episodes have one of."""
        return self._common("episodes")

    def column(self, name: str) -> Array:
        """One step column of all episodes, (M, ...), one behind the other, in memory; do not write to it.

        Raises:
            UnknownName: Not all episodes have it.
            DatasetCorrupt: It cannot be read.
        """
        if name not in self._held:
            joined = np.asarray(self.stored(name))
            joined.setflags(write=False)
            if joined[:1].nbytes >= KEPT_ROW_BYTES:
                return joined
            self._held[name] = joined
        return self._held[name]

    def stored(self, name: str) -> StoredArray:
        """One step column of all episodes, (M, ...), that is read as it is indexed.

        Raises:
            UnknownName: Not all episodes have it.
        """
        if len(self) and name not in self.columns:
            raise UnknownName("column", name, self.columns)
        shape, dtype = self._row_of(name)
        return StoredArray(name, list(_runs(self._places)), shape, dtype)

    def fact(self, name: str) -> Array:
        """What there is one of per episode, such as "final_observation.state", (E, ...).

        Raises:
            UnknownName: Not all episodes have it.
            DatasetCorrupt: It cannot be read.
        """
        if name not in self.facts:
            raise UnknownName("episode fact", name, self.facts)
        whole: dict[str, Array] = {}
        for segment in self.segments:
            whole[segment.name] = segment.read("episodes", name, 0, len(segment.entries))
        return np.stack([whole[place.segment.name][place.number] for place in self._places])

    def episode(self, number: int) -> Demonstration:
        """The same as `dataset[number]`."""
        return self[number]

    def select(self, episodes: ArrayLike) -> Self:
        """Only these episodes, in this order."""
        chosen = np.asarray(episodes, dtype=np.int64).reshape(-1)
        if chosen.size and not (chosen.min() >= 0 and chosen.max() < len(self)):
            raise ConfigError(f"{self.path} has episodes 0 to {len(self) - 1}; got {chosen}.")
        return type(self)(
            self.path,
            self.metadata,
            [self._places[number] for number in chosen],
            uncommitted=self.uncommitted,
            damaged=self.damaged,
        )

    def split(self, validation_fraction: float, rng: np.random.Generator) -> tuple[Int64, Int64]:
        """Training and validation episodes, drawn at random and sorted.

        Args:
            validation_fraction: Share to hold out, in [0, 1); if above 0, at least one episode is.
            rng: Draws which.

        Raises:
            ConfigError: Nothing would be left to train on.
        """
        if not 0 <= validation_fraction < 1:
            raise ConfigError(
                f"validation_fraction is {validation_fraction}; it must be in [0, 1)."
            )
        held_out = round(validation_fraction * len(self))
        if validation_fraction > 0:
            held_out = max(1, held_out)
        if held_out >= len(self):
            advice = " --validation-fraction 0 holds none out." if len(self) else ""
            raise ConfigError(
                f"{self.path}: {count(len(self), 'episode')} to learn from, too few to train on some and hold out "
                f"{held_out}.{advice}"
            )
        order = rng.permutation(len(self)).astype(np.int64)
        return np.sort(order[held_out:]), np.sort(order[:held_out])

    def windows(
        self,
        history: int,
        episodes: ArrayLike | None = None,
        names: Iterable[str] | None = None,
    ) -> Windows:
        """The last `history` observations before every step, and the action that was asked for then.

        At the start of an episode its first observation is repeated (Florence et al. 2021, as released). Pictures
        stay on the disk and are read as they are indexed.

        Args:
            history: T, at least 1.
            episodes: Which; all by default.
            names: Inputs; all by default.

        Raises:
            UnknownName: There is no such input.
            ConfigError: There are no episodes.
        """
        if history < 1:
            raise ConfigError(f"history is {history}, but must be at least 1.")
        chosen = np.arange(len(self)) if episodes is None else np.asarray(episodes, dtype=np.int64)
        part = self if episodes is None else self.select(chosen)
        if not len(part):
            raise ConfigError(f"{self.path}: no episodes to train on; record some first.")
        known = self.metadata.observation_space.spaces
        inputs = tuple(known if names is None else names)
        for name in inputs:
            if name not in known:
                raise UnknownName("input", name, known)
        return Windows(
            frames={name: part._frames(name) for name in inputs},
            index=window_index(part.lengths, history),
            action=part.column("action").astype(np.float32),
            episode=np.repeat(chosen, part.lengths),
        )

    def verify(self) -> tuple[Damage, ...]:
        """Read everything and compare it with its checksums; gives what is damaged, which is nothing as a rule."""
        wrong = {segment.name: segment.verify() for segment in self.segments}
        found = [
            Damage(
                segment=place.segment.name,
                episode=number,
                reason=wrong[place.segment.name][place.number],
            )
            for number, place in enumerate(self._places)
            if place.number in wrong[place.segment.name]
        ]
        return (*self.damaged, *found)

    def _common(self, kind: str) -> tuple[str, ...]:
        sets = [set(segment.columns(kind)) for segment in self.segments]
        return tuple(sorted(set.intersection(*sets))) if sets else ()

    def _frames(self, name: str) -> Array:
        column = f"observation.{name}"
        shape, dtype = self._row_of(column)
        if int(np.prod(shape)) * dtype.itemsize < KEPT_ROW_BYTES:
            return self.column(column)
        return cast(Array, self.stored(column))  # it reads like one

    def _row_of(self, name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Shape and type of one row of a step column."""
        if self._places:
            return self._places[0].segment.row_of(name)
        space = self.metadata.observation_space.spaces.get(name.removeprefix("observation."))
        space = self.metadata.action_space if name == "action" else space
        if space is None:
            raise UnknownName("column", name, self.columns)
        return space.shape or (), np.dtype(space.dtype)


def window_index(lengths: Int64, history: int) -> Int64:
    """Rows of the windows of episodes that lie one behind the other, (M, T), the newest last."""
    starts = np.repeat(np.cumsum(lengths) - lengths, lengths)
    rows = np.arange(int(np.sum(lengths)), dtype=np.int64)
    back = np.arange(history - 1, -1, -1, dtype=np.int64)
    index: Int64 = np.maximum(starts[:, None], rows[:, None] - back[None, :])
    return index


def _open_segment(folder: Path, name: str, metadata: Metadata) -> Segment:
    segment = segments.open_segment(folder, name)
    if difference := metadata.difference(segment.metadata):
        raise DatasetCorrupt(
            f"Segment {name} does not belong into {folder}: {difference}. Move it elsewhere."
        )
    return segment


def _places(segments: Iterable[Segment]) -> Iterator[_Place]:
    for segment in segments:
        stop = 0
        for number, entry in enumerate(segment.entries):
            start, stop = stop, stop + entry.length
            yield _Place(segment=segment, number=number, start=start, stop=stop)


def _runs(places: Sequence[_Place]) -> Iterator[Run]:
    """Rows to read, with episodes that lie side by side read at once."""
    run: Run | None = None
    for place in places:
        if run is not None and run.segment is place.segment and run.stop == place.start:
            run = Run(segment=run.segment, start=run.start, stop=place.stop)
            continue
        if run is not None:
            yield run
        run = Run(segment=place.segment, start=place.start, stop=place.stop)
    if run is not None:
        yield run
