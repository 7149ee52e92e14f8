"""An array on disk gives the rows that NumPy would give."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st

from ibc_gym.data.dataset import Dataset
from ibc_gym.data.demonstration import Demonstration
from ibc_gym.data.metadata import Metadata
from ibc_gym.data.recorder import Recorder
from ibc_gym.data.stored_array import StoredArray

ROWS = 17


@pytest.fixture(scope="module")
def arrays() -> Iterator[tuple[StoredArray, np.ndarray]]:
    """Three segments of several episodes, with one episode left out in the middle."""
    metadata = Metadata(
        task="rows",
        workcell="none",
        observation_space=spaces.Dict({"state": spaces.Box(-99, 99, (2,), np.float32)}),
        action_space=spaces.Box(-1, 1, (1,), np.float32),
        control_period=1.0,
    )
    with tempfile.TemporaryDirectory() as folder:
        with Recorder(folder, metadata, commit_every=2, writer="w") as recorder:
            first = 0
            for length in (4, 3, 2, 5, 5):
                steps = np.arange(first, first + length)
                recorder.append(
                    Demonstration(
                        steps={
                            "observation.state": np.stack([steps, -steps], 1).astype(np.float32),
                            "action": np.zeros((length, 1), np.float32),
                            "terminated": np.zeros(length, np.bool_),
                            "truncated": np.zeros(length, np.bool_),
                        }
                    )
                )
                first += length
        dataset = Dataset.open(Path(folder)).select([0, 1, 3, 4])
        stored = dataset.stored("observation.state")
        yield stored, np.asarray(stored)


def test_all_rows_are_there_in_order(arrays: tuple[StoredArray, np.ndarray]) -> None:
    stored, whole = arrays
    assert whole[:, 0].tolist() == [*range(7), *range(9, 19)]
    assert stored.shape == whole.shape == (ROWS, 2) and stored.ndim == 2
    assert stored.dtype == whole.dtype and len(stored) == ROWS


@given(
    start=st.none() | st.integers(-20, 20),
    stop=st.none() | st.integers(-20, 20),
    step=st.none() | st.integers(-4, 4).filter(bool),
)
def test_any_slice_is_numpys(
    arrays: tuple[StoredArray, np.ndarray], start: int | None, stop: int | None, step: int | None
) -> None:
    stored, whole = arrays
    assert np.array_equal(stored[start:stop:step], whole[start:stop:step])


@given(rows=st.lists(st.lists(st.integers(-ROWS, ROWS - 1), min_size=2, max_size=2), max_size=9))
def test_any_rows_are_numpys(arrays: tuple[StoredArray, np.ndarray], rows: list[list[int]]) -> None:
    stored, whole = arrays
    index = np.array(rows, dtype=np.int64).reshape(-1, 2)
    assert np.array_equal(stored[index], whole[index])
    assert np.array_equal(stored[index[:, 0]], whole[index[:, 0]])


def test_single_rows_and_masks_are_numpys(arrays: tuple[StoredArray, np.ndarray]) -> None:
    stored, whole = arrays
    mask = whole[:, 0] % 2 == 0
    assert np.array_equal(stored[5], whole[5]) and np.array_equal(stored[-1], whole[-1])
    assert np.array_equal(stored[mask], whole[mask])


def test_rows_beyond_the_end_are_refused(arrays: tuple[StoredArray, np.ndarray]) -> None:
    stored, _ = arrays
    with pytest.raises(IndexError, match="array of 17"):
        stored[[0, ROWS]]
