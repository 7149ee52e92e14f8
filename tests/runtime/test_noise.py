"""NumPy draws what PyTorch draws."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from trials import trials

from ibc_gym.runtime.noise import Stream

DRAWS = st.lists(
    st.tuples(st.sampled_from(["uniform", "normal"]), st.integers(1, 70)), min_size=1, max_size=6
)


@settings(max_examples=trials(30), deadline=None)
@given(seed=st.integers(0, 2**63 - 1), draws=DRAWS)
def test_same_seed_gives_the_same_numbers(seed: int, draws: list[tuple[str, int]]) -> None:
    ours, theirs = Stream(seed), torch.Generator().manual_seed(seed)
    for kind, size in draws:
        drawn = torch.empty(size)
        _ = (drawn.uniform_ if kind == "uniform" else drawn.normal_)(generator=theirs)
        np.testing.assert_allclose(ours.draw(kind, size), drawn.numpy(), atol=2e-6, rtol=0)


@pytest.mark.parametrize("kind", ["uniform", "normal"])
def test_without_a_seed_no_two_are_the_same(kind: str) -> None:
    assert not np.array_equal(Stream(None).draw(kind, 8), Stream(None).draw(kind, 8))
