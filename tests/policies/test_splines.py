"""Splines are monotone maps of the unit interval onto itself, with an inverse and a slope that are theirs."""

from __future__ import annotations

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from trials import trials

from ibc_gym.policies.splines import Spline
from ibc_gym.records import Float32

OUTPUTS = st.integers(2, 9).flatmap(
    lambda pieces: hnp.arrays(
        "float32", (3, Spline.numbers(pieces)), elements=st.floats(-8, 8, width=32)
    )
)


def spline(outputs: Float32) -> Spline:
    """Three of them, in double precision."""
    made = Spline.of(torch.from_numpy(outputs), least=0.01)
    return Spline(made.x.double(), made.y.double(), made.slopes.double())


def spread(made: Spline, values: torch.Tensor) -> tuple[Spline, torch.Tensor]:
    """The same splines at many values each."""
    count = len(values)
    each = Spline(*(k[:, None].expand(-1, count, -1) for k in (made.x, made.y, made.slopes)))
    return each, values.expand(3, -1)


@settings(max_examples=trials(20), deadline=None)
@given(outputs=OUTPUTS)
def test_map_rises_from_0_to_1_and_its_inverse_undoes_it(outputs: Float32) -> None:
    each, unit = spread(spline(outputs), torch.linspace(0, 1, 301, dtype=torch.float64))
    values, log_slopes = each.forward(unit)
    assert torch.isfinite(log_slopes).all()
    torch.testing.assert_close(values[:, 0], torch.zeros(3).double(), atol=1e-6, rtol=0)
    torch.testing.assert_close(values[:, -1], torch.ones(3).double(), atol=1e-6, rtol=0)
    assert (values.diff(dim=1) > 0).all()
    torch.testing.assert_close(each.inverse(values), unit, atol=1e-5, rtol=0)


@settings(max_examples=trials(20), deadline=None)
@given(outputs=OUTPUTS)
def test_slope_is_autograds(outputs: Float32) -> None:
    each, unit = spread(spline(outputs), torch.linspace(0.003, 0.997, 97, dtype=torch.float64))
    unit = unit.clone().requires_grad_()
    values, log_slopes = each.forward(unit)
    (slopes,) = torch.autograd.grad(values.sum(), unit)
    torch.testing.assert_close(log_slopes.exp(), slopes, atol=1e-8, rtol=1e-6)


@pytest.mark.parametrize("least", (0.01, 0.05))
def test_zeros_are_the_identity_and_no_output_makes_a_spike(least: float) -> None:
    unit = torch.linspace(0, 1, 50)
    same = Spline.of(torch.zeros(50, Spline.numbers(7)), least=least)
    values, log_slopes = same.forward(unit)
    torch.testing.assert_close(values, unit, atol=1e-5, rtol=0)
    torch.testing.assert_close(log_slopes, torch.zeros(50), atol=2e-3, rtol=0)
    rng = np.random.default_rng(0)
    wild = torch.from_numpy(rng.normal(0, 50, (20_000, Spline.numbers(7))).astype(np.float32))
    _, log_slopes = Spline.of(wild, least=least).forward(torch.rand(20_000))
    assert torch.isfinite(log_slopes).all()
    assert log_slopes.exp().max() < 2.1 / least
