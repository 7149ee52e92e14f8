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
from ibc_gym.policies.networks.factory import JointConfig, joint_network
from ibc_gym.policies.noise import RowNoise, SharedNoise
from ibc_gym.policies.optimisers.box import Box, Search
from ibc_gym.policies.optimisers.langevin import (
    Chain,
    Clips,
    LangevinConfig,
    chunks,
    clips,
    training_chain,
    walk,
    walk_all,
)
from ibc_gym.policies.optimisers.pick import pick

CPU = torch.device("cpu")


def noise(seed: int = 0) -> SharedNoise:
    return SharedNoise(torch.Generator().manual_seed(seed), CPU)


def test_official_unit_test_ends_near_the_minimum() -> None:
    # f = -(100 |a - a*|)² on [0, 1]², 25 iterations, 128 chains.
    target = torch.tensor([0.35, 0.8])
    box = Box(torch.zeros(2), torch.ones(2))
    source = noise()
    start = box.sample(source, 1, 128)
    chain = training_chain(LangevinConfig(iterations=25))
    ends = walk(lambda a: 2e4 * (a - target), start, box, source, chain, limits=Clips(delta=0.1))
    assert (ends[0, 0] - target).norm() < 0.1


def test_step_is_the_published_one() -> None:
    box = Box(torch.tensor([-1.1, -0.2]), torch.tensor([1.1, 0.2]))
    start = torch.tensor([[[0.5, 0.1], [-1.05, 0.19]]])
    chain = Chain(iterations=1, initial=0.1, final=1e-5, power=2, noise=0.7)

    def gradient(actions: Tensor) -> Tensor:
        return torch.tensor([[[1.0, 3.0], [9.0, -2.0]]])

    drawn = noise(5).normal(1, 2, 2)
    step = 0.1 * (0.5 * gradient(start) + 0.7 * drawn)
    reach = torch.tensor([0.11, 0.02])
    expected = torch.clamp(start - torch.clamp(step, -reach, reach), box.low, box.high)
    ends = walk(gradient, start, box, noise(5), chain, limits=Clips(delta=0.1))
    torch.testing.assert_close(ends, expected)


def test_no_gradient_passes_through_a_chain() -> None:
    start = torch.zeros(1, 3, 2, requires_grad=True)
    box = Box(-torch.ones(2), torch.ones(2))
    chain = Chain(iterations=3, initial=0.1, final=0.1, power=1, noise=1)
    assert not walk(
        lambda a: a * 2, start, box, noise(), chain, limits=Clips(delta=0.1)
    ).requires_grad


@pytest.mark.parametrize(("rows", "samples"), [(1, 1), (3, 512), (2, 5000), (700, 8), (5, 100)])
def test_pieces_cover_every_candidate_once_and_cut_rows_alike(rows: int, samples: int) -> None:
    covered = torch.zeros(rows, samples, dtype=torch.int)
    cuts: dict[int, list[int]] = {}
    for row, column in chunks(rows, samples):
        covered[row, column] += 1
        for k in range(row.start, min(row.stop, rows)):
            cuts.setdefault(k, []).append(column.start)
    assert (covered == 1).all()
    assert all(cut == cuts[0] for cut in cuts.values())


def test_a_row_with_its_own_generator_walks_the_same_in_any_batch() -> None:
    box = Box(-torch.ones(2), torch.ones(2))
    chain = Chain(iterations=4, initial=0.1, final=0.01, power=2, noise=1)

    def end(seeds: list[int]) -> Tensor:
        source = RowNoise([torch.Generator().manual_seed(seed) for seed in seeds], CPU)
        start = box.sample(source, len(seeds), 5)
        return walk(lambda a: a, start, box, source, chain, limits=Clips(delta=0.1))

    assert torch.equal(end([7, 8, 9])[1], end([8])[0])


@pytest.mark.parametrize(
    "bad",
    (
        {"iterations": 0},
        {"delta_clip": 0.0},
        {"gradient_clip": -1.0},
        {"step_final": -1.0},
        {"decay": -0.1},
    ),
)
def test_senseless_settings_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        LangevinConfig(**bad)


@pytest.mark.parametrize(
    "name",
    ["step_initial", "second_step_final", "power", "noise", "inference_noise", "second_noise"],
)
def test_negative_constant_is_refused_by_name(name: str) -> None:
    senseless: dict[str, Any] = {name: -1.0}
    with pytest.raises(ConfigError, match=f"LangevinConfig.{name} is -1"):
        LangevinConfig(**senseless)


def plain_chain(
    energy: Callable[[Tensor], Tensor], start: Tensor, box: Box, draws: list[Tensor]
) -> Tensor:
    """Three steps of the published update, written out with autograd."""
    actions = start
    for k in range(3):
        leaf = actions.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(energy(leaf).sum(), leaf)
        size = (0.1 - 1e-5) * (1 - k / 2) ** 2 + 1e-5
        change = size * (0.5 * gradient + 1.0 * draws[k])
        reach = 0.1 * 0.5 * (box.high - box.low)
        change = torch.minimum(torch.maximum(change, -reach), reach)
        actions = torch.minimum(torch.maximum(actions - change, box.low), box.high)
    return actions


