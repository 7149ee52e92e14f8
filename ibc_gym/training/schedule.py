"""How the learning rate and the averaging of weights change over training."""

from __future__ import annotations

import math
from typing import Literal

Schedule = Literal["cosine", "exponential", "constant"]

EXPONENTIAL_DECAY = 0.99
"""What is left after `decay_steps`, as published."""


def learning_rate_factor(
    schedule: Schedule, *, step: int, share: float, warmup: int, decay_steps: int
) -> float:
    """What the learning rate is multiplied by at a step.

    Args:
        schedule: "cosine" falls to 0 at the end of training; "exponential" is the published continuous decay
            (Florence et al. 2021, released configurations); "constant" stays.
        step: Updates done so far; 0 at the first.
        share: How much of training is spent, in [0, 1]; by steps or by time.
        warmup: Updates over which the rate rises linearly, whatever the schedule.
        decay_steps: Updates in which "exponential" loses one per cent.
    """
    rising = min(1.0, (step + 1) / warmup) if warmup else 1.0
    if schedule == "cosine":
        return rising * 0.5 * (1 + math.cos(math.pi * min(share, 1.0)))
    if schedule == "exponential":
        return rising * float(EXPONENTIAL_DECAY ** (step / decay_steps))
    return rising


def average_decay(step: int, limit: float) -> float:
    """How much of the averaged weights is kept at a step: little at first, then `limit`.

    Args:
        step: Updates done so far; 0 at the first.
        limit: The decay that is reached in the end.
    """
    return min(limit, (1 + step) / (10 + step))
