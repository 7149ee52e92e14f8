"""Which of a run's checkpoints is its result."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The newest checkpoint that the held-out action error cannot tell from the best.

    The error is a mean over windows and has a standard error. Among checkpoints within one standard error of the least,
    chance alone would choose, and most often an early one, whose learning rate was still high. So the newest of them is
    taken: the rule of one standard error (Breiman et al. 1984, §3.4.3), turned to training time. It is that of the
    difference: where now and then a window is wrong by the whole box, the least error is one that happened to see none of
    them, and its own standard error knows of none.
    """

    step: int | None = None
    """The chosen checkpoint."""
    error: float | None = None
    """Its held-out action error."""
    least: float | None = None
    """The least held-out action error so far."""
    margin: float = 0.0
    """Standard error of that least one."""
    apart: float = 0.0
    """Standard error of the difference between the chosen one's error and the least."""

    def after(self, step: int, error: float, standard_error: float) -> Choice:
        """The choice once another checkpoint has been validated.

        Args:
            step: Which.
            error: Its held-out action error.
            standard_error: Of that mean.
        """
        if self.least is None or error < self.least:
            return Choice(step=step, error=error, least=error, margin=standard_error)
        apart = self.slack(standard_error)
        if error <= self.least + apart:
            return replace(self, step=step, error=error, apart=apart)
        return self

    def slack(self, standard_error: float) -> float:
        """By how much an error of this standard error may be above the least without saying anything."""
        return math.hypot(self.margin, standard_error)

    def __str__(self) -> str:
        if self.error == self.least:
            return f"the least held-out action error, {self.error:.4g}"
        return f"held-out action error {self.error:.4g}, as good as the least, {self.least:.4g} ± {self.apart:.2g}"