@pytest.mark.parametrize("trunk, depth", [("resnet", 4), ("mlp", 2)])
def test_three_steps_on_a_network_are_those_written_out(trunk: Any, depth: int) -> None:
    torch.manual_seed(0)
    network = joint_network(
        JointConfig(trunk=trunk, width=32, depth=depth, initialisation="default"), 5, 3
    )
    box = Box(torch.tensor([-1.1, -0.5, 0.0]), torch.tensor([1.1, 0.5, 2.0]))
    context = network.encode({"features": torch.randn(4, 5)}).detach()
    source = noise(1)
    start = box.sample(source, 4, 6)
    draws = [source.normal(4, 6, 3) for _ in range(3)]
    expected = plain_chain(lambda a: 30 * network(context, a), start, box, draws)
    walked = walk_all(
        lambda known, a: 30 * network.action_gradient(known, a),
        context,
        box,
        noise(1),
        (training_chain(LangevinConfig(iterations=3)),),
        samples=6,
        limits=clips(LangevinConfig()),
    )
    assert (expected - start).abs().max() > 0.1
    torch.testing.assert_close(walked.ends, expected, atol=1e-5, rtol=0)


def test_gradient_through_a_chain_is_autograds_through_the_chain_written_out() -> None:
    # E = |a - w|²: a chain pulls its end to w, and how far is known by autograd.
    target = torch.tensor([0.3, -0.2], dtype=torch.double, requires_grad=True)
    box = Box(-torch.ones(2, dtype=torch.double), torch.ones(2, dtype=torch.double))
    start = torch.zeros(1, 3, 2, dtype=torch.double)
    chain = Chain(iterations=4, initial=0.2, final=0.05, power=1, noise=0.0)
    ends = walk(
        lambda a: 2 * (a - target),
        start,
        box,
        noise(),
        chain,
        limits=Clips(delta=0.5),
        through=True,
    )
    left = math.prod(1 - step for step in chain.steps())
    torch.testing.assert_close(ends, ((1 - left) * target).expand(1, 3, 2))
    (gradient,) = torch.autograd.grad(ends.sum(), target)
    torch.testing.assert_close(gradient, torch.full((2,), 3 * (1 - left), dtype=torch.double))


def test_valley_across_the_axes_is_walked_down() -> None:
    target = torch.tensor([0.25, -0.4])
    precision = torch.linalg.inv(torch.tensor([[0.2, 0.15], [0.15, 0.2]]))
    config = LangevinConfig(iterations=100)
    box = Box(torch.full((2,), -1.1), torch.full((2,), 1.1))
    source = noise()
    start = box.sample(source, 2, 256)
    chain = training_chain(config)
    ends = walk(lambda a: (a - target) @ precision, start, box, source, chain, limits=clips(config))
    away = ends - target
    energies = ((away @ precision) * away).sum(dim=-1) / 2
    chosen = pick(Search(ends, energies), source, config)
    assert (chosen - target).norm(dim=1).max() < 0.02


def two_modes(actions: Tensor) -> Tensor:
    """Gradient of -log of equal normal densities of deviation 0.2 at ±0.6."""
    sides = torch.tensor([0.6, -0.6])
    away = actions[..., None] - sides  # (..., A, 2)
    weights = torch.softmax(-away.square().sum(dim=-2, keepdim=True) / 0.08, dim=-1)
    return (weights * away).sum(dim=-1) / 0.04


def test_chains_end_in_both_of_two_modes() -> None:
    config = LangevinConfig(iterations=60)
    box = Box(torch.full((2,), -1.1), torch.full((2,), 1.1))
    source = noise()
    start = box.sample(source, 1, 400)
    chain = training_chain(config)
    ends = walk(two_modes, start, box, source, chain, limits=clips(config))[0]
    near = torch.minimum((ends - 0.6).norm(dim=1), (ends + 0.6).norm(dim=1))
    assert near.quantile(0.95) < 0.15
    assert 0.3 < (ends[:, 0] > 0).float().mean() < 0.7


@pytest.mark.parametrize("sigma", (1.0, 0.5))
def test_calibrated_chain_samples_the_density_that_the_energy_means(sigma: float) -> None:
    # E = a² / (2 · 0.3²): exp(-E / σ²) has the deviation 0.3 σ.
    config = LangevinConfig(
        dynamics="calibrated",
        iterations=800,
        step_initial=2e-3,
        step_final=2e-3,
        delta_clip=None,
        noise=sigma,
    )
    box = Box(torch.full((1,), -3.0), torch.full((1,), 3.0))
    source = noise()
    chain, limits = training_chain(config), clips(config)
    ends = walk(lambda a: a / 0.09, torch.zeros(1, 4000, 1), box, source, chain, limits=limits)
    assert float(ends.std()) == pytest.approx(0.3 * sigma, rel=0.04)
    assert float(ends.mean()) == pytest.approx(0, abs=0.02)


