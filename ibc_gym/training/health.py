"""Whether training is healthy, and from where to go on once it no longer is.

What is healthy of a number the policy says itself (`ibc_gym.contracts.Watched`); of the held-out action error, which all
policies have, the trainer does. Nothing here knows a policy by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ibc_gym.contracts import Watched
from ibc_gym.training.choice import Choice
from ibc_gym.training.config import RollbackConfig

Bounds = Mapping[str, tuple[float, float]]
"""Least and greatest healthy value of a number, by its name in a report: "train/loss", "validation/action_error"."""

BEGINNING = 0
"""Stands for the first weights, before any update, where a checkpoint is meant."""


@dataclass(frozen=True, kw_only=True)
class Health:
    """What the watch over a run remembers; it belongs to the run's state, so that a resumed run goes on alike."""

    rollbacks: int = 0
    """How often training was rolled back."""
    restored_at: int = 0
    """Update at which the weights were put back last; 0 if never."""
    healthy: int = BEGINNING
    """Checkpoint to go back to: a look that came after it found everything in bounds, too."""
    candidate: int | None = None
    """Newest checkpoint that was in bounds when it was saved, until a later look confirms it."""
    strikes: Mapping[str, int] = field(default_factory=dict)
    """How many looks in a row each number has been out of bounds, if any."""

    def looked(self, numbers: Mapping[str, float], bounds: Bounds) -> Health:
        """After a look at some numbers; those that are not among them stay as they were seen last."""
        strikes = dict(self.strikes)
        for name, (low, high) in bounds.items():
            if name in numbers:
                inside = low <= numbers[name] <= high
                strikes[name] = 0 if inside else strikes.get(name, 0) + 1
        strikes = {name: count for name, count in strikes.items() if count}
        if strikes or self.candidate is None:
            return replace(self, strikes=strikes)
        return replace(self, strikes={}, healthy=self.candidate, candidate=None)

    def saved(self, step: int) -> Health:
        """After a checkpoint was saved."""
        return self if self.strikes else replace(self, candidate=step)

    def rolled_back(self, step: int) -> Health:
        """After the weights were put back at an update."""
        return Health(rollbacks=self.rollbacks + 1, restored_at=step, healthy=self.healthy)

    def sick(self, patience: int) -> str | None:
        """A number that has been out of bounds for so many looks in a row."""
        found = [name for name, count in self.strikes.items() if count >= patience]
        return found[0] if found else None

    @property
    def kept(self) -> set[int]:
        """Checkpoints that are still needed."""
        return {self.healthy} | ({self.candidate} if self.candidate is not None else set())


def bounds_of(policy: object, config: RollbackConfig, choice: Choice) -> Bounds:
    """What is healthy: by the policy, and of the held-out action error beside the least so far."""
    signs: Bounds = policy.vital_signs if isinstance(policy, Watched) else {}
    if choice.least is None:
        return signs
    ceiling = config.error_ratio * (choice.least + choice.margin)
    return {**signs, "validation/action_error": (0.0, ceiling)}


def said(name: str, value: float, bounds: Bounds, patience: int) -> str:
    """What is wrong, as a person says it."""
    low, high = bounds[name]
    where, _, what = name.partition("/")
    beyond = f"above {high:.4g}" if value > high else f"below {low:.4g}"
    held_out = "held-out " if where == "validation" else ""
    return f"{held_out}{what} {value:.4g} is {beyond}, for {patience} looks in a row"
