from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from trials import trials

from ibc_gym.policies.noise import SharedNoise
from ibc_gym.policies.optimisers.box import Box, Search, resample

CPU = torch.device("cpu")


@settings(max_examples=trials(15), deadline=None)
@given(size=st.integers(1, 6), seed=st.integers(0, 99), low=st.floats(-3, 0), width=st.floats(0, 5))
def test_samples_lie_in_the_box(size: int, seed: int, low: float, width: float) -> None:
    box = Box(torch.full((size,), low), torch.full((size,), low) + width)
    noise = SharedNoise(torch.Generator().manual_seed(seed), CPU)
    samples = box.sample(noise, 3, 50)
    assert samples.shape == (3, 50, size)
    assert torch.equal(box.clip(samples), samples)


def test_resampling_follows_the_weights() -> None:
    weights = torch.tensor([[0.5, 0.0, 0.3, 0.2], [0.0, 0.0, 0.0, 1.0]])
    uniform = torch.rand(2, 40_000, generator=torch.Generator().manual_seed(1))
    drawn = resample(weights, uniform)
    shares = torch.stack([row.bincount(minlength=4) / 40_000 for row in drawn])
    torch.testing.assert_close(shares, weights, atol=0.01, rtol=0)


def test_resampling_never_leaves_the_candidates_nor_takes_the_impossible() -> None:
    weights = torch.softmax(torch.randn(1, 16_384) * 3, dim=1)
    weights[0, 0] = weights[0, -1] = 0.0
    drawn = resample(weights, torch.tensor([[0.0, 1 - 2**-24]]))
    assert drawn.min() >= 1 and drawn.max() <= 16_382


def test_least_is_the_least_energetic_of_each_row() -> None:
    found = Search(torch.arange(12.0).reshape(2, 3, 2), torch.tensor([[3.0, 1, 2], [0, 1, 2]]))
    assert found.least().tolist() == [[2.0, 3.0], [6.0, 7.0]]


def test_draw_at_low_temperature_is_the_least() -> None:
    found = Search(torch.arange(12.0).reshape(2, 3, 2), torch.tensor([[3.0, 1, 2], [0, 1, 2]]))
    noise = SharedNoise(torch.Generator().manual_seed(0), CPU)
    assert torch.equal(found.draw(noise, 1e-3), found.least())


def test_mode_is_drawn_by_its_share_and_its_least_energetic_candidate_taken() -> None:
    """Two modes of 30 % and 70 %, many candidates in each: either's best, and nothing between."""
    generator = torch.Generator().manual_seed(0)
    offsets = 0.1 * torch.randn(200, 2, generator=generator).clamp(-1, 1)
    left, right = offsets[:60] - 1.0, offsets[60:] + 1.0
    candidates = torch.cat([left, right])[None]  # (1, 200, 2), all as likely but for a hair
    energies = 1e-3 * torch.rand(1, 200, generator=generator)
    best = {
        tuple(candidates[0, energies[0, :60].argmin()].tolist()),
        tuple(candidates[0, 60 + energies[0, 60:].argmin()].tolist()),
    }
    rows = 4_000
    found = Search(candidates.expand(rows, -1, -1), energies.expand(rows, -1))
    drawn = found.draw(SharedNoise(generator, CPU), 1.0, within=0.5)
    assert set(map(tuple, drawn.tolist())) == best
    assert float((drawn[:, 0] < 0).float().mean()) == pytest.approx(0.3, abs=0.03)


@settings(max_examples=trials(15), deadline=None)
@given(seed=st.integers(0, 99), within=st.floats(0.0, 3.0), temperature=st.floats(0.01, 10))
def test_what_is_taken_for_a_drawn_one_is_near_it_and_no_more_energetic(
    seed: int, within: float, temperature: float
) -> None:
    generator = torch.Generator().manual_seed(seed)
    candidates = torch.rand(5, 40, 2, generator=generator)
    energies = torch.randn(5, 40, generator=generator)
    found = Search(candidates, energies)

    def draw(distance: float) -> tuple[torch.Tensor, torch.Tensor]:
        noise = SharedNoise(torch.Generator().manual_seed(seed), CPU)
        taken = found.draw(noise, temperature, distance)
        column = (candidates == taken[:, None]).all(dim=2).int().argmax(dim=1)
        return taken, energies.gather(1, column[:, None])[:, 0]

    drawn, before = draw(0.0)
    taken, after = draw(within)
    assert (after <= before).all()
    assert ((taken - drawn).norm(dim=1) <= within + 1e-6).all()
    assert torch.equal(draw(2.0)[0], found.least())  # all of the unit square
