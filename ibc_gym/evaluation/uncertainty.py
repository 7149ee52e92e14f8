"""How sure a number is: intervals for success and returns, and fair comparisons of two policies.

A success rate of 98 of 100 says "between 93 and 99.4 %", and two policies that are a few per cent apart can only be
told apart on the same seeds. Everything here is closed-form or seeded, so the same episodes give the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binomtest, norm, t

from ibc_gym.errors import ConfigError

CONFIDENCE = 0.95
"""Coverage of every interval that is printed."""

_RESAMPLES = 4000
# A fixed stream: an interval is a statement about the episodes and must not change when it is asked for again.
_BOOTSTRAP_SEED = 20211


def wilson_interval(
    successes: int, trials: int, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Wilson's score interval of a success rate (Wilson 1927), which stays honest near 0 and 1.

    Args:
        successes: How many of the trials succeeded.
        trials: How many there were.
        confidence: Coverage, in (0, 1).

    Raises:
        ConfigError: There were no trials, or more successes than trials.
    """
    if trials < 1 or not 0 <= successes <= trials:
        raise ConfigError(f"{successes} successes in {trials} trials have no interval.")
    interval = binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def difference_interval(
    first: float,
    first_interval: tuple[float, float],
    second: float,
    second_interval: tuple[float, float],
) -> tuple[float, float]:
    """Newcombe's interval of the difference of two success rates (Newcombe 1998, method 10).

    It adds the squares of how far each rate's own interval reaches. That two intervals touch does not say that the rates
    may be equal: the difference is surer than the sum of both doubts.

    Args:
        first: A success rate.
        first_interval: Its interval, Wilson's.
        second: The rate to take from it.
        second_interval: Its interval, likewise.
    """
    difference = first - second
    below = math.hypot(first - first_interval[0], second_interval[1] - second)
    above = math.hypot(first_interval[1] - first, second - second_interval[0])
    return difference - below, difference + above


def mean_interval(values: ArrayLike, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean (Efron 1979), for returns and lengths.

    Args:
        values: One number per episode, (E,); no shape of their distribution is assumed.
        confidence: Coverage, in (0, 1).

    Raises:
        ConfigError: There are no values, or one is not finite.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.size == 0 or not np.isfinite(array).all():
        raise ConfigError("The interval of a mean needs at least one value, all of them finite.")
    rng = np.random.default_rng(_BOOTSTRAP_SEED)
    means = array[rng.integers(len(array), size=(_RESAMPLES, len(array)))].mean(axis=1)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def student_interval(values: ArrayLike, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Student's interval of the mean (Student 1908), for a figure of each of a few training seeds.

    Args:
        values: One number per seed, (S,), as of a normal distribution: of three there are too few to resample.
        confidence: Coverage, in (0, 1).

    Raises:
        ConfigError: There are fewer than two values, or one is not finite.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.size < 2 or not np.isfinite(array).all():
        raise ConfigError("Student's interval needs at least two values, all of them finite.")
    error = array.std(ddof=1) / math.sqrt(array.size)
    reach = float(t.ppf((1 + confidence) / 2, array.size - 1)) * error
    return float(array.mean() - reach), float(array.mean() + reach)


@dataclass(frozen=True, kw_only=True)
class PairedComparison:
    """Two policies on the same seeds."""

    seeds: int
    """How many seeds both were run on."""
    only_first: int
    """Seeds on which the first alone succeeded."""
    only_second: int
    """Seeds on which the second alone succeeded."""
    difference: float
    """Success rate of the first less that of the second."""
    ci95: tuple[float, float]
    """Interval of the difference."""
    p_value: float
    """Chance of a split at least this uneven if the two were equally good."""


def compare_paired(first: Mapping[int, bool], second: Mapping[int, bool]) -> PairedComparison:
    """Compare success seed by seed, by McNemar's exact test (McNemar 1947).

    Only the seeds on which the two differ tell them apart. The interval of the difference is Agresti and Min's
    (2005): Wald's with half an episode added to every cell, which keeps its coverage for small samples.

    Args:
        first: Success by seed.
        second: Success by seed; seeds that only one of the two has are left out.

    Raises:
        ConfigError: No seed is common to both.
    """
    common = _common(first, second)
    only_first = sum(first[seed] and not second[seed] for seed in common)
    only_second = sum(second[seed] and not first[seed] for seed in common)
    differing = only_first + only_second
    return PairedComparison(
        seeds=len(common),
        only_first=only_first,
        only_second=only_second,
        difference=(only_first - only_second) / len(common),
        ci95=_agresti_min(only_first, only_second, len(common)),
        p_value=float(binomtest(only_first, differing).pvalue) if differing else 1.0,
    )


def _common(first: Mapping[int, Any], second: Mapping[int, Any]) -> list[int]:
    """The seeds that both have."""
    common = sorted(first.keys() & second.keys())
    if not common:
        raise ConfigError("The two evaluations share no seed, so they cannot be paired.")
    return common


def _agresti_min(only_first: int, only_second: int, seeds: int) -> tuple[float, float]:
    split, differing, total = only_first - only_second, only_first + only_second + 1, seeds + 2
    centre = split / total
    width = float(norm.ppf((1 + CONFIDENCE) / 2)) * math.sqrt(differing - split**2 / total) / total
    return max(centre - width, -1.0), min(centre + width, 1.0)


@dataclass(frozen=True, kw_only=True)
class PairedMeans:
    """Scores of two policies on the same seeds."""

    seeds: int
    """How many seeds both were run on."""
    difference: float
    """Mean score of the first less that of the second."""
    ci95: tuple[float, float]
    """Interval of the difference."""
    p_value: float
    """Chance of a difference at least this large if the two were equally good."""


def compare_means(first: Mapping[int, float], second: Mapping[int, float]) -> PairedMeans:
    """Compare returns or best rewards seed by seed: bootstrap interval, and sign-flip test (Fisher 1935).

    If the two are equally good, every seed's difference could as well have had the other sign.

    Args:
        first: Score by seed.
        second: Score by seed; seeds that only one of the two has are left out.

    Raises:
        ConfigError: No seed is common to both.
    """
    common = _common(first, second)
    differences = np.array([first[seed] - second[seed] for seed in common])
    observed = abs(differences.sum())
    rng = np.random.default_rng(_BOOTSTRAP_SEED)
    signs = rng.choice((-1.0, 1.0), size=(_RESAMPLES, len(differences)))
    as_large = (np.abs(signs @ differences) >= observed * (1 - 1e-12)).sum()
    return PairedMeans(
        seeds=len(common),
        difference=float(differences.mean()),
        ci95=mean_interval(differences),
        p_value=float((as_large + 1) / (_RESAMPLES + 1)),
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values corrected for asking several questions at once (Holm 1979), in the given order."""
    corrected = [0.0] * len(p_values)
    running = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        running = max(running, (len(p_values) - rank) * p_values[index])
        corrected[index] = min(running, 1.0)
    return corrected
