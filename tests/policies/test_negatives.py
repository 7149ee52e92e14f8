from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trials import trials

from ibc_gym.errors import ConfigError
from ibc_gym.policies.negatives import NegativesConfig


def test_counts_follow_the_optimiser_where_they_are_not_said() -> None:
    dfo = NegativesConfig().resolved("dfo")
    assert (dfo.uniform, dfo.anchored, dfo.langevin) == (16, 16, 0)
    langevin = NegativesConfig().resolved("langevin")
    assert (langevin.uniform, langevin.anchored, langevin.langevin) == (0, 0, 8)
    mixed = NegativesConfig(uniform=4, dfo=3).resolved("langevin")
    assert (mixed.pooled, mixed.anchored) == (15, 0)


def test_no_counter_examples_at_all_are_refused() -> None:
    with pytest.raises(ConfigError, match="without counter-examples"):
        NegativesConfig(uniform=0, anchored=0).resolved("dfo")
    with pytest.raises(ConfigError, match="negative"):
        NegativesConfig(uniform=-1)


@settings(max_examples=trials(25), deadline=None)
@given(
    total=st.integers(1, 300),
    shares=st.lists(st.integers(0, 100), min_size=5, max_size=5).filter(any),
)
def test_fractions_share_out_the_total_and_what_is_left_is_uniform(
    total: int, shares: list[int]
) -> None:
    dfo, langevin, near, proposal = (share / sum(shares) for share in shares[1:])
    config = NegativesConfig(
        total=total,
        fraction_dfo=dfo,
        fraction_langevin=langevin,
        fraction_anchored=near,
        fraction_proposal=proposal,
    )
    counts = config.resolved("dfo")
    assert counts.pooled + counts.anchored + counts.proposal == total
    for count, fraction in (
        (counts.dfo, dfo),
        (counts.langevin, langevin),
        (counts.anchored, near),
        (counts.proposal, proposal),
    ):
        assert total * fraction - 1 < count <= total * fraction + 1e-6
    assert counts.uniform >= total * shares[0] / sum(shares) - 1e-6


def test_fraction_of_a_hundred_is_what_it_says() -> None:
    counts = NegativesConfig(total=100, fraction_dfo=0.29).resolved("langevin")
    assert (counts.dfo, counts.uniform, counts.langevin) == (29, 71, 0)


@pytest.mark.parametrize(
    "bad, words",
    [
        ({"fraction_dfo": 0.5}, "shares of `total`"),
        ({"total": 8, "uniform": 4}, "in one way"),
        ({"total": 8, "fraction_dfo": 0.7, "fraction_langevin": 0.4}, "at most 1 together"),
        ({"total": 8, "fraction_dfo": -0.1}, "at least 0"),
        ({"total": 0}, "without counter-examples"),
    ],
)
def test_fractions_that_make_no_sense_are_refused(bad: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        NegativesConfig(**bad)
