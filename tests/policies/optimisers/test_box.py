from __future__ import annotations

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
