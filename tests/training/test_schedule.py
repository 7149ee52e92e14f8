"""The learning rate and the averaging follow the published and the measured recipes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibc_gym.training.schedule import Schedule, average_decay, learning_rate_factor


@pytest.mark.parametrize(
    "step, factor", [(0, 1.0), (1_000, 0.904), (5_000, 0.605), (10_000, 0.366), (50_000, 6.6e-3)]
)
def test_exponential_schedule_has_the_published_multipliers(step: int, factor: float) -> None:
    found = learning_rate_factor("exponential", step=step, share=0.0, warmup=0, decay_steps=100)
    assert found == pytest.approx(factor, rel=5e-3)


@pytest.mark.parametrize("share, factor", [(0.0, 1.0), (0.5, 0.5), (1.0, 0.0), (1.2, 0.0)])
def test_cosine_schedule_ends_at_zero(share: float, factor: float) -> None:
    found = learning_rate_factor("cosine", step=7, share=share, warmup=0, decay_steps=100)
    assert found == pytest.approx(factor, abs=1e-12)


@pytest.mark.parametrize("step, factor", [(0, 0.01), (49, 0.5), (99, 1.0), (500, 1.0)])
def test_warm_up_rises_linearly(step: int, factor: float) -> None:
    found = learning_rate_factor("constant", step=step, share=0.0, warmup=100, decay_steps=1)
    assert found == pytest.approx(factor)


@given(
    schedule=st.sampled_from(["cosine", "exponential", "constant"]),
    step=st.integers(0, 10**6),
    share=st.floats(0, 1),
    warmup=st.integers(0, 1000),
)
def test_factor_never_leaves_its_range(
    schedule: Schedule, step: int, share: float, warmup: int
) -> None:
    factor = learning_rate_factor(schedule, step=step, share=share, warmup=warmup, decay_steps=100)
    assert 0 <= factor <= 1


@pytest.mark.parametrize("step, decay", [(0, 0.1), (10, 11 / 20), (889, 890 / 899), (10**5, 0.99)])
def test_average_keeps_little_at_first_and_its_limit_in_the_end(step: int, decay: float) -> None:
    assert average_decay(step, 0.99) == pytest.approx(min(decay, 0.99))
