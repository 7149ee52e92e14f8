from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibc_gym.envs.simulators.generators import Generators
from ibc_gym.errors import ConfigError

seeds = st.one_of(st.integers(0, 2**16), st.integers(0, 2**128 - 1))


def every(rows: int) -> np.ndarray:
    return np.ones(rows, dtype=np.bool_)


@given(st.lists(seeds, min_size=1, max_size=20), st.integers(1, 9), st.integers(1, 9))
def test_every_row_draws_what_numpy_draws_from_the_same_seed(
    chosen: list[int], first: int, second: int
) -> None:
    generators = Generators(len(chosen))
    generators.seed(every(len(chosen)), chosen)
    drawn = [generators.random(every(len(chosen)), count) for count in (first, second)]
    for row, seed in enumerate(chosen):
        expected = np.random.default_rng(seed).random(first + second)
        assert np.concatenate([block[row] for block in drawn]).tobytes() == expected.tobytes()


def test_rows_outside_the_mask_do_not_move() -> None:
    generators = Generators(3)
    generators.seed(every(3), [1, 2, 3])
    mask = np.array([True, False, True])
    generators.random(mask, 4)
    generators.seed(~mask, [None, 9, None])
    drawn = generators.random(every(3), 2)
    assert drawn[0].tolist() == np.random.default_rng(1).random(6)[4:].tolist()
    assert drawn[1].tolist() == np.random.default_rng(9).random(2).tolist()
    assert drawn[2].tolist() == np.random.default_rng(3).random(6)[4:].tolist()


def test_row_without_a_seed_goes_on() -> None:
    generators = Generators(1)
    generators.seed(every(1), [5])
    generators.random(every(1), 1)
    generators.seed(every(1), [None])
    assert generators.random(every(1), 1)[0, 0] == np.random.default_rng(5).random(2)[1]


def test_rows_never_seeded_begin_apart_from_each_other() -> None:
    generators = Generators(50)
    generators.seed(every(50), [None] * 50)
    assert len(np.unique(generators.random(every(50), 1))) == 50


@pytest.mark.parametrize("seed", [-1, 2**128])
def test_seed_out_of_range_is_named(seed: int) -> None:
    with pytest.raises(ConfigError, match=str(seed)):
        Generators(2).seed(every(2), [0, seed])
