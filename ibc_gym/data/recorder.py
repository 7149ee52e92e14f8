"""Records what happens in a rollout: episodes to disk, whole or not at all, with the truth about every step."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from ibc_gym.closing import Closing
from ibc_gym.data import storage
from ibc_gym.data.demonstration import Columns, Demonstration, signature
from ibc_gym.data.episode_buffer import EpisodeBuffer
from ibc_gym.data.metadata import Metadata, check_node_name
from ibc_gym.errors import ConfigError, SpecMismatch
from ibc_gym.records import Bool, Observation
from ibc_gym.rollout import Transition
from ibc_gym.words import count

PENDING_BYTES = 1 << 28
"""Finished episodes are committed when they take this much memory, however few they are."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class RecordingSummary:
    """What a recorder has written, and what it has not."""

    episodes: int = 0
    """Committed."""
    steps: int = 0
    """Committed."""
    failures_left_out: int = 0
    """Episodes without success that nothing cut off, where only successes were wanted."""
    unfinished: int = 0
    """Episodes that had not ended when the recorder was closed, and are not on the disk."""


class Recorder(Closing):
    """A `Listener` that writes every episode it hears of; a context manager.

    Step columns, row t of an episode (docs/data-format.md has the whole table): `observation.<input>` before the
    action; `action` as asked for; `action_sent`, what the robot's limits left of it; `reward`, `terminated`,
    `truncated`, `success`, `progress.<name>`, `deadline_missed` and `interventions` after it; `time.<source>` [s] and
    `frame_number.<camera>` of the observation. What an environment does not tell is left out, not made up.
    """

    def __init__(
        self,
        path: str | Path,
        metadata: Metadata,
        *,
        commit_every: int = 1,
        successes_only: bool = False,
        keep_interrupted: bool = False,
        facts: Callable[[int], Columns] | None = None,
        writer: str | None = None,
    ) -> None:
        """Make a data set, or go on with one of the same task and spaces.

        Args:
            path: The folder, "demos.zarr" by custom.
            metadata: Of what will be recorded.
            commit_every: Episodes per commit. One loses nothing that was finished; more are faster.
            successes_only: Leave out episodes that do not succeed, but for those that an error cut off: nobody knows of them.
            keep_interrupted: Keep episodes that an error cuts off, marked as such, rather than drop them.
            facts: Gives more to store of the episode that has just begun in a row, such as the simulator's state, by
                the name that it shall have.
            writer: Prefix of the names of this recorder's segments; a new one by default.

        Raises:
            ConfigError: The folder cannot be written or holds something else.
            SpecMismatch: It holds demonstrations of another task, other spaces or another rate.
        """
        if commit_every < 1:
            raise ConfigError(f"commit_every is {commit_every}, but must be at least 1.")
        self.path = Path(path)
        self.metadata = metadata
        self.summary = RecordingSummary()
        self._commit_every = commit_every
        self._successes_only = successes_only
        self._keep_interrupted = keep_interrupted
        self._facts = facts
        self._writer = writer or f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
        self._pending: list[Demonstration] = []
        self._pending_bytes = 0
        self._buffer: EpisodeBuffer | None = None
        self._closed = False
        storage.create(self.path, metadata)

    def on_reset(
        self, mask: Bool, seeds: Sequence[int], observation: Observation, info: Mapping[str, Any]
    ) -> None:
        """Episodes begin in the rows under `mask` (B,)."""
        self._check_open()
        if self._buffer is None:
            self._buffer = EpisodeBuffer(len(mask), self.metadata.observation_space.spaces)
        self._buffer.begin(mask, seeds, info)
        if self._facts is not None:
            for row in np.flatnonzero(mask):
                self._buffer.facts[row].update(self._facts(int(row)))

    def on_step(self, transition: Transition) -> None:
        """Every environment made a step."""
        self._check_open()
        assert self._buffer is not None, "a step before any reset"
        self._buffer.add(transition)
        for row in np.flatnonzero(transition.ended):
            self.append(self._buffer.finish(int(row)))

    def append(self, demonstration: Demonstration) -> None:
        """Add a whole episode that was made elsewhere.

        Raises:
            SpecMismatch: Its arrays do not fit the spaces, or hold NaN.
        """
        self._check_open()
        check(demonstration, self.metadata)
        failed = not demonstration.success and demonstration.fault is None
        if self._successes_only and failed:
            left_out = self.summary.failures_left_out + 1
            self.summary = replace(self.summary, failures_left_out=left_out)
            return
        if self._pending and (signature(demonstration) != signature(self._pending[0])):
            self.commit()
        self._pending.append(demonstration)
        self._pending_bytes += sum(array.nbytes for array in demonstration.steps.values())
        if len(self._pending) >= self._commit_every or self._pending_bytes > PENDING_BYTES:
            self.commit()

    def commit(self) -> None:
        """Put the finished episodes on the disk; when this returns, no kill can lose them."""
        if not self._pending:
            return
        # Which of many environments ends first says nothing; the seeds are the order that was asked for.
        if all(episode.seed is not None for episode in self._pending):
            self._pending.sort(key=lambda episode: episode.seed or 0)
        storage.write_segment(
            self.path, self._writer, self._pending, self.metadata, self._committed
        )

    def _committed(self) -> None:
        """What was pending is on the disk; closing after an interruption must not write it again."""
        pending, self._pending, self._pending_bytes = self._pending, [], 0
        self.summary = replace(
            self.summary,
            episodes=self.summary.episodes + len(pending),
            steps=self.summary.steps + sum(episode.length for episode in pending),
        )

    def close(self) -> None:
        """Commit what is finished; episodes that have not ended are dropped, and the log says so."""
        self._close(None)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close(error)

    def _close(self, error: BaseException | None) -> None:
        if self._closed:
            return
        under_way = self._buffer.under_way() if self._buffer is not None else []
        if error is not None and self._keep_interrupted and self._buffer is not None:
            reason = f"{type(error).__name__}: {error}"
            for row in under_way:
                self.append(self._buffer.finish(row, fault=reason))
            under_way = []
        self.commit()
        self._closed = True
        if under_way:
            self.summary = replace(self.summary, unfinished=len(under_way))
            _log.warning(
                "Left out of %s: %s; whole in it: %d.",
                self.path,
                count(len(under_way), "unfinished episode"),
                self.summary.episodes,
            )

    def _check_open(self) -> None:
        if self._closed:
            raise ConfigError(f"The recorder of {self.path} is closed; make a new one to go on.")


