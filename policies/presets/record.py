"""What a preset is: a policy, its config, and how the trainer should be set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..inputs import InputConfig


@dataclass(frozen=True, kw_only=True)
class TrainingHints:
    """How the trainer should be set; the fields are named as the trainer's. The defaults are the published ones."""

    steps: int = 100_000
    """Updates."""
    batch_size: int = 512
    """Windows per update."""
    micro_batch: int | None = None
    """Windows whose loss a CPU computes at a time; None for all."""
    learning_rate: float = 1e-3
    """Adam's step size at its peak."""
    schedule: Literal["cosine", "exponential"] = "exponential"
    """"exponential" is 0.99 per `decay_steps`."""
    decay_steps: int = 100
    """Updates in which the exponential schedule loses one per cent."""
    warmup: int = 0
    """Updates over which the learning rate rises."""
    average_decay: float | None = None
    """Decay of the averaged weights; None for none."""
    weight_decay: float = 0.0
    """Decoupled weight decay; 0 for none."""
    validation_fraction: float = 0.1
    """Share of the episodes that is held out to choose the checkpoint by; 0 takes the last."""
    validation_windows: int = 512
    """Held-out windows that are acted on at most."""


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A policy, its config, and how to train it."""

    policy: str
    """Row of the table of policies."""
    config: InputConfig
    """An instance of that policy's `Config`."""
    training: TrainingHints
