"""The autoregressive optimiser: known minima, joint modes, and one loop for acting and training."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from trials import trials

from ibc_gym.errors import ConfigError
from ibc_gym.policies.noise import RowNoise, SharedNoise
from ibc_gym.policies.optimisers import dfo
from ibc_gym.policies.optimisers.autoregressive import AutoregressiveDFOConfig, search
from ibc_gym.policies.optimisers.box import Box
from ibc_gym.policies.optimisers.dfo import DFOConfig
from ibc_gym.policies.optimisers.pick import pick

CPU = torch.device("cpu")
Energy = Callable[[int, Tensor], Tensor]


def noise(seed: int = 0) -> SharedNoise:
    return SharedNoise(torch.Generator().manual_seed(seed), CPU)


def box(size: int) -> Box:
    return Box(torch.full((size,), -1.1), torch.full((size,), 1.1))


def choose(energy: Energy, config: AutoregressiveDFOConfig, size: int, rows: int = 4) -> Tensor:
    source = noise()
    found = search(energy, box(size), source, config, rows=rows, samples=config.samples)
    return pick(found, source, config)


def prefix_norm(target: Tensor, deviation: float) -> Energy:
    """-log p(a_1 … a_d) of independent normal dimensions: what is left when the others are integrated out."""

    def energy(dimension: int, prefixes: Tensor) -> Tensor:
        away = prefixes - target[: dimension + 1]
        return away.square().sum(dim=-1) / (2 * deviation**2)

    return energy


@pytest.mark.parametrize("size", (1, 2, 3, 5))
def test_minimum_of_a_quadratic_is_found(size: int) -> None:
    target = torch.linspace(-0.6, 0.7, size)
    config = AutoregressiveDFOConfig(samples=4096, iterations=6)
    found = choose(prefix_norm(target, 0.1), config, size)
    assert (found - target).abs().max() < 0.005 * size


def conditional(mean: Tensor, covariance: Tensor) -> Energy:
    """-log p(a_d | a_1 … a_(d-1)) of a normal density: what InfoNCE teaches where prefixes are drawn from p."""

    def energy(dimension: int, prefixes: Tensor) -> Tensor:
        before, own = prefixes[..., :dimension], prefixes[..., dimension]
        if not dimension:
            return (own - mean[0]).square() / (2 * covariance[0, 0])
        gain = torch.linalg.solve(
            covariance[:dimension, :dimension], covariance[:dimension, dimension]
        )
        spread = covariance[dimension, dimension] - covariance[dimension, :dimension] @ gain
        expected = mean[dimension] + (before - mean[:dimension]) @ gain
        energies: Tensor = (own - expected).square() / (2 * spread)
        return energies

    return energy


MEAN = torch.tensor([0.2, -0.3])
COVARIANCE = torch.tensor([[0.04, 0.036], [0.036, 0.04]])  # correlation 0.9


def test_sum_of_the_energies_finds_the_peak_of_a_correlated_density() -> None:
    config = AutoregressiveDFOConfig(samples=16_384, judge="sum")
    found = choose(conditional(MEAN, COVARIANCE), config, 2)
    assert (found - MEAN).norm(dim=1).max() < 0.05


def test_last_energy_alone_finds_a_point_on_the_ridge_of_a_correlated_density() -> None:
    # Given the first number the second is the likeliest; the first is but one that the density may draw.
    found = choose(
        conditional(MEAN, COVARIANCE), AutoregressiveDFOConfig(samples=16_384), 2, rows=40
    )
    ridge = MEAN[1] + 0.9 * (found[:, 0] - MEAN[0])
    assert (found[:, 1] - ridge).abs().max() < 0.01
    assert found[:, 0].std() > 0.1


def test_draws_follow_a_correlated_density() -> None:
    config = AutoregressiveDFOConfig(iterations=2, sigma=0.0, pick="sample")
    source = noise()
    found = search(conditional(MEAN, COVARIANCE), box(2), source, config, rows=300, samples=2000)
    drawn = pick(found, source, config)
    # The second number is weighed twice, so that it spreads around what the first one says by 1/√2 of its deviation.
    spread = 0.0362**0.5
    torch.testing.assert_close(drawn.mean(dim=0), MEAN, atol=0.03, rtol=0)
    assert drawn.std(dim=0).tolist() == pytest.approx([0.2, spread], rel=0.12)
    assert float(torch.corrcoef(drawn.T)[0, 1]) == pytest.approx(0.036 / (0.2 * spread), abs=0.03)


def two_modes(dimension: int, prefixes: Tensor) -> Tensor:
    """Equal weights at (0.6, 0.6) and (-0.6, -0.6); the first number alone knows both."""
    sides = [(prefixes - side).square().sum(dim=-1) / (2 * 0.08**2) for side in (0.6, -0.6)]
    return -torch.logsumexp(-torch.stack(sides), dim=0)


def test_modes_of_the_whole_are_kept_and_never_mixed() -> None:
    config = AutoregressiveDFOConfig(samples=512, pick="sample")
    drawn = choose(two_modes, config, 2, rows=300)
    positive = drawn > 0
    assert (positive[:, 0] == positive[:, 1]).all()
    assert 0.3 < positive[:, 0].float().mean() < 0.7
    assert (drawn.abs() - 0.6).abs().max() < 0.4


@pytest.mark.parametrize("resample, mixed", [("prefix", 0.0), ("coordinate", 0.2)])
def test_prefixes_that_move_as_one_keep_together_what_belongs_together(
    resample: Any, mixed: float
) -> None:
    config = AutoregressiveDFOConfig(samples=4000, iterations=2, sigma=0.0, resample=resample)
    candidates = search(two_modes, box(2), noise(), config, rows=1, samples=4000).candidates
    crossed = (candidates[..., 0] * candidates[..., 1] < 0).float().mean()
    assert float(crossed) == pytest.approx(0.0, abs=0.01) if not mixed else crossed > mixed


@pytest.mark.parametrize("temperature", [1.0, 0.3])
def test_one_dimension_is_the_derivative_free_optimiser_to_the_bit(temperature: float) -> None:
    def energy(actions: Tensor) -> Tensor:
        return (actions[..., 0] - 0.3).square() * 20

    config = AutoregressiveDFOConfig(temperature=temperature)
    ours = search(lambda _, a: energy(a), box(1), noise(2), config, rows=3, samples=50)
    whole = DFOConfig(keep_best=False, temperature=temperature)
    theirs = dfo.search(energy, box(1), noise(2), whole, rows=3, samples=50)
    assert torch.equal(ours.candidates, theirs.candidates)
    assert torch.equal(ours.energies, theirs.energies)


def test_every_dimension_is_weighed_in_every_iteration_and_prefixes_grow() -> None:
    seen: list[tuple[int, tuple[int, ...]]] = []

    def energy(dimension: int, prefixes: Tensor) -> Tensor:
        seen.append((dimension, tuple(prefixes.shape)))
        return prefixes.sum(dim=-1)

    search(energy, box(3), noise(), AutoregressiveDFOConfig(iterations=4), rows=2, samples=7)
    assert seen == [(d, (2, 7, d + 1)) for d in range(3)] * 4


def test_gradient_of_the_energies_ends_at_the_search() -> None:
    weight = torch.ones((), requires_grad=True)
    found = search(
        lambda _, a: weight * a.square().sum(dim=-1),
        box(2),
        noise(),
        AutoregressiveDFOConfig(judge="sum"),
        rows=1,
        samples=5,
    )
    assert not found.candidates.requires_grad and not found.energies.requires_grad


def test_first_counter_examples_of_a_dimension_are_uniform() -> None:
    firsts: dict[int, Tensor] = {}

    def energy(dimension: int, prefixes: Tensor) -> Tensor:
        firsts.setdefault(dimension, prefixes[..., dimension])
        return 50 * prefixes.square().sum(dim=-1)

    search(energy, box(3), noise(), AutoregressiveDFOConfig(), rows=1, samples=5000)
    for numbers in firsts.values():
        assert float(numbers.std()) == pytest.approx(2.2 / math.sqrt(12), rel=0.03)


@settings(max_examples=trials(15), deadline=None)
@given(
    rows=st.integers(1, 4),
    samples=st.integers(1, 40),
    size=st.integers(1, 5),
    seed=st.integers(0, 9),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    resample=st.sampled_from(["prefix", "coordinate"]),
)
def test_candidates_stay_in_any_box(
    rows: int, samples: int, size: int, seed: int, dtype: torch.dtype, resample: Any
) -> None:
    low = torch.linspace(-2, 0, size, dtype=dtype)
    bounds = Box(low, low + torch.linspace(0, 1, size, dtype=dtype))
    config = AutoregressiveDFOConfig(resample=resample)
    found = search(
        lambda _, a: a.sum(dim=-1), bounds, noise(seed), config, rows=rows, samples=samples
    )
    assert found.candidates.shape == (rows, samples, size)
    assert found.candidates.dtype == dtype
    assert torch.equal(bounds.clip(found.candidates), found.candidates)


def test_a_row_with_its_own_generator_searches_the_same_in_any_batch() -> None:
    def end(seeds: list[int]) -> Tensor:
        source = RowNoise([torch.Generator().manual_seed(seed) for seed in seeds], CPU)
        return search(
            two_modes, box(2), source, AutoregressiveDFOConfig(), rows=len(seeds), samples=30
        ).candidates

    assert torch.equal(end([7, 8, 9])[1], end([8])[0])


@pytest.mark.parametrize(
    "bad", ({"samples": 0}, {"iterations": 0}, {"temperature": 0.0}, {"sigma": -1.0})
)
def test_senseless_settings_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=rf"AutoregressiveDFOConfig\.{next(iter(bad))}"):
        AutoregressiveDFOConfig(**bad)