def check(demonstration: Demonstration, metadata: Metadata) -> None:
    """Hold an episode to the spaces of its data set.

    Raises:
        SpecMismatch: A column is missing, has another shape or type, or holds NaN or infinity.
    """
    expected = {
        f"observation.{name}": (space.shape, space.dtype)
        for name, space in metadata.observation_space.spaces.items()
    }
    expected["action"] = (metadata.action_space.shape, metadata.action_space.dtype)
    expected |= {name: ((), np.dtype(np.bool_)) for name in ("terminated", "truncated")}
    missing = expected.keys() - demonstration.steps.keys()
    if missing:
        raise SpecMismatch(f"The episode lacks {', '.join(sorted(missing))}.")
    for name in (*demonstration.steps, *demonstration.facts):
        check_node_name(name)
    length = demonstration.length
    if length == 0:
        raise SpecMismatch("The episode has no steps.")
    for name, array in demonstration.steps.items():
        if len(array) != length:
            raise SpecMismatch(
                f"{name} has {count(len(array), 'row')} in an episode of {count(length, 'step')}."
            )
    for name, (shape, dtype) in expected.items():
        array = demonstration.steps[name]
        if array.shape[1:] != shape or array.dtype != dtype:
            raise SpecMismatch(
                f"{name} is {array.dtype} of shape {array.shape[1:]} per step, but {metadata.task!r} has "
                f"{dtype} of {shape}. Was it recorded from another environment?"
            )
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            finite = np.isfinite(array.reshape(length, -1)).all(axis=1)
            which = "" if demonstration.seed is None else f" with seed {demonstration.seed}"
            raise SpecMismatch(
                f"{name} is not finite at step {int(np.argmin(finite))} of the episode{which}."
            )
