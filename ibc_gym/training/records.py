"""What goes into training and what comes out of it: the windows, the progress, the result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ibc_gym.contracts import PolicySpec
from ibc_gym.data.damage import Damage
from ibc_gym.data.seed_ranges import Ranges
from ibc_gym.records import Windows


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingSet:
    """Demonstrations cut into windows and split by episode."""

    spec: PolicySpec
    """The spaces that the policy shall map between."""
    training: Windows
    validation: Windows | None
    """Held-out windows; None if nothing is held out."""
    fingerprint: str
    """Tells this data set from every other; a resumed run must meet the same."""
    seeds: Ranges = ()
    """Of the episodes' beginnings, where they are known: no evaluation on them is a test."""
    damaged: tuple[Damage, ...] = ()
    """What was left out because it is damaged."""


@dataclass(frozen=True, kw_only=True)
class TrainingProgress:
    """How training goes, after some updates; means are over the updates since the last report."""

    step: int
    """Updates done."""
    share: float
    """How much of training is spent, in [0, 1]."""
    learning_rate: float
    """Of the last update."""
    train: Mapping[str, float]
    """Means of "loss", "parameter_gradient_norm", and the policy's own parts and diagnostics."""
    validation: Mapping[str, float] = field(default_factory=dict)
    """Measures on held-out windows, where they were taken; "action_error" chooses the checkpoint."""
    best_step: int | None = None
    """Update of the chosen checkpoint so far; see `choice.Choice`."""
    best_action_error: float | None = None
    """Its held-out action error, in normalised action units."""
    checkpoint: str | None = None
    """Name of the checkpoint that was just saved."""
    note: str = ""
    """A sentence for people, where there is something to say."""
    rollbacks: int = 0
    """How often training has been rolled back so far."""
    rolled_back_to: int | None = None
    """Where this report is of a rollback: the update whose weights were put back, 0 for the first ones."""
    steps_per_second: float
    """Updates per second of wall time since the last report, validation and saving left out."""
    seconds: float
    """Wall time of the run so far, over all its resumptions [s]."""
    cpu_seconds: float
    """CPU time of the process for the run so far [s]."""
    seconds_left: float
    """Estimated wall time until the end [s]."""


@dataclass(frozen=True, kw_only=True)
class TrainResult:
    """How a training run ended."""

    out: Path
    """The run's folder."""
    checkpoint: Path
    """The chosen checkpoint: by held-out action error, or the last if nothing was held out."""
    steps: int
    """Updates done."""
    best_step: int | None
    """Update of the chosen checkpoint; None if nothing was held out."""
    action_error: float | None
    """Held-out action error of the chosen checkpoint, in normalised action units."""
    loss: float | None
    """Mean training loss over the last reported updates; None if nothing is known of them."""
    rollbacks: int
    """How often training was rolled back."""
    seconds: float
    """Wall time [s]."""
    cpu_seconds: float
    """CPU time of the process [s]."""


Listener = Callable[[TrainingProgress], None]
"""Told how training goes."""
