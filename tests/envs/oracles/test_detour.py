"""The way around things: short, and with the clearance that was asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ibc_gym.envs.oracles.detour import ANYWHERE, SLACK, next_corner
from ibc_gym.records import Float64

pytestmark = pytest.mark.slow

CLEARANCE = 0.04
STEP = 0.02
PLACES = st.tuples(st.floats(-0.2, 0.2), st.floats(-0.2, 0.2))


def walk(start: Float64, goal: Float64, obstacles: Float64, steps: int = 100) -> Float64:
    """The places that one comes through who goes on to the next corner in steps of 2 cm, (T, 2)."""
    here, places = start[None], [start]
    while steps and np.linalg.norm(here[0] - goal) > 1e-9:
        way = next_corner(here, goal[None], obstacles[None], CLEARANCE, ANYWHERE) - here
        here = here + way * min(1.0, STEP / float(np.linalg.norm(way)))
        places.append(here[0])
        steps -= 1
    return np.array(places)


def test_free_way_is_straight() -> None:
    start, goal = np.array([[0.0, 0.0]]), np.array([[0.3, 0.0]])
    aside = np.array([[[0.15, 0.05], [0.35, 0.0], [-0.05, 0.0]]])
    np.testing.assert_array_equal(next_corner(start, goal, aside, CLEARANCE, ANYWHERE), goal)
    nothing = np.zeros((1, 0, 2))
    np.testing.assert_array_equal(next_corner(start, goal, nothing, CLEARANCE, ANYWHERE), goal)


@given(PLACES, PLACES, st.lists(PLACES, min_size=1, max_size=3))
def test_one_arrives_and_keeps_clear_of_everything(
    start: tuple[float, float], goal: tuple[float, float], obstacles: list[tuple[float, float]]
) -> None:
    a, b, things = np.array(start), np.array(goal), np.array(obstacles)
    apart = np.linalg.norm(things[:, None] - things, axis=2) + np.eye(len(things))
    assume(apart.min() > 2.5 * CLEARANCE)
    assume(np.linalg.norm(things - a, axis=1).min() > CLEARANCE)
    assume(np.linalg.norm(things - b, axis=1).min() > CLEARANCE)
    places = walk(a, b, things)
    np.testing.assert_allclose(places[-1], b, atol=1e-6)
    between = np.linspace(0, 1, 10)[:, None, None]
    everywhere = (places[:-1] + between * (places[1:] - places[:-1])).reshape(-1, 2)
    off = np.linalg.norm(everywhere[:, None] - things, axis=2)
    assert off.min(initial=1.0) > SLACK * CLEARANCE - 1e-6


def test_way_around_is_on_the_shorter_side() -> None:
    start, goal = np.array([[0.0, 0.0]]), np.array([[0.3, 0.0]])
    for y in (-0.01, 0.01):
        corner = next_corner(start, goal, np.array([[[0.15, y]]]), CLEARANCE, ANYWHERE)
        assert np.sign(corner[0, 1]) == -np.sign(y)


def test_one_who_is_too_near_leaves_and_comes_no_nearer() -> None:
    thing = np.array([[0.15, 0.0]])
    places = walk(np.array([0.13, 0.0]), np.array([0.3, 0.0]), thing)
    off = np.linalg.norm(places - thing[0], axis=1)
    assert off.min() >= 0.02 - 1e-6
    np.testing.assert_allclose(places[-1], [0.3, 0.0], atol=1e-9)


def test_corners_out_of_bounds_are_not_taken() -> None:
    start, goal = np.array([[0.0, 0.0]]), np.array([[0.3, 0.0]])
    thing = np.array([[[0.15, 0.01]]])
    within = ((-1.0, -0.02), (1.0, 1.0))
    assert next_corner(start, goal, thing, CLEARANCE, within)[0, 1] > 0.01


def test_without_any_way_it_is_straight_on() -> None:
    start, goal = np.array([[0.0, 0.0]]), np.array([[0.3, 0.0]])
    within = ((-1.0, -0.01), (1.0, 0.01))
    corner = next_corner(start, goal, np.array([[[0.15, 0.0]]]), CLEARANCE, within)
    np.testing.assert_array_equal(corner, goal)


def test_rows_do_not_depend_on_each_other() -> None:
    rng = np.random.default_rng(0)
    starts, goals = rng.uniform(-0.2, 0.0, (20, 2)), rng.uniform(0.0, 0.2, (20, 2))
    things = rng.uniform(-0.2, 0.2, (20, 3, 2))
    together = next_corner(starts, goals, things, CLEARANCE, ANYWHERE)
    assert (together != goals).any(axis=1).sum() > 5
    for row in range(20):
        one = slice(row, row + 1)
        alone = next_corner(starts[one], goals[one], things[one], CLEARANCE, ANYWHERE)
        np.testing.assert_array_equal(alone[0], together[row])


@pytest.mark.parametrize("count", [1, 4])
def test_inputs_are_left_as_they_were(count: int) -> None:
    rng = np.random.default_rng(1)
    given_ = [rng.uniform(-0.1, 0.1, shape) for shape in ((5, 2), (5, 2), (5, count, 2))]
    kept = [each.copy() for each in given_]
    next_corner(given_[0], given_[1], given_[2], CLEARANCE, ANYWHERE)
    for each, before in zip(given_, kept, strict=True):
        np.testing.assert_array_equal(each, before)
