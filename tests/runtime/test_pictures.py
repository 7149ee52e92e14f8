"""NumPy resizes pictures as training did, to the bit."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from trials import trials

from ibc_gym.policies.images import cropped_and_resized
from ibc_gym.runtime.pictures import resize

SIDE = st.integers(4, 60)


@settings(max_examples=trials(30), deadline=None)
@given(before=st.tuples(SIDE, SIDE), after=st.tuples(SIDE, SIDE), seed=st.integers(0, 99))
def test_picture_is_the_same_to_the_bit(
    before: tuple[int, int], after: tuple[int, int], seed: int
) -> None:
    frames = np.random.default_rng(seed).integers(0, 256, (2, *before, 3)).astype(np.uint8)
    np.testing.assert_array_equal(
        resize(frames, after), cropped_and_resized(frames, (0, 0, *before), after)
    )


def test_white_stays_white_and_an_edge_stays_within_what_there_was() -> None:
    white = np.full((1, 48, 64, 3), 255, np.uint8)
    assert (resize(white, (20, 30)) == 255).all()
    edge = white.copy()
    edge[:, :, 32:] = 0
    small = resize(edge, (12, 16))
    assert (small[:, :, :7] == 255).all()
    assert (small[:, :, 9:] == 0).all()
