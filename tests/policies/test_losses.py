from __future__ import annotations

import math

import hypothesis.extra.numpy as hnp
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ibc_gym.errors import ConfigError
from ibc_gym.policies.losses import GradientPenaltyConfig, Norm, gradient_penalty, info_nce
from ibc_gym.records import Float32

energies_of_any_batch = hnp.arrays(
    "float32",
    hnp.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=9),
    elements=st.floats(-50, 50, width=32),
)


@settings(max_examples=30, deadline=None)
@given(energies=energies_of_any_batch)
def test_info_nce_is_the_negative_log_boltzmann_weight_of_the_positive(energies: Float32) -> None:
    values = torch.from_numpy(energies).double()
    for column in range(values.shape[1]):
        positive = torch.full((len(values),), column)
        weight = torch.exp(-values[:, column]) / torch.exp(-values).sum(dim=1)
        assert info_nce(values, positive) == pytest.approx(float(-weight.log().mean()), abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(energies=energies_of_any_batch, shift=st.floats(-1e3, 1e3))
def test_info_nce_knows_only_differences_of_energies(energies: Float32, shift: float) -> None:
    values = torch.from_numpy(energies).double()
    first = torch.zeros(len(values), dtype=torch.long)
    assert info_nce(values + shift, first) == pytest.approx(
        float(info_nce(values, first)), abs=1e-6
    )


@pytest.mark.parametrize("negatives", (8, 64, 256, 1024))
def test_info_nce_of_equal_energies_is_the_log_of_how_many_there_are(negatives: int) -> None:
    energies = torch.full((5, negatives + 1), 3.0)
    positive = torch.arange(5)
    assert info_nce(energies, positive) == pytest.approx(math.log(negatives + 1), abs=1e-5)


def test_info_nce_still_pulls_where_the_positive_is_hopeless() -> None:
    energies = torch.tensor([[60.0, 0.0]], requires_grad=True)
    info_nce(energies, torch.tensor([0])).backward()
    assert energies.grad is not None
    assert energies.grad[0, 0] == pytest.approx(1.0)


def test_temperature_divides_energies() -> None:
    energies = torch.randn(4, 6)
    positive = torch.tensor([0, 5, 2, 3])
    assert info_nce(energies, positive, 2.0) == pytest.approx(
        float(info_nce(energies / 2, positive))
    )


def test_info_nce_with_uniform_negatives_recovers_a_log_density() -> None:
    # p(a) ∝ exp(-2 (a - 1)²) on [-2, 2]: the minimiser of the loss is E = 2 (a - 1)² + const.
    generator = torch.Generator().manual_seed(0)
    grid = torch.linspace(-2, 2, 401)
    density = torch.exp(-2 * (grid - 1) ** 2)
    coefficients = torch.zeros(2, requires_grad=True)
    optimiser = torch.optim.Adam([coefficients], lr=0.05)

    def energy(actions: torch.Tensor) -> torch.Tensor:
        return coefficients[0] * actions + coefficients[1] * actions**2

    for _ in range(400):
        positive = grid[torch.multinomial(density, 256, True, generator=generator)]
        negatives = torch.rand(256, 16, generator=generator) * 4 - 2
        energies = energy(torch.cat([positive[:, None], negatives], dim=1))
        loss = info_nce(energies, torch.zeros(256, dtype=torch.long))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert coefficients[0].item() == pytest.approx(-4, abs=0.4)
    assert coefficients[1].item() == pytest.approx(2, abs=0.2)


@pytest.mark.parametrize(("norm", "slope"), [("l1", 7.0), ("l2", 5.0), ("linf", 4.0)])
def test_gradient_penalty_squares_what_exceeds_the_margin(norm: Norm, slope: float) -> None:
    gradients = torch.tensor([[[3.0, -4.0], [0.1, 0.2]]])
    expected = ((slope - 1) ** 2 + 0) / 2
    assert gradient_penalty(gradients, norm=norm) == pytest.approx(expected)


def test_gradient_penalty_teaches_weights_as_second_order_autograd_does() -> None:
    layer = nn.Linear(2, 1)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.5, -3.0]]))
    points = torch.randn(4, 6, 2, requires_grad=True)
    (gradients,) = torch.autograd.grad(layer(points).sum(), points, create_graph=True)
    gradient_penalty(gradients).backward()
    # d/dw max(0, |w|_inf - 1)² = 2 (3 - 1) sign(w) at the largest weight alone.
    torch.testing.assert_close(layer.weight.grad, torch.tensor([[0.0, -4.0]]))


def test_gentle_energies_cost_nothing() -> None:
    assert gradient_penalty(torch.full((2, 3, 4), 0.999)) == 0


def test_negative_weight_is_refused() -> None:
    with pytest.raises(ConfigError, match="negative"):
        GradientPenaltyConfig(weight=-1)
