from __future__ import annotations

import math
from collections.abc import Callable

import hypothesis.extra.numpy as hnp
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from trials import trials

from ibc_gym.errors import ConfigError
from ibc_gym.policies.losses import (
    GradientPenaltyConfig,
    Loss,
    Norm,
    chain_divergence,
    contrast,
    gradient_penalty,
    info_nce,
    ranking_nce,
)
from ibc_gym.records import Float32

energies_of_any_batch = hnp.arrays(
    "float32",
    hnp.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=9),
    elements=st.floats(-50, 50, width=32),
)


@settings(max_examples=trials(15), deadline=None)
@given(energies=energies_of_any_batch)
def test_info_nce_is_the_negative_log_boltzmann_weight_of_the_positive(energies: Float32) -> None:
    values = torch.from_numpy(energies).double()
    for column in range(values.shape[1]):
        positive = torch.full((len(values),), column)
        weight = torch.exp(-values[:, column]) / torch.exp(-values).sum(dim=1)
        assert info_nce(values, positive) == pytest.approx(float(-weight.log().mean()), abs=1e-6)


@settings(max_examples=trials(15), deadline=None)
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


def fitted(
    negatives: Callable[[torch.Generator], tuple[torch.Tensor, torch.Tensor]], *, corrected: bool
) -> list[float]:
    """Coefficients (b, c) of E = b a + c a² + const, fitted to p(a) ∝ exp(-2 (a - 1)²).

    `negatives` draws (256, 16) counter-examples, and gives the coefficients of log q beside them.
    """
    generator = torch.Generator().manual_seed(0)
    grid = torch.linspace(-4, 4, 801)
    density = torch.exp(-2 * (grid - 1) ** 2)
    coefficients = torch.zeros(2, requires_grad=True)
    optimiser = torch.optim.Adam([coefficients], lr=0.05)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, 600)
    first = torch.zeros(256, dtype=torch.long)
    for _ in range(600):
        positive = grid[torch.multinomial(density, 256, True, generator=generator)]
        drawn, log_q = negatives(generator)
        candidates = torch.cat([positive[:, None], drawn], dim=1)
        energies = coefficients[0] * candidates + coefficients[1] * candidates**2
        known = log_q[0] * candidates + log_q[1] * candidates**2
        loss = ranking_nce(energies, known, first) if corrected else info_nce(energies, first)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return coefficients.tolist()


def from_a_wide_normal(generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Counter-examples of q = N(1, 0.7²): log q = -(a - 1)² / 0.98 + const."""
    drawn = 1 + 0.7 * torch.randn(256, 16, generator=generator)
    return drawn, torch.tensor([2.0, -1.0]) / (2 * 0.7**2)


def test_ranking_nce_recovers_a_log_density_whatever_counter_examples_are_drawn_from() -> None:
    assert fitted(from_a_wide_normal, corrected=True) == pytest.approx([-4, 2], abs=0.3)


def test_info_nce_learns_the_ratio_of_the_densities_where_counter_examples_are_not_uniform() -> (
    None
):
    ratio = [-4 + 2 / 0.98, 2 - 1 / 0.98]
    assert fitted(from_a_wide_normal, corrected=False) == pytest.approx(ratio, abs=0.3)


@settings(max_examples=trials(15), deadline=None)
@given(energies=energies_of_any_batch, level=st.floats(-9, 9))
def test_ranking_nce_with_an_even_density_is_info_nce(energies: Float32, level: float) -> None:
    values = torch.from_numpy(energies).double()
    first = torch.zeros(len(values), dtype=torch.long)
    even = torch.full_like(values, level)
    assert ranking_nce(values, even, first, 2.0) == pytest.approx(
        float(info_nce(values, first, 2.0)), abs=1e-6
    )


def written_out(loss: Loss, f: Float32, actions: Float32) -> float:
    """The released code's formulas, in its f = -E, sum by sum."""
    total = 0.0
    rows, others = f.shape[0], f.shape[1] - 1
    for row in range(rows):
        for n in range(1, others + 1):
            away = float(((actions[row, n] - actions[row, 0]) ** 2).sum())
            gap = float(f[row, n]) - float(f[row, 0])
            if loss == "cd" or away > 0.2:
                total += gap
            elif loss == "soft_clipped_cd":
                total += abs(-gap - away)
    return float(total / (rows * others))


@settings(max_examples=trials(20), deadline=None)
@given(
    loss=st.sampled_from(["cd", "clipped_cd", "soft_clipped_cd"]),
    rows=st.integers(1, 4),
    others=st.integers(1, 6),
    size=st.integers(1, 4),
    seed=st.integers(0, 99),
    dtype=st.sampled_from([torch.float32, torch.float64]),
)
def test_other_losses_are_the_released_formulas(
    loss: Loss, rows: int, others: int, size: int, seed: int, dtype: torch.dtype
) -> None:
    generator = torch.Generator().manual_seed(seed)
    energies = torch.randn(rows, 1 + others, generator=generator, dtype=dtype)
    actions = torch.randn(rows, 1 + others, size, generator=generator, dtype=dtype) * 0.3
    found = contrast(loss, energies, actions)
    assert found.dtype == dtype
    assert float(found) == pytest.approx(
        written_out(loss, -energies.numpy(), actions.numpy()), abs=1e-5
    )


def test_info_nce_is_chosen_by_its_name() -> None:
    energies = torch.randn(3, 5)
    first = torch.zeros(3, dtype=torch.long)
    chosen = contrast("info_nce", energies, torch.randn(3, 5, 2), 2.0)
    assert torch.equal(chosen, info_nce(energies, first, 2.0))


def test_near_duplicates_of_the_demonstration_are_no_counter_examples() -> None:
    energies = torch.randn(1, 3, requires_grad=True)
    actions = torch.tensor([[[0.0, 0.0], [0.3, 0.3], [0.4, 0.4]]])  # 0 | 0.18 | 0.32
    contrast("clipped_cd", energies, actions).backward()
    assert energies.grad is not None and energies.grad[0].tolist() == [0.5, 0.0, -0.5]


def test_soft_bowl_is_as_deep_as_the_squared_distance() -> None:
    energies = torch.tensor([[1.0, 1.18]])
    actions = torch.tensor([[[0.0, 0.0], [0.3, 0.3]]])
    assert contrast("soft_clipped_cd", energies, actions) == pytest.approx(0, abs=1e-6)


def test_chains_are_pulled_down_and_apart() -> None:
    ends = torch.tensor([[[0.0, 0.0], [1.0, 0.0]]], requires_grad=True)
    energies = ends[..., 1]  # rises along the second axis
    loss = chain_divergence(energies, ends)
    pairs = [1.0, math.exp(-0.1), math.exp(-0.1), 1.0]
    assert float(loss.detach()) == pytest.approx(sum(pairs) / 4)
    loss.backward()
    assert ends.grad is not None
    assert (ends.grad[0, :, 1] > 0).all()
    assert ends.grad[0, 0, 0] > 0 > ends.grad[0, 1, 0]  # descending moves them apart


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
