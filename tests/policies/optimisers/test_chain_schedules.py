"""How long and how noisy the steps of a Langevin chain are: what its config says, and never growing."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trials import trials

from ibc_gym.policies.optimisers.langevin import (
    Chain,
    Clips,
    LangevinConfig,
    clips,
    inference_chains,
    training_chain,
)


def test_schedule_falls_by_a_polynomial_to_the_final_step() -> None:
    steps = list(Chain(iterations=5, initial=1.0, final=0.2, power=2, noise=0).steps())
    expected = [0.8 * (1 - k / 4) ** 2 + 0.2 for k in range(5)]
    assert steps == pytest.approx(expected)


def test_chain_of_one_step_takes_the_first_step_size() -> None:
    assert list(Chain(iterations=1, initial=0.3, final=0.1, power=2, noise=0).steps()) == [
        pytest.approx(0.3)
    ]


def test_every_constant_of_a_config_reaches_its_chain() -> None:
    config = LangevinConfig(
        iterations=3,
        step_final=0.02,
        power=1.0,
        decay=0.5,
        noise=0.5,
        inference_noise=0.75,
        second_chain=True,
        second_step_initial=0.05,
        second_step_final=0.01,
        second_noise=0.25,
        delta_clip=0.3,
        gradient_clip=4.0,
    )
    first, second = inference_chains(config)
    assert (training_chain(config).noise, first.noise, second.noise) == (0.5, 0.75, 0.25)
    assert list(training_chain(config).steps()) == pytest.approx([0.1, 0.06, 0.02])
    assert list(first.steps()) == pytest.approx([0.1, 0.06, 0.02])
    assert list(second.steps()) == pytest.approx([0.05, 0.03, 0.01])
    falling = inference_chains(replace(config, schedule="exponential"))
    assert [list(chain.steps()) for chain in falling] == [
        pytest.approx([0.1, 0.05, 0.025]),
        pytest.approx([0.05, 0.025, 0.0125]),
    ]
    assert clips(config) == Clips(delta=0.3, gradient=4.0)
    assert len(inference_chains(LangevinConfig())) == 1


def test_exponential_schedule_falls_by_the_same_factor() -> None:
    config = LangevinConfig(iterations=4, schedule="exponential", step_initial=0.5)
    assert list(training_chain(config).steps()) == pytest.approx([0.5, 0.4, 0.32, 0.256])


@settings(max_examples=trials(20), deadline=None)
@given(
    initial=st.floats(1e-4, 2),
    share=st.floats(0, 1),
    power=st.floats(0.5, 4),
    iterations=st.integers(1, 60),
    schedule=st.sampled_from(["polynomial", "exponential"]),
)
def test_steps_never_grow(
    initial: float, share: float, power: float, iterations: int, schedule: Any
) -> None:
    chain = Chain(
        iterations=iterations,
        initial=initial,
        final=initial * share,
        power=power,
        noise=1,
        schedule=schedule,
    )
    steps = list(chain.steps())
    assert len(steps) == iterations and steps[0] == pytest.approx(initial)
    assert all(after <= before + 1e-12 for before, after in pairwise(steps))
