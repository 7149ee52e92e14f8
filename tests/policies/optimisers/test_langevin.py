from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from ibc_gym.errors import ConfigError
from ibc_gym.policies.noise import RowNoise, SharedNoise
from ibc_gym.policies.optimisers.box import Box
from ibc_gym.policies.optimisers.langevin import (
    Chain,
    Clips,
    LangevinConfig,
    chunks,
    inference_chains,
    training_chain,
    walk,
)

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


def test_schedule_falls_by_a_polynomial_to_the_final_step() -> None:
    steps = list(Chain(iterations=5, initial=1.0, final=0.2, power=2, noise=0).steps())
    expected = [0.8 * (1 - k / 4) ** 2 + 0.2 for k in range(5)]
    assert steps == pytest.approx(expected)


def test_chain_of_one_step_takes_the_first_step_size() -> None:
    assert list(Chain(iterations=1, initial=0.3, final=0.1, power=2, noise=0).steps()) == [
        pytest.approx(0.3)
    ]


def test_second_chain_goes_on_with_its_own_constants() -> None:
    config = LangevinConfig(
        noise=0.5, second_chain=True, second_step_initial=1e-5, second_noise=0.25
    )
    first, second = inference_chains(config)
    assert (training_chain(config).noise, first.noise, second.noise) == (0.5, 1.0, 0.25)
    assert (first.initial, second.initial) == (0.1, 1e-5)
    assert len(inference_chains(LangevinConfig())) == 1


def test_no_gradient_passes_through_a_chain() -> None:
    start = torch.zeros(1, 3, 2, requires_grad=True)
    box = Box(-torch.ones(2), torch.ones(2))
    chain = Chain(iterations=3, initial=0.1, final=0.1, power=1, noise=1)
    assert not walk(
        lambda a: a * 2, start, box, noise(), chain, limits=Clips(delta=0.1)
    ).requires_grad


@pytest.mark.parametrize(("rows", "samples"), [(1, 1), (3, 512), (2, 1300), (700, 8), (5, 100)])
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


@pytest.mark.parametrize("bad", ({"iterations": 0}, {"delta_clip": 0.0}, {"step_final": -1.0}))
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
