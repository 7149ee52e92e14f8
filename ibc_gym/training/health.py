"""Whether training is healthy, and from where to go on once it no longer is.

What is healthy of a number the policy says itself (`ibc_gym.offers.Monitored`); of the held-out action error, which all
policies have, the trainer does. Nothing here knows a policy by name.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ibc_gym.offers import Monitored
from ibc_gym.training.choice import Choice
from ibc_gym.training.config import RollbackConfig

Bounds = Mapping[str, tuple[float, float]]
"""Least and greatest healthy value of a number, by its name in a report: "train/loss", "validation/action_error"."""

ERROR = "validation/action_error"
STANDARD_ERROR = f"{ERROR}_sem"
DOUBT = "doubt"
"""No number's name: among the bounds it is that of the held-out error beyond which a checkpoint is not healthy."""

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
    """How many looks in a row each number has been out of bounds. One that is not settled within yet is not among them,
    or below 0 by the looks that it still needs: the least of an energy that has learned nothing yet lies in a corner, now
    and then by chance elsewhere, and nobody is ill before being well."""
    doubtful: bool = False
    """Whether the held-out error, though in bounds, is too far above the least for a checkpoint to count as healthy."""

    def looked(self, numbers: Mapping[str, float], bounds: Bounds, *, settling: int = 1) -> Health:
        """After a look at some numbers; those that are not among them stay as they were seen last.

        `settling` is how many looks in a row a number must be within bounds before being out of them counts. The held-out
        error, which is measured by its own least, counts at once.
        """
        return self._judged(numbers, bounds, settling)._doubted(numbers, bounds)._confirmed()

    def _judged(self, numbers: Mapping[str, float], bounds: Bounds, settling: int) -> Health:
        strikes = dict(self.strikes)
        for name, (low, high) in bounds.items():
            if name not in numbers:
                continue
            count = strikes.get(name, 0 if name == ERROR else -settling)
            if low <= numbers[name] <= high:
                strikes[name] = min(count + 1, 0)
            elif count >= 0:
                strikes[name] = count + 1
            else:
                strikes.pop(name, None)
        return replace(self, strikes=strikes)

    def _doubted(self, numbers: Mapping[str, float], bounds: Bounds) -> Health:
        if ERROR not in numbers:
            return self
        _, ceiling = bounds.get(DOUBT, (0.0, math.inf))
        return replace(self, doubtful=numbers[ERROR] > ceiling)

    def _confirmed(self) -> Health:
        if not self.well or self.candidate is None:
            return self
        return replace(self, healthy=self.candidate, candidate=None)

    @property
    def well(self) -> bool:
        """Whether the last look found nothing."""
        return all(count <= 0 for count in self.strikes.values()) and not self.doubtful

    def saved(self, step: int) -> Health:
        """After a checkpoint was saved."""
        return replace(self, candidate=step) if self.well else self

    def rolled_back(self, step: int) -> Health:
        """After the weights were put back at an update."""
        return Health(
            rollbacks=self.rollbacks + 1,
            restored_at=step,
            healthy=self.healthy,
            strikes={name: min(count, 0) for name, count in self.strikes.items()},
        )

    def sick(self, patience: int) -> str | None:
        """A number that has been out of bounds for so many looks in a row."""
        found = [name for name, count in self.strikes.items() if count >= patience]
        return found[0] if found else None

    @property
    def kept(self) -> set[int]:
        """Checkpoints that are still needed."""
        return {self.healthy} | ({self.candidate} if self.candidate is not None else set())


def bounds_of(
    policy: object, config: RollbackConfig, choice: Choice, numbers: Mapping[str, float]
) -> Bounds:
    """What is healthy: by the policy, and of the held-out action error beside the least so far.

    `numbers` are those that are looked at: the error's own standard error is among them, if it was measured.
    """
    signs: Bounds = policy.vital_signs if isinstance(policy, Monitored) else {}
    if choice.least is None:
        return signs
    least = choice.least + choice.slack(numbers.get(STANDARD_ERROR, 0.0))
    return {
        **signs,
        ERROR: (0.0, config.error_ratio * least),
        DOUBT: (0.0, math.sqrt(config.error_ratio) * least),
    }


def said(name: str, value: float, bounds: Bounds, patience: int) -> str:
    """What is wrong, as a person says it."""
    low, high = bounds[name]
    where, _, what = name.partition("/")
    beyond = f"above {high:.4g}" if value > high else f"below {low:.4g}"
    held_out = "held-out " if where == "validation" else ""
    return f"{held_out}{what} {value:.4g} is {beyond}, for {patience} looks in a row"