def test_published_chain_does_not() -> None:
    config = LangevinConfig(iterations=800, step_initial=2e-3, step_final=2e-3, delta_clip=None)
    box = Box(torch.full((1,), -3.0), torch.full((1,), 3.0))
    chain, limits = training_chain(config), clips(config)
    ends = walk(lambda a: a / 0.09, torch.zeros(1, 2000, 1), box, noise(), chain, limits=limits)
    # Of a ← (1 - k) a + λ σ ξ with k = λ / (2 · 0.09), the variance is λ² σ² / (1 - (1 - k)²).
    expected = 2e-3 / (1 - (1 - 1e-3 / 0.09) ** 2) ** 0.5
    assert float(ends.std()) == pytest.approx(expected, rel=0.05)
    assert expected < 0.05


def test_gradient_clip_comes_before_the_noise_and_the_delta_clip_after_it() -> None:
    box = Box(torch.full((1,), -1.0), torch.full((1,), 1.0))
    chain = Chain(iterations=1, initial=0.1, final=0.1, power=1, noise=2.0)
    drawn = noise(3).normal(1, 5, 1)
    assert (0.1 * (0.5 * 0.5 + 2 * drawn)).abs().max() > 0.1
    ends = walk(
        lambda a: torch.full_like(a, 9.0),
        torch.zeros(1, 5, 1),
        box,
        noise(3),
        chain,
        limits=Clips(delta=0.1, gradient=0.5),
    )
    expected = -torch.clamp(0.1 * (0.5 * 0.5 + 2 * drawn), -0.1, 0.1)
    torch.testing.assert_close(ends, expected)


def test_no_delta_clip_lets_a_chain_leap_across_the_box() -> None:
    box = Box(torch.full((1,), -1.0), torch.full((1,), 1.0))
    chain = Chain(iterations=1, initial=1.0, final=1.0, power=1, noise=0.0)

    def end(delta: float | None) -> float:
        ends = walk(
            lambda a: a * 3, torch.ones(1, 1, 1), box, noise(), chain, limits=Clips(delta=delta)
        )
        return float(ends)

    assert end(None) == pytest.approx(-0.5) and end(0.1) == pytest.approx(0.9)


def test_points_on_the_way_are_kept_from_the_start_on() -> None:
    box = Box(-torch.ones(1), torch.ones(1))
    chain = Chain(iterations=3, initial=0.4, final=0.4, power=1, noise=0.0)
    walked = walk_all(
        lambda _, a: a,
        torch.zeros(2, 1),
        box,
        noise(),
        (chain, chain),
        samples=5,
        limits=Clips(delta=None),
        start=torch.ones(2, 5, 1),
        keep_passed=True,
    )
    assert walked.passed is not None and walked.passed.shape == (2, 5 * 6, 1)
    assert walked.passed[1, :6, 0].tolist() == pytest.approx([0.8**k for k in range(6)])
    assert walked.ends[1, 0, 0].item() == pytest.approx(0.8**6)


def test_pick_by_sample_draws_by_the_boltzmann_weight() -> None:
    ends = torch.tensor([[[0.0], [1.0]]]).expand(4000, -1, -1)
    energies = torch.tensor([[0.0, 1.0]]).expand(4000, -1)
    drawn = pick(Search(ends, energies), noise(), LangevinConfig(pick="sample"))
    assert float(drawn.mean()) == pytest.approx(1 / (1 + math.e), abs=0.03)


@settings(max_examples=trials(15), deadline=None)
@given(
    rows=st.integers(1, 3),
    samples=st.integers(1, 20),
    size=st.integers(1, 5),
    steep=st.floats(-1e6, 1e6),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    dynamics=st.sampled_from(["published", "calibrated"]),
    delta=st.sampled_from([None, 0.1]),
)
def test_chains_stay_in_any_box(
    rows: int,
    samples: int,
    size: int,
    steep: float,
    dtype: torch.dtype,
    dynamics: Any,
    delta: float | None,
) -> None:
    low = torch.linspace(-2, 0, size, dtype=dtype)
    box = Box(low, low + torch.linspace(0, 1, size, dtype=dtype))
    config = LangevinConfig(iterations=4, dynamics=dynamics, delta_clip=delta)
    source = noise()
    start = box.sample(source, rows, samples)
    ends = walk(
        lambda a: a * steep, start, box, source, training_chain(config), limits=clips(config)
    )
    assert ends.shape == (rows, samples, size) and ends.dtype == dtype
    assert torch.equal(box.clip(ends), ends)
