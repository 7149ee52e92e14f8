"""Patterns for the ground."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ibc_gym.envs.simulators.patterns import DARKEST, SIDE, pattern


@given(number=st.integers(1, 2**31))
def test_pattern_is_its_numbers_own_and_uses_its_range(number: int) -> None:
    pixels = pattern(number)
    assert pixels.shape == (SIDE, SIDE, 3)
    assert pixels.max() == 255
    assert pixels.min() == round(255 * DARKEST)
    pattern.cache_clear()
    assert np.array_equal(pattern(number), pixels)
    assert not np.array_equal(pattern(number + 1), pixels)


def test_pattern_goes_over_into_itself() -> None:
    pixels = pattern(7).astype(float)
    for axis in (0, 1):
        seam = np.abs(np.take(pixels, 0, axis) - np.take(pixels, -1, axis)).max()
        inside = np.abs(np.diff(pixels, axis=axis)).max()
        assert seam <= 1.5 * inside
