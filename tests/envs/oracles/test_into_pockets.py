"""Toys into fixtures: which one is moved now, to where, and how the tip gets out again."""

from __future__ import annotations

from math import inf, pi

import numpy as np
import pytest

from ibc_gym.envs.oracles.into_pockets import IntoPockets, Seats
from ibc_gym.envs.oracles.line_push import STICK
from ibc_gym.envs.tasks.pocket import Pocket
from ibc_gym.records import Float64

pytestmark = pytest.mark.slow

WITHIN = ((0.15, -0.3), (0.6, 0.3))
POCKETS = (
    Pocket(centre=(0.475, 0.23), yaw=pi / 2, width=0.08, depth=0.07),
    Pocket(centre=(0.275, 0.23), yaw=pi / 2, width=0.08, depth=0.07),
)
CENTRES = np.array([[pocket.centre for pocket in POCKETS]])
SEATS = Seats(place=CENTRES, centre=CENTRES, into=np.array([[[0.0, 1.0], [0.0, 1.0]]]))
ORDER = np.array([[0, 1]])
TIP, WAITING, OTHER = (0.2, -0.28), (0.475, 0.0), (0.275, 0.0)


def made(patience: float = inf) -> IntoPockets:
    pushes = IntoPockets(0.2, WITHIN, POCKETS, tolerance=0.01, slack=0.01, patience=patience)
    pushes.reset(np.ones(1, dtype=np.bool_))
    return pushes


def move(pushes: IntoPockets, tip: tuple[float, float], *toys: tuple[float, float]) -> Float64:
    moved: Float64 = pushes.move(np.array([tip]), np.array([toys]), SEATS, ORDER)[0]
    return moved


def heads_for(moved: Float64, tip: tuple[float, float], place: tuple[float, float]) -> bool:
    way = np.array(place) - tip
    return bool(moved @ way > 0.999 * np.linalg.norm(moved) * np.linalg.norm(way))


def test_toys_are_moved_in_the_order_wanted() -> None:
    assert heads_for(move(made(), TIP, WAITING, OTHER), TIP, (0.475, -0.05))
    assert heads_for(move(made(), TIP, (0.475, 0.23), OTHER), TIP, (0.275, -0.05))


def test_toy_that_is_brushed_out_waits_for_its_turn_and_is_brought_back() -> None:
    pushes = made()
    move(pushes, TIP, (0.475, 0.23), OTHER)
    brushed = (0.475, 0.10)
    assert heads_for(move(pushes, TIP, brushed, OTHER), TIP, (0.275, -0.05))
    assert heads_for(move(pushes, TIP, brushed, (0.275, 0.23)), TIP, (0.475, 0.05))


def test_toy_that_takes_too_long_is_left_for_the_other() -> None:
    pushes = made(patience=1.0)
    heads = [heads_for(move(pushes, TIP, WAITING, OTHER), TIP, (0.475, -0.05)) for _ in range(7)]
    assert heads[:5] == [True] * 5 and not heads[6]


@pytest.mark.parametrize(
    "toy, behind",
    [
        ((0.475, 0.0), (0.475, -0.05)),  # straight before the mouth: pushed straight in
        ((0.510, 0.185), (0.560, 0.185)),  # at the end of a wall: pushed aside
        ((0.470, 0.210), (0.470, 0.160)),  # half in: pushed on
    ],
)
def test_tip_goes_behind_a_toy_as_seen_from_where_that_goes_next(
    toy: tuple[float, float], behind: tuple[float, float]
) -> None:
    tip = (behind[0], -0.28)
    moved = move(made(), tip, toy, (0.2, 0.0))
    assert moved @ (np.array(behind) - tip) > 0.9 * np.linalg.norm(moved) * np.linalg.norm(
        np.array(behind) - tip
    )


def test_tip_leaves_a_fixture_straight() -> None:
    inside = (0.46, 0.22)
    moved = move(made(), inside, (0.475, 0.24), OTHER)
    assert moved[0] == pytest.approx(0.0, abs=1e-9) and moved[1] < -0.03


def test_tip_goes_around_fixtures() -> None:
    """From the right of one to the left of a toy between the two, straight through the first one's walls."""
    tip, pushes, furthest = np.array([0.57, 0.22]), made(), 0.57
    for _ in range(30):
        tip = tip + move(pushes, (tip[0], tip[1]), (0.375, 0.15), (0.275, 0.23))
        assert abs(tip[0] - 0.475) > 0.052 or tip[1] < 0.195, tip
        furthest = min(furthest, float(tip[0]))
    assert furthest < 0.34


def test_toy_that_does_not_give_way_is_soon_left_for_the_other() -> None:
    pushes = made(patience=4.0)
    heads = []
    for _ in range(6):
        heads.append(heads_for(move(pushes, TIP, WAITING, OTHER), TIP, (0.475, -0.05)))
        pushes.hinder(np.ones(1, dtype=np.bool_))
    assert heads[:4] == [True] * 4 and not heads[4]


WIDE = Pocket(centre=(0.375, 0.245), yaw=pi / 2, width=0.26, depth=0.08)


def test_toys_that_are_in_a_fixture_are_not_in_the_way_of_one_that_belongs_beside_them() -> None:
    """Between two neighbours it goes straight, though it passes them nearer than toys that stand elsewhere."""
    toys = np.array([[[0.404, 0.0], [0.455, 0.241], [0.355, 0.256]]])
    place = np.array([[[0.404, 0.245], [0.462, 0.245], [0.346, 0.245]]])
    centre = np.broadcast_to(np.array(WIDE.centre), place.shape)
    into = np.broadcast_to(np.array([0.0, 1.0]), place.shape)
    pushes = IntoPockets(0.2, WITHIN, (WIDE,), tolerance=0.02, slack=0.012)
    pushes.reset(np.ones(1, dtype=np.bool_))
    tip = (0.404, -0.2)
    seats = Seats(place=place, centre=centre, into=into)
    moved = pushes.move(np.array([tip]), toys, seats, np.array([[0, 1, 2]]))[0]
    assert heads_for(moved, tip, (0.404, -0.05))


def test_tip_does_not_go_through_the_side_of_a_deep_fixture() -> None:
    """From before the mouth to behind a toy that stands beside the wall's end, as it did between two points of the wall."""
    pushes = IntoPockets(0.2, WITHIN, (WIDE,), tolerance=0.02, slack=0.012)
    posts = pushes._posts
    left = posts[posts[:, 0] < 0.3]
    ends = np.sort(left[:, 1])
    assert ends[0] == pytest.approx(0.205) and ends[-1] == pytest.approx(0.291)
    assert np.diff(ends).max() < 2 * 0.9 * STICK.clearance


@pytest.mark.parametrize("half_side, goes_back", [(0.0, False), (0.02, True)])
def test_toy_beside_a_wall_goes_back_before_it_goes_aside(
    half_side: float, goes_back: bool
) -> None:
    beside = np.array([[[0.538, 0.203]]])
    place = np.array([[[0.404, 0.245]]])
    seats = Seats(place=place, centre=np.array([[WIDE.centre]]), into=np.array([[[0.0, 1.0]]]))
    pushes = IntoPockets(0.2, WITHIN, (WIDE,), tolerance=0.02, slack=0.012, half_side=half_side)
    pushes.reset(np.ones(1, dtype=np.bool_))
    pushes.move(np.array([[0.3, 0.0]]), beside, seats, np.array([[0]]))
    way = beside[0, 0] - pushes._push.behind[0]
    assert bool(way[1] < -0.9 * np.linalg.norm(way)) is goes_back
