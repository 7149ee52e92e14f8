"""Mixtures of Gaussians: the right density, the right draws, and no number that overflows."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, distributions
from trials import trials

from ibc_gym.policies.mixture import Mixture
from ibc_gym.policies.noise import SharedNoise

ROWS, COMPONENTS, SIZE = 6, 4, 3


def outputs(scale: float = 1.0) -> Tensor:
    return scale * torch.randn(ROWS, COMPONENTS * (2 * SIZE + 1), dtype=torch.float32)


def known(mixture: Mixture) -> distributions.MixtureSameFamily:
    return distributions.MixtureSameFamily(
        distributions.Categorical(logits=mixture.log_weights),
        distributions.Independent(distributions.Normal(mixture.means, mixture.log_scales.exp()), 1),
    )


@pytest.mark.parametrize("floor", [0.0, 1e-3])
def test_density_is_that_of_pytorchs_own_mixture(floor: float) -> None:
    mixture = Mixture.of(outputs(), COMPONENTS, scale_floor=floor)
    actions = torch.randn(ROWS, SIZE)
    torch.testing.assert_close(mixture.log_density(actions), known(mixture).log_prob(actions))


def test_density_is_the_logarithm_of_one_that_integrates_to_one() -> None:
    mixture = Mixture.of(torch.randn(1, 3 * 3), 3)
    grid = torch.linspace(-30, 30, 60_001)
    density = Mixture(
        log_weights=mixture.log_weights.expand(len(grid), -1),
        means=mixture.means.expand(len(grid), -1, -1),
        log_scales=mixture.log_scales.expand(len(grid), -1, -1),
    ).log_density(grid[:, None])
    assert float(density.exp().sum() * 1e-3) == pytest.approx(1, abs=1e-3)


def test_temperature_flattens_the_shares_and_the_exponent_sharpens_the_components() -> None:
    said = outputs()
    plain = Mixture.of(said, COMPONENTS)
    flat = Mixture.of(said, COMPONENTS, temperature=1e4)
    sharp = Mixture.of(said, COMPONENTS, scale_exponent=4.0)
    assert (flat.log_weights.exp() - 0.25).abs().max() < 1e-3
    assert (plain.log_weights.exp() - 0.25).abs().max() > 0.1
    torch.testing.assert_close(sharp.log_scales.exp(), plain.log_scales.exp() ** 4)
    torch.testing.assert_close(sharp.means, plain.means)


def test_draws_have_the_shares_the_means_and_the_deviations_of_the_components() -> None:
    rows = 40_000
    one = Mixture(
        log_weights=torch.tensor([[0.7, 0.3]]).log(),
        means=torch.tensor([[[5.0, 1.0], [-5.0, 2.0]]]),
        log_scales=torch.tensor([[[0.5, 0.1], [1.0, 0.2]]]).log(),
    )
    many = Mixture(
        log_weights=one.log_weights.expand(rows, -1),
        means=one.means.expand(rows, -1, -1),
        log_scales=one.log_scales.expand(rows, -1, -1),
    )
    generator = torch.Generator().manual_seed(0)
    drawn = many.sample(SharedNoise(generator, torch.device("cpu")))
    first = drawn[:, 0] > 0
    assert float(first.float().mean()) == pytest.approx(0.7, abs=0.01)
    for rows_of, means, scales in (
        (first, (5.0, 1.0), (0.5, 0.1)),
        (~first, (-5.0, 2.0), (1.0, 0.2)),
    ):
        torch.testing.assert_close(drawn[rows_of].mean(0), torch.tensor(means), atol=0.03, rtol=0)
        torch.testing.assert_close(drawn[rows_of].std(0), torch.tensor(scales), atol=0.02, rtol=0)


def test_peaks_are_the_greatest_share_and_the_greatest_height() -> None:
    mixture = Mixture(
        log_weights=torch.tensor([[0.6, 0.4]]).log(),
        means=torch.tensor([[[1.0], [2.0]]]),
        log_scales=torch.tensor([[[1.0], [0.01]]]).log(),
    )
    assert mixture.most_probable().item() == 1
    assert mixture.densest().item() == 2
    assert mixture.entropy().item() == pytest.approx(
        -(0.6 * math.log(0.6) + 0.4 * math.log(0.4)), abs=1e-6
    )


@settings(max_examples=trials(25), deadline=None)
@given(st.floats(0.1, 1e4), st.floats(-1e3, 1e3), st.integers(0, 1000))
def test_density_and_its_slope_are_finite_however_far_off_the_network_is(
    scale: float, action: float, seed: int
) -> None:
    torch.manual_seed(seed)
    said = outputs(scale).requires_grad_()
    mixture = Mixture.of(said, COMPONENTS, scale_floor=1e-3)
    density = mixture.log_density(torch.full((ROWS, SIZE), action))
    assert torch.isfinite(density).all()
    (slope,) = torch.autograd.grad(density.sum(), said)
    assert torch.isfinite(slope).all()
    assert mixture.log_scales.min() >= math.log(1e-3) - 1e-5
    assert mixture.entropy().min() >= 0


def test_floor_is_felt_near_it_alone() -> None:
    said = torch.zeros(1, 3)
    wide = Mixture.of(said, 1, scale_floor=1e-3).log_scales.item()
    said[0, 1] = -20
    least = Mixture.of(said, 1, scale_floor=1e-3).log_scales.item()
    assert wide == pytest.approx(0, abs=1e-5)
    assert least == pytest.approx(math.log(1e-3), abs=1e-5)


@pytest.mark.parametrize("exponent", [1.0, 4.0])
def test_deviation_that_no_number_holds_still_draws_a_number(exponent: float) -> None:
    mixture = Mixture.of(torch.full((1, 3), 100.0), 1, scale_exponent=exponent)
    drawn = mixture.sample(SharedNoise(torch.Generator().manual_seed(0), torch.device("cpu")))
    assert torch.isfinite(drawn).all()
    assert torch.isfinite(mixture.variance()).all()
    assert torch.isfinite(mixture.log_density(drawn)).all()


def test_densities_of_several_actions_are_those_of_each() -> None:
    mixture = Mixture.of(outputs(), COMPONENTS)
    actions = torch.randn(ROWS, 5, SIZE)
    each = torch.stack([mixture.log_density(actions[:, n]) for n in range(5)], dim=1)
    torch.testing.assert_close(mixture.log_densities(actions), each)
