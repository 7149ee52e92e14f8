"""Units that are squared: how many, and their slopes."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ibc_gym.policies.networks.squares import gradient_before_squares, how_many, squared


@given(st.floats(0.0, 1.0), st.integers(1, 512))
def test_as_many_units_are_squared_as_the_share_says_and_one_where_it_says_any(
    share: float, width: int
) -> None:
    count = how_many(share, width)
    assert (count > 0) == (share > 0)
    assert 0 <= count <= width
    assert abs(count - share * width) <= 0.5 or count == 1


@pytest.mark.parametrize("count", [0, 2, 5])
def test_slope_is_that_of_autograd(count: int) -> None:
    units = torch.randn(3, 5, dtype=torch.double, requires_grad=True)
    after = torch.randn(3, 5, dtype=torch.double)
    (expected,) = torch.autograd.grad((squared(units, count) * after).sum(), units)
    torch.testing.assert_close(gradient_before_squares(after, units, count), expected)
