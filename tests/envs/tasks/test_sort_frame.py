"""The frame of the block at the tip: what it drops, that nothing else is lost, and what it takes for the next push."""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ibc_gym.envs.tasks.sort import BLOCKS, EACH, POCKETS
from ibc_gym.envs.tasks.sort_frame import MIDDLE, NUMBERS, BlockAtTip, ascending
from ibc_gym.envs.tasks.sort_pushes import BEHIND, CONTACT, SPACING, Pushes, depth, obstructed
from ibc_gym.envs.tasks.toys import CUBE_SIDE
from ibc_gym.errors import SpecMismatch

Real = NDArray[Any]

FRAME = BlockAtTip()
TIP = 3 * EACH
"""First column of the tip's place."""
THINGS = tuple(column for column in range(NUMBERS) if column not in (TIP, TIP + 1))
YAWS, XS, YS = THINGS[0::3], (*THINGS[1::3], TIP), (*THINGS[2::3], TIP + 1)
"""Columns of a state."""
SEEDS = st.integers(0, 10_000)


def windows(seed: int, steps: int = 2) -> Real:
    """Windows (4, steps, 26) of blocks and tips anywhere on the board, which move by a centimetre a step.

    Drawn by a generator: where two blocks are equally near no order of them is better than the other.
    """
    rng = np.random.default_rng(seed)
    states = np.zeros((4, steps, NUMBERS))
    drift = rng.normal(0, 0.01, (4, steps, len(XS)))
    states[..., XS] = rng.uniform(0.15, 0.60, (4, 1, len(XS))) + drift
    states[..., YS] = rng.uniform(-0.30, 0.30, (4, 1, len(YS))) + drift[..., ::-1]
    states[..., YAWS] = rng.uniform(-3, 3, (4, steps, len(BLOCKS)))
    return states


def exchanged(states: Real) -> Real:
    """The board's short axis as a mirror, and blue for yellow."""
    flipped = states.copy()
    flipped[..., YS] *= -1
    flipped[..., YAWS] *= -1
    blue, tip, yellow = np.split(flipped, (TIP, TIP + 2), axis=-1)
    return np.concatenate([yellow, tip, blue], axis=-1)


def mirrored(states: Real) -> Real:
    """The board's long axis as a mirror."""
    flipped = states.copy()
    flipped[..., XS] = 2 * MIDDLE - flipped[..., XS]
    flipped[..., YAWS] *= -1
    return flipped


def scene(tip: tuple[float, float], blocks: dict[str, tuple[float, float]]) -> Real:
    """One window (1, 1, 26) of these blocks, and the others far away on the board's edge, each by itself."""
    state = np.zeros(NUMBERS)
    for index, name in enumerate(BLOCKS):
        column = THINGS[3 * index]
        side = 1 if index < EACH else -1
        state[column + 1 : column + 3] = blocks.get(name, (0.60, side * 0.05 * (1 + index % EACH)))
    state[TIP : TIP + 2] = tip
    return state[None, None]


@given(SEEDS)
def test_the_mirror_with_colours_exchanged_changes_no_feature(seed: int) -> None:
    states = windows(seed)
    np.testing.assert_allclose(FRAME.features(exchanged(states)), FRAME.features(states), atol=3e-5)


@given(SEEDS)
def test_the_mirror_with_colours_exchanged_turns_actions(seed: int) -> None:
    states = windows(seed)
    actions: Real = np.random.default_rng(seed).uniform(-0.1, 0.1, (4, 2))
    there = FRAME.into(actions * [1, -1], exchanged(states))
    np.testing.assert_allclose(there, FRAME.into(actions, states), atol=1e-7)


@given(SEEDS, st.permutations(range(EACH)), st.permutations(range(EACH)))
def test_blocks_of_a_colour_are_alike(seed: int, blue: list[int], yellow: list[int]) -> None:
    states = windows(seed)
    columns = [THINGS[3 * i : 3 * i + 3] for i in [*blue, *(EACH + i for i in yellow)]]
    shuffled = states.copy()
    shuffled[..., THINGS] = states[..., np.concatenate(columns)]
    np.testing.assert_allclose(FRAME.features(shuffled), FRAME.features(states), atol=1e-6)


@given(SEEDS, st.lists(st.integers(-3, 3), min_size=8, max_size=8))
def test_which_side_of_a_cube_comes_first_changes_no_feature(
    seed: int, quarters: list[int]
) -> None:
    states = windows(seed)
    turned = states.copy()
    turned[..., YAWS] += np.array(quarters) * pi / 2
    np.testing.assert_allclose(FRAME.features(turned), FRAME.features(states), atol=3e-5)


@given(SEEDS)
def test_the_other_mirror_negates_the_odd_features_and_no_other(seed: int) -> None:
    states = windows(seed)
    expected = FRAME.features(states)
    expected[:, FRAME.odd_features] *= -1
    np.testing.assert_allclose(FRAME.features(mirrored(states)), expected, atol=3e-5)


@given(SEEDS)
def test_the_other_mirror_negates_the_odd_actions_and_no_other(seed: int) -> None:
    states = windows(seed)
    actions: Real = np.random.default_rng(seed).uniform(-0.1, 0.1, (4, 2))
    expected = FRAME.into(actions, states)
    expected[:, FRAME.odd_actions] *= -1
    there = FRAME.into(actions * [-1, 1], mirrored(states))
    np.testing.assert_allclose(there, expected, atol=1e-7)


@given(SEEDS)
def test_actions_come_back_out_of_the_frame(seed: int) -> None:
    states = windows(seed)
    actions = np.random.default_rng(seed).uniform(-0.1, 0.1, (4, 2)).astype(np.float32)
    np.testing.assert_array_equal(FRAME.out_of(FRAME.into(actions, states), states), actions)


