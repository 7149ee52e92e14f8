"""A training run on disk: checkpoints that are whole, `best` and `last`, and the state to go on from."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from ibc_gym.atomic import clear_unfinished, remove_folder, swap_link, whole_folder
from ibc_gym.checkpoint import (
    CHECKPOINTS,
    FITTED,
    PRETRAINED,
    WEIGHTS,
    read_config,
    read_json,
    save_policy,
    save_tensors,
    step_folders,
    write_json,
)
from ibc_gym.contracts import LearnedPolicy
from ibc_gym.errors import CheckpointError, ConfigError
from ibc_gym.paths import writable_folder
from ibc_gym.training.choice import Choice
from ibc_gym.training.health import Health

TRAIN_CONFIG = "train_config.json"
STATE = "training_state"
STATE_FORMAT = 4
READABLE = (3, STATE_FORMAT)
"""What earlier versions wrote is gone on with, too; 3 has neither loss nor what is unreported."""
_TO_RESUME = "to go on with the run make it writable, or copy it elsewhere and name that by --out"


@dataclass(frozen=True, kw_only=True)
class TrainingState:
    """The numbers that a resumed run needs beside its tensors."""

    step: int
    """Updates done."""
    seconds: float
    """Wall time so far [s]."""
    cpu_seconds: float
    """CPU time so far [s]."""
    choice: Choice
    """Which checkpoint is the run's result so far."""
    fingerprint: str
    """Of the data."""
    learning_rate: float
    """Of the last update."""
    health: Health
    """What the watch over the run remembers."""
    loss: float | None = None
    """Mean training loss of the last report; None if there was none yet, or an earlier version wrote the state."""
    unreported: Mapping[str, float] = field(default_factory=dict)
    """Sums of the updates' numbers since the last report, where the run was stopped between two."""
    unreported_updates: int = 0
    """How many updates these are."""


class RunFolder:
    """The folder of one run, which this process alone writes to: `lock.only_writer` sees to that."""

    def __init__(self, out: Path) -> None:
        """Take over a folder and clear away what a killed process left unfinished."""
        self.out = writable_folder(out)
        self.checkpoints = writable_folder(out / CHECKPOINTS)
        clear_unfinished(self.checkpoints)

    @classmethod
    def begin(cls, out: Path, *, resume: bool) -> Self:
        """A folder to train into.

        Raises:
            ConfigError: It cannot be written, or holds a run that is not to be resumed.
        """
        refuse_taken(out, resume=resume)
        return cls(out)

    def newest(self) -> Path | None:
        """The newest complete checkpoint."""
        return next(reversed(step_folders(self.out)), None)

    def save(
        self,
        name: str,
        policy: LearnedPolicy,
        *,
        state: TrainingState,
        tensors: Mapping[str, torch.Tensor],
        train_config: Mapping[str, Any],
        about: Mapping[str, Any],
    ) -> Path:
        """Write one checkpoint, whole or not at all, and bring the links up to date.

        Args:
            name: The policy's row in the registry.
            policy: What shall act: the averaged weights.
            state: Where training stands.
            tensors: What the next update depends on.
            train_config: The run's settings as plain JSON.
            about: For the policy's own `config.json`.
        """
        path = self.at(state.step)
        with whole_folder(path) as folder:
            pretrained, training = folder / PRETRAINED, folder / STATE
            save_policy(pretrained, name, policy, about)
            write_json(pretrained / TRAIN_CONFIG, train_config)
            training.mkdir()
            save_tensors(
                {key: value.detach().cpu().clone() for key, value in tensors.items()},
                training / "tensors.safetensors",
            )
            write_json(
                training / "state.json",
                {"format_version": STATE_FORMAT, **dataclasses.asdict(state)},
            )
        self.link(state)
        return path

    def link(self, state: TrainingState) -> None:
        """Point `last` and `best` to where a state says; without validation the last is the best."""
        swap_link(self.checkpoints / "last", f"{state.step:06d}")
        best = state.step if state.choice.step is None else state.choice.step
        swap_link(self.checkpoints / "best", f"{best:06d}")

    def at(self, step: int) -> Path:
        """The checkpoint after so many updates."""
        return self.checkpoints / f"{step:06d}"

    def prune(self, keep: int, needed: Collection[int | None]) -> None:
        """Remove all but the newest checkpoints and those that are needed."""
        for path in step_folders(self.out)[:-keep]:
            if int(path.name) not in needed:
                remove_folder(path)

    def read(self, checkpoint: Path) -> tuple[TrainingState, dict[str, torch.Tensor]]:
        """What `save` was given, to go on from.

        Raises:
            CheckpointError: It is incomplete, damaged, or of another version.
        """
        numbers = _read_whole(checkpoint, checkpoint / STATE / "state.json")
        if numbers.pop("format_version", None) not in READABLE:
            raise CheckpointError(
                f"{checkpoint / STATE} was written by another version; train into a new folder."
            )
        try:
            tensors = load_file(checkpoint / STATE / "tensors.safetensors")
            choice, health = Choice(**numbers.pop("choice")), Health(**numbers.pop("health"))
            return TrainingState(choice=choice, health=health, **numbers), tensors
        except (OSError, SafetensorError, TypeError, KeyError) as error:
            raise CheckpointError(
                f"The training state in {checkpoint} is damaged ({error}); {_one_before(checkpoint)}."
            ) from error

    def read_policy(self, checkpoint: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
        """What the policy of a checkpoint found in the demonstrations, and its averaged weights, its files checked."""
        folder = checkpoint / PRETRAINED
        read_config(folder)
        return read_json(folder / FITTED), load_file(folder / WEIGHTS)


def settings_of(checkpoint: Path) -> dict[str, Any]:
    """The settings, as plain JSON, that a run was begun with.

    Raises:
        CheckpointError: They are missing or damaged.
    """
    return _read_whole(checkpoint, checkpoint / PRETRAINED / TRAIN_CONFIG)


def _read_whole(checkpoint: Path, file: Path) -> dict[str, Any]:
    try:
        return read_json(file)
    except CheckpointError as error:
        raise CheckpointError(f"{error} Or {_one_before(checkpoint)}.") from error


def _one_before(checkpoint: Path) -> str:
    return f"remove {checkpoint} to go on from the checkpoint before it, where there is one"


def refuse_taken(out: Path, *, resume: bool) -> None:
    """Hold a folder against being trained into twice, and a data set against being trained into at all.

    Raises:
        ConfigError: It holds a run that is not to be resumed, or that cannot be, for it cannot be written; or it is or
            lies in a folder of data.
    """
    if step_folders(out):
        if resume:
            writable_folder(out, advice=_TO_RESUME)
            return
        raise ConfigError(
            f"{out} already holds a training run. Go on with it by --resume, or choose another --out."
        )
    place = Path(os.path.realpath(out))
    for folder in (place, *place.parents):
        if os.path.exists(folder / "zarr.json"):  # not, where it cannot be looked into
            where = "is" if folder == place else f"lies in {folder},"
            raise ConfigError(
                f"{out} {where} a folder of data, no place for a run; choose another --out."
            )
