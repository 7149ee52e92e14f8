from __future__ import annotations

import numpy as np
import pytest
import torch

from ibc_gym.errors import ConfigError, SpecMismatch
from ibc_gym.policies.history import History


def frame(*values: float) -> dict[str, np.ndarray]:
    return {"state": np.array(values, np.float32)[:, None]}


def seen(history: History, *values: float) -> list[list[float]]:
    found: list[list[float]] = history.push(frame(*values))["state"][..., 0].tolist()
    return found


def test_first_frame_is_repeated_and_the_newest_is_last() -> None:
    history = History(3)
    history.reset(np.ones(2, bool), [0, 1])
    assert seen(history, 1, 10) == [[1, 1, 1], [10, 10, 10]]
    assert seen(history, 2, 20) == [[1, 1, 2], [10, 10, 20]]
    assert seen(history, 3, 30) == [[1, 2, 3], [10, 20, 30]]


def test_reset_forgets_only_the_rows_under_the_mask() -> None:
    history = History(2)
    history.reset(np.ones(2, bool), [0, 1])
    seen(history, 1, 10)
    history.reset(np.array([False, True]), [0, 7])
    assert seen(history, 2, 20) == [[1, 2], [20, 20]]
    expected = torch.Generator().manual_seed(7)
    assert torch.equal(
        torch.rand(3, generator=history.generators[1]), torch.rand(3, generator=expected)
    )


def test_a_new_number_of_rows_begins_with_a_reset_of_all() -> None:
    history = History(2)
    history.reset(np.ones(2, bool), [0, 1])
    seen(history, 1, 10)
    history.reset(np.ones(3, bool), [0, 1, 2])
    assert seen(history, 4, 5, 6) == [[4, 4], [5, 5], [6, 6]]
    with pytest.raises(SpecMismatch, match="under way"):
        history.reset(np.array([True, False]), [0, 1])


def test_a_row_without_a_seed_takes_one_from_the_system() -> None:
    history = History(1)
    history.reset(np.ones(2, bool), [None, None])
    first, second = (torch.rand(4, generator=generator) for generator in history.generators)
    assert not torch.equal(first, second)


def test_seeds_are_whole_numbers_of_any_size() -> None:
    history = History(1)
    with pytest.raises(ConfigError, match=r"whole number, or None for any, but this one is 0\.5"):
        history.reset(np.ones(1, bool), [0.5])  # type: ignore[list-item]
    history.reset(np.ones(2, bool), [2**70 + 3, -1])
    first, second = (torch.rand(4, generator=generator) for generator in history.generators)
    torch.testing.assert_close(torch.rand(4, generator=torch.Generator().manual_seed(3)), first)
    assert not torch.equal(first, second)
