"""Which samples are used: a fifth is held out to judge the result, and what is far off is dropped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

import numpy as np

from ibc_gym.records import Bool, Float64

HELD_OUT: Final = 5
"""Every so-many-th sample is held out."""
OUTLIER: Final = 3.0
"""A sample whose error is over so many medians is dropped."""

T = TypeVar("T")


def hold_out(samples: Sequence[T]) -> tuple[list[T], list[T]]:
    """Four fifths to solve with, and the fifth that only judges."""
    solve = [sample for number, sample in enumerate(samples) if number % HELD_OUT != HELD_OUT - 1]
    judge = [sample for number, sample in enumerate(samples) if number % HELD_OUT == HELD_OUT - 1]
    return solve, judge


def inliers(errors: Float64, floor: float) -> Bool:
    """Which samples (N,) are kept, (N,).

    Args:
        errors: How far off each sample is.
        floor: Errors below this are always kept: where all samples are exact, three medians are nothing.
    """
    kept: Bool = errors <= max(OUTLIER * float(np.median(errors)), floor)
    return kept


def rms(errors: Float64) -> float:
    """Root of the mean square; 0 of nothing."""
    return float(np.sqrt(np.mean(np.square(errors)))) if errors.size else 0.0
