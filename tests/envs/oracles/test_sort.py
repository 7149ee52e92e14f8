"""The demonstrator that sorts: which block comes next, where it goes, and that nearly all arrive."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ibc_gym.envs.oracles.sort import COLOUR, DEEP, SortOracle, _dislike, _order
from ibc_gym.envs.tasks.real_stage import PIPE_RADIUS
from ibc_gym.envs.tasks.sort import BLOCKS, EACH, POCKETS, Sort
from ibc_gym.envs.tasks.toys import CUBE_SIDE
from ibc_gym.records import Float32, Float64
from ibc_gym.registry import make_env, make_oracle, make_vec_env
from ibc_gym.rollout import Rollout, rollout

pytestmark = pytest.mark.slow

TASK = Sort()
LEFT = POCKETS[0].centre
EVEN = np.zeros((1, len(BLOCKS)))


def run(seeds: range, workcell: str = "mujoco") -> Rollout:
    envs = make_vec_env("sort", min(4, len(seeds)), autoreset_mode="disabled", workcell=workcell)
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
    blocks = places(blue1=(0.375, -0.10), yellow1=(0.375, 0.0), blue2=(0.55, 0.12))
    tip = np.array([[0.375, -0.2]])
    order = _order(tip, blocks, SortOracle(TASK)._free_places(blocks), EVEN)[0].tolist()
    assert order.index(BLOCKS.index("blue2")) < order.index(BLOCKS.index("blue1"))


def first_of(dislike: Float64) -> str:
    blocks, tip = places(), np.array([[0.17, 0.0]])
    order = _order(tip, blocks, SortOracle(TASK)._free_places(blocks), dislike)
    return BLOCKS[int(order[0, 0])]


@pytest.mark.parametrize("block", BLOCKS)
def test_block_that_is_liked_comes_before_nearer_ones(block: str) -> None:
    dislike = np.full((1, len(BLOCKS)), 2 * COLOUR)
    dislike[0, BLOCKS.index(block)] = 0.0
    assert first_of(dislike) == block


def test_as_many_episodes_begin_with_blue_as_with_yellow_and_as_many_like_both() -> None:
    rows = 3000
    oracle = SortOracle(TASK)
    oracle.reset(np.ones(rows, dtype=np.bool_), range(rows))
    blue, yellow = np.split(oracle._dislike, [EACH], axis=1)
    likes = [int((blue.min(axis=1) >= COLOUR).sum()), int((yellow.min(axis=1) >= COLOUR).sum())]
    likes.append(rows - sum(likes))
    assert all(abs(count - rows / 3) < 4 * np.sqrt(rows * 2 / 9) for count in likes)


def test_order_is_the_seeds_own_whoever_shares_the_batch() -> None:
    together, alone = SortOracle(TASK), SortOracle(TASK)
    together.reset(np.ones(3, dtype=np.bool_), [5, 6, 7])
    for row, seed in enumerate((5, 6, 7)):
        alone.reset(np.ones(1, dtype=np.bool_), [seed])
        assert np.array_equal(alone._dislike[0], together._dislike[row])
    before = together._dislike.copy()
    together.reset(np.array([False, True, False]), [0, 9, 0])
    assert np.array_equal(together._dislike[[0, 2]], before[[0, 2]])
    assert np.array_equal(together._dislike[1], _dislike(9))


def sorted_in(layout: int, way: int) -> list[str]:
    """The order in which blocks of a layout come into their fixtures for good, when it is sorted in the way of a seed."""
    env = make_env("sort")
    oracle = make_oracle("sort", env)
    observation, info = env.reset(seed=layout)
    oracle.reset(np.ones(1, dtype=np.bool_), [way])
    seen, over = [], False
    while not over:
        action = oracle.act({"state": observation["state"][None]})[0]
        observation, _, terminated, truncated, info = env.step(action)
        seen.append(inside(observation["state"]))
        over = terminated or truncated
    env.close()
    assert info["is_success"]
    last_out = {
        block: max((step for step, within in enumerate(seen) if block not in within), default=-1)
        for block in BLOCKS
    }
    return sorted(BLOCKS, key=last_out.__getitem__)


def inside(state: Float32) -> set[str]:
    reach = 0.245 - TASK.config.goal_tolerance
    places = {block: state[TASK.columns[f"{block}_translation"]] for block in BLOCKS}
    return {block for block, (_, y) in places.items() if (y if "blue" in block else -y) > reach}


@pytest.mark.slow
def test_one_layout_is_sorted_in_two_orders_and_each_again_by_its_seed() -> None:
    blue, yellow = (
        next(seed for seed in range(99) if (_dislike(seed)[later] >= COLOUR).all())
        for later in (slice(EACH, None), slice(None, EACH))
    )
    ways = [sorted_in(3, way) for way in (blue, yellow, blue)]
    assert ways[0] == ways[2] != ways[1]
    assert "blue" in ways[0][0] and "yellow" in ways[1][0]


def observed(tip: tuple[float, float], blocks: Float64, yaw: float = 0.0) -> dict[str, Any]:
    state = np.zeros((1, TASK.feature_spaces["state"].shape[0]), dtype=np.float32)
    state[0, TASK.columns["effector_target_translation"]] = tip
    for block, place in zip(BLOCKS, blocks[0], strict=True):
        state[0, TASK.columns[f"{block}_translation"]] = place
        state[0, TASK.columns[f"{block}_orientation"]] = yaw
    return {"state": state}


SIDES = np.array([(1.0, 0.0), (0.0, -1.0), (-1.0, 0.0), (0.0, 1.0)])


def moves_from(deep: float, oracle: SortOracle) -> Float64:
    """What the tip does that is sent so deep into every block, from every side, (8, 4, 2), as if in one episode."""
    blocks, gap = places(), CUBE_SIDE / 2 + PIPE_RADIUS - deep
    oracle.reset(np.ones(1, dtype=np.bool_), [0])
    return np.array(
        [[oracle.act(observed((x, y), blocks))[0] for x, y in at + gap * SIDES] for at in blocks[0]]
    )


def test_tip_turns_straight_back_from_any_block_that_it_is_pressed_into() -> None:
    deep = DEEP + 0.002
    moves = moves_from(deep, SortOracle(TASK))
    out = (moves * SIDES).sum(axis=2)
    assert out.min() > deep
    np.testing.assert_allclose(moves, out[..., None] * SIDES, atol=1e-6)


def test_block_that_does_not_give_way_soon_has_to_wait() -> None:
    blocks, oracle = places(), SortOracle(TASK)
    oracle.reset(np.ones(1, dtype=np.bool_), [0])
    oracle.act(observed((0.17, 0.0), blocks))
    first = int(oracle._pushes._active[0])
    inside = tuple((blocks[0, first] + (0.02, 0.0)).tolist())
    tried = []
    for _ in range(5):
        oracle.act(observed(inside, blocks))
        tried.append(int(oracle._pushes._active[0]))
    assert tried[0] == first != tried[-1]


@pytest.mark.parametrize("deep, lost", [(DEEP - 0.002, 0), (DEEP + 0.002, 15)])
def test_only_a_tip_that_is_sent_deep_enough_is_hindered(deep: float, lost: int) -> None:
    """A toy has 60 periods; it loses a quarter of them each time that it does not give way."""
    blocks, oracle = places(), SortOracle(TASK)
    oracle.reset(np.ones(1, dtype=np.bool_), [0])
    gap = CUBE_SIDE / 2 + PIPE_RADIUS - deep
    x, y = (blocks[0, 0] + gap * SIDES[0]).tolist()
    for _ in range(2):
        oracle.act(observed((x, y), blocks))
    assert oracle._pushes._spent[0] == 1 + lost


@pytest.mark.slow
@pytest.mark.parametrize("workcell, seeds", [("mujoco", range(2, 6)), ("pybullet", range(2, 5))])
def test_all_blocks_are_sorted_in_every_episode(workcell: str, seeds: range) -> None:
    """Episodes 0 and 1 are played in `tests/contracts/test_envs.py`; 500 of them, in `benchmarks/results/oracles.json`."""
    episodes = run(seeds, workcell).episodes
    assert [episode.seed for episode in episodes if not episode.success] == []
