"""Intervals and comparisons against published and closed-form values."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibc_gym.errors import ConfigError
from ibc_gym.evaluation.uncertainty import (
    compare_means,
    compare_paired,
    difference_interval,
    holm,
    mean_interval,
    student_interval,
    wilson_interval,
)


def wilson_by_hand(successes: int, trials: int) -> tuple[float, float]:
    """Wilson 1927: the roots of |p - share| = z sqrt(p (1 - p) / n)."""
    z, share = 1.959963984540054, successes / trials
    centre = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = (
        z * math.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2)) / (1 + z**2 / trials)
    )
    return centre - half, centre + half


@given(trials=st.integers(1, 2000), share=st.floats(0, 1))
def test_wilson_interval_solves_its_equation(trials: int, share: float) -> None:
    successes = round(share * trials)
    assert wilson_interval(successes, trials) == pytest.approx(
        wilson_by_hand(successes, trials), abs=1e-9
    )


def test_wilson_interval_of_98_in_100_is_the_published_one() -> None:
    assert wilson_interval(98, 100) == pytest.approx((0.9300, 0.9945), abs=5e-5)


def test_difference_of_two_rates_has_the_interval_that_newcombe_published() -> None:
    # Newcombe 1998, table II, method 10: 56/70 - 48/80.
    found = difference_interval(56 / 70, wilson_interval(56, 70), 48 / 80, wilson_interval(48, 80))
    assert found == pytest.approx((0.0524, 0.3339), abs=5e-5)


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (5, 4), (-1, 3)])
def test_impossible_counts_are_refused(successes: int, trials: int) -> None:
    with pytest.raises(ConfigError, match="no interval"):
        wilson_interval(successes, trials)


def test_bootstrap_of_many_normal_values_is_near_the_normal_interval() -> None:
    values = np.random.default_rng(3).normal(5.0, 2.0, 2000)
    half = 1.96 * values.std() / math.sqrt(2000)
    expected = (values.mean() - half, values.mean() + half)
    assert mean_interval(values) == pytest.approx(expected, abs=0.01)


def test_bootstrap_gives_the_same_interval_twice() -> None:
    values = np.random.default_rng(0).exponential(size=30)
    assert mean_interval(values) == mean_interval(values)


def test_bootstrap_of_equal_values_is_that_value() -> None:
    assert mean_interval([2.5] * 7) == (2.5, 2.5)


@pytest.mark.parametrize("values", [[], [1.0, float("nan")]])
def test_a_mean_of_nothing_or_nan_has_no_interval(values: list[float]) -> None:
    with pytest.raises(ConfigError, match="finite"):
        mean_interval(values)


def outcomes(pattern: str) -> dict[int, bool]:
    return {seed: letter == "1" for seed, letter in enumerate(pattern)}


def test_mcnemar_looks_only_at_the_seeds_that_differ() -> None:
    # 1 against 9 discordant pairs: twice the tail P(X <= 1) of Binomial(10, 1/2) = 2 * 11 / 1024.
    first = outcomes("1" + "0" * 9 + "1" * 90)
    second = outcomes("0" + "1" * 9 + "1" * 90)
    found = compare_paired(first, second)
    assert (found.only_first, found.only_second, found.seeds) == (1, 9, 100)
    assert found.p_value == pytest.approx(22 / 1024)
    assert found.difference == pytest.approx(-0.08)
    assert found.ci95[0] < -0.08 < found.ci95[1] < 0


def test_equal_policies_cannot_be_told_apart() -> None:
    found = compare_paired(outcomes("1101"), outcomes("1101"))
    assert found.p_value == 1.0
    assert found.ci95[0] < 0 < found.ci95[1]


def test_only_common_seeds_are_compared() -> None:
    found = compare_paired({1: True, 2: True}, {2: False, 3: True})
    assert (found.seeds, found.only_first) == (1, 1)
    with pytest.raises(ConfigError, match="share no seed"):
        compare_paired({1: True}, {2: True})


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_comparison_is_antisymmetric(pairs: list[tuple[bool, bool]]) -> None:
    first = {seed: one for seed, (one, _) in enumerate(pairs)}
    second = {seed: other for seed, (_, other) in enumerate(pairs)}
    here, there = compare_paired(first, second), compare_paired(second, first)
    assert here.difference == -there.difference
    assert here.ci95 == pytest.approx((-there.ci95[1], -there.ci95[0]))
    assert here.p_value == pytest.approx(there.p_value)
    assert 0 <= here.p_value <= 1


def test_sign_flips_of_few_seeds_give_the_exact_chance() -> None:
    # All six differences positive: only the two all-equal sign patterns of 64 are as extreme.
    found = compare_means({seed: 1.0 + seed for seed in range(6)}, dict.fromkeys(range(6), 0.0))
    assert found.p_value == pytest.approx(2 / 64, abs=0.01)
    assert found.difference == pytest.approx(3.5)
    assert found.ci95[0] < 3.5 < found.ci95[1]


def test_equal_scores_cannot_be_told_apart() -> None:
    found = compare_means({1: 2.0, 2: 3.0, 9: 0.0}, {1: 2.0, 2: 3.0})
    assert (found.seeds, found.difference, found.p_value) == (2, 0.0, 1.0)
    with pytest.raises(ConfigError, match="share no seed"):
        compare_means({1: 1.0}, {2: 1.0})


def test_holm_multiplies_by_the_number_of_questions_left() -> None:
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_interval_of_three_seeds_is_students() -> None:
    """The quantile of two degrees of freedom is 4.3027 (Student 1908, later tables)."""
    assert student_interval([1, 2, 3]) == pytest.approx((2 - 2.4841, 2 + 2.4841), abs=1e-4)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, math.nan]])
def test_there_is_no_students_interval_of_one_number(values: list[float]) -> None:
    with pytest.raises(ConfigError, match="at least two values"):
        student_interval(values)
