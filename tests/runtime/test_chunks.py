"""The queue of one robot carries out what the policies' own queue does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibc_gym.policies.chunks import ChunkQueue
from ibc_gym.runtime.chunks import Queue


@given(
    horizon=st.integers(1, 9),
    decay=st.none() | st.sampled_from((0.0, 0.01, 0.7)),
    begins=st.lists(st.booleans(), min_size=1, max_size=24),
    data=st.data(),
)
def test_same_chunks_are_carried_out_alike_whenever_an_episode_begins(
    horizon: int, decay: float | None, begins: list[bool], data: st.DataObject
) -> None:
    execute = data.draw(st.integers(1, horizon)) if decay is None else 1
    theirs = ChunkQueue(horizon, 2, execute=execute, ensemble=decay)
    ours = Queue(horizon, execute=execute, ensemble=decay)
    theirs.reset(np.ones(1, np.bool_))
    rng = np.random.default_rng(0)
    for begin in begins:
        if begin:
            ours.reset()
            theirs.reset(np.ones(1, np.bool_))
        assert ours.due == (len(theirs.due) == 1)
        if ours.due:
            chunk = rng.normal(size=(horizon, 2)).astype(np.float32)
            ours.put(chunk)
            theirs.put(theirs.due, chunk[None])
        carried_out = ours.next()
        assert carried_out.dtype == np.float32
        np.testing.assert_allclose(carried_out, theirs.next()[0], rtol=0, atol=1e-6)


def test_episode_that_begins_has_nothing_left_of_the_one_before() -> None:
    queue = Queue(3, ensemble=0.1)
    queue.put(np.full((3, 1), 5.0, np.float32))
    queue.next()
    queue.reset()
    queue.put(np.array([[1], [2], [3]], np.float32))
    assert queue.next() == pytest.approx(1.0)
    queue.put(np.array([[4], [5], [6]], np.float32))
    older, newer = np.exp(0.0), np.exp(-0.1)
    assert queue.next() == pytest.approx((2 * older + 4 * newer) / (older + newer))