@given(SEEDS)
def test_features_are_finite_and_of_the_size_told(seed: int) -> None:
    features = FRAME.features(windows(seed, steps=3))
    assert features.shape == (4, FRAME.size)
    assert features.dtype == np.float32
    assert np.isfinite(features).all()


@pytest.mark.parametrize(("colour", "side"), [("blue", 1), ("yellow", -1)])
def test_a_push_into_the_fixture_of_the_block_at_the_tip_is_along_the_first_axis(
    colour: str, side: int
) -> None:
    x = MIDDLE + SPACING / 2
    states = scene((x, -side * 0.04), {f"{colour}2": (x, 0.0)})
    into = FRAME.into(np.array([[0.0, side * 0.02]], np.float32), states)
    np.testing.assert_allclose(into, [[0.02, 0.0]], atol=1e-8)


def test_a_millimetre_off_the_line_of_a_push_is_seen() -> None:
    x = MIDDLE + SPACING / 2
    one, other = (
        FRAME.features(scene((x + off, -0.04), {"blue1": (x, 0.0)})) for off in (0.0, 0.001)
    )
    assert np.abs(one - other).max() > 0.05


def test_when_all_are_in_no_block_is_told_of() -> None:
    places = {
        name: (MIDDLE + SPACING * (index % EACH - 1.5), POCKETS[index >= EACH].centre[1])
        for index, name in enumerate(BLOCKS)
    }
    features = FRAME.features(scene((MIDDLE, 0.0), places))
    others = FRAME.features(scene((MIDDLE, 0.01), places))
    told = np.flatnonzero(features[0])
    assert len(told) < FRAME.size / 4
    assert np.isfinite(others).all()


def test_single_state_stands_for_its_predecessor() -> None:
    state = windows(0, steps=1)
    np.testing.assert_array_equal(
        FRAME.features(state), FRAME.features(np.repeat(state, 2, axis=1))
    )


def test_states_of_another_task_are_refused() -> None:
    with pytest.raises(SpecMismatch, match="another task"):
        FRAME.features(np.zeros((4, 2, 10), dtype=np.float32))


def of_first(u: float, v: float) -> Pushes:
    """A blue block there, and the others out of everybody's way."""
    blocks = np.array([[[0.0, 0.1 * number] for number in range(-20, -12)]])
    blocks[0, 0] = u, v
    return Pushes(blocks)


def test_a_block_before_its_place_goes_straight_there() -> None:
    pushes = of_first(0.0, SPACING / 2)
    np.testing.assert_allclose(pushes.goal[0, 0], [POCKETS[0].centre[1], SPACING / 2])
    np.testing.assert_allclose(pushes.ahead[0, 0], [1, 0], atol=1e-12)


def test_a_block_too_far_aside_goes_before_the_mouth_first() -> None:
    pushes = of_first(0.0, 0.2)
    u, v = pushes.goal[0, 0]
    assert u == pytest.approx(0.15)
    assert v == pytest.approx(1.5 * SPACING)


def test_a_place_that_another_block_is_in_is_left_to_it() -> None:
    blocks = np.zeros((1, 8, 2))
    blocks[0, :, 1] = np.linspace(-2, -1, 8)
    blocks[0, :2] = [[0.24, SPACING / 2], [0.0, SPACING / 2]]
    goal = Pushes(blocks).goal[0]
    assert goal[0, 1] == pytest.approx(SPACING / 2)
    assert abs(goal[1, 1] - SPACING / 2) == pytest.approx(SPACING)


def test_a_block_caught_at_the_end_of_a_wall_is_pushed_along_the_mouth() -> None:
    pushes = of_first(0.175, 0.136)
    assert pushes.goal[0, 0, 0] < 0.175
    assert pushes.goal[0, 0, 1] == pytest.approx(1.5 * SPACING)


def test_a_tip_that_pushes_is_within_reach_of_its_block() -> None:
    pushes = of_first(0.0, SPACING / 2)
    for back in (CONTACT, BEHIND):
        assert pushes.reach(np.array([[-back, SPACING / 2]]))[0, 0] == pytest.approx(0, abs=1e-12)
    assert pushes.reach(np.array([[CONTACT, SPACING / 2]]))[0, 0] > CONTACT


def test_only_what_a_way_comes_nearer_to_than_its_ends_is_in_it() -> None:
    start, end = np.array([[[0.0, 0.0]]]), np.array([[[0.2, 0.0]]])
    nothing = np.zeros((1, 1, 1), np.bool_)
    seen, much = obstructed(start, end, np.array([[[0.1, 0.03], [0.3, 0.0]]]), 0.04, nothing)
    np.testing.assert_allclose(seen[0, 0], [0.1, 0.03])
    assert much[0, 0] == pytest.approx(0.01)
    behind, none = obstructed(start, end, np.array([[[-0.01, 0.0]]]), 0.04, nothing)
    np.testing.assert_array_equal(behind[0, 0], 0.0)
    assert none[0, 0] == pytest.approx(-0.05)


@given(st.floats(-3, 3))
def test_a_tip_is_as_deep_in_a_cube_as_it_is_over_its_side(yaw: float) -> None:
    axis = np.array([np.cos(yaw), np.sin(yaw)])
    tip = (CONTACT - 0.004) * axis
    deep = depth(tip[None], np.zeros((1, 1, 2)), axis[None, None])
    assert deep[0, 0] == pytest.approx(0.004)
    assert CONTACT > CUBE_SIDE / 2


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0, 1e300]), min_size=1, max_size=8))
def test_ascending_counts_as_a_stable_sort_orders(values: list[float]) -> None:
    row = np.array([values, values[::-1]])
    assert np.array_equal(ascending(row), np.argsort(row, axis=1, kind="stable"))
