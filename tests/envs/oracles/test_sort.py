"""The demonstrator that sorts: which block comes next, where it goes, and that nearly all arrive."""

from __future__ import annotations

import numpy as np
import pytest

from ibc_gym.envs.oracles.sort import SortOracle
from ibc_gym.envs.tasks.sort import BLOCKS, POCKETS, Sort
from ibc_gym.records import Float64
from ibc_gym.registry import make_oracle, make_vec_env
from ibc_gym.rollout import Rollout, rollout

TASK = Sort()
LEFT = POCKETS[0].centre


def run(seeds: range, workcell: str = "mujoco") -> Rollout:
    envs = make_vec_env("sort", 4, autoreset_mode="disabled", workcell=workcell)
    try:
        return rollout(envs, make_oracle("sort", envs), seeds)
    finally:
        envs.close()


def places(**moved: tuple[float, float]) -> Float64:
    """Blocks in two rows, blue on the left of yellow, but for those that are moved, (1, 8, 2) [m]."""
    blocks = {
        name: (0.25 + 0.08 * (i % 4), 0.06 - 0.12 * (i // 4)) for i, name in enumerate(BLOCKS)
    }
    return np.array([list((blocks | moved).values())])


def test_block_goes_to_the_nearest_slot_that_is_free() -> None:
    oracle = SortOracle(TASK)
    free = oracle._free_places(places(blue1=(LEFT[0] + 0.03, 0.1)))[0, 0]
    taken = oracle._free_places(
        places(blue1=(LEFT[0] + 0.03, 0.1), blue2=(LEFT[0] + 0.03, LEFT[1]))
    )[0, 0]
    assert free[1] == taken[1] == LEFT[1]
    assert abs(free[0] - LEFT[0] - 0.03) < 0.01
    assert abs(taken[0] - free[0]) > 0.05


def test_block_whose_way_is_clear_comes_before_a_nearer_one_whose_way_is_not() -> None:
    oracle = SortOracle(TASK)
    blocks = places(blue1=(0.375, -0.10), yellow1=(0.375, 0.0), blue2=(0.55, 0.12))
    tip = np.array([[0.375, -0.2]])
    order = oracle._order(tip, blocks, oracle._free_places(blocks))[0].tolist()
    assert order.index(BLOCKS.index("blue2")) < order.index(BLOCKS.index("blue1"))


@pytest.mark.parametrize("workcell, seeds", [("mujoco", range(4)), ("pybullet", range(1))])
def test_it_sorts_nearly_all_blocks(workcell: str, seeds: range) -> None:
    scores = [episode.metrics["score"] for episode in run(seeds, workcell).episodes]
    assert np.mean(scores) >= 0.9


@pytest.mark.slow
@pytest.mark.parametrize("workcell", ["mujoco", "pybullet"])
def test_at_least_nine_blocks_of_ten_are_sorted(workcell: str) -> None:
    scores = [episode.metrics["score"] for episode in run(range(12), workcell).episodes]
    assert np.mean(scores) >= 0.9
