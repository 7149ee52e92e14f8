"""Toys into fixtures: which one is moved now, to where, and how the tip gets out again."""

from __future__ import annotations

from math import inf, pi

import numpy as np
import pytest

from ibc_gym.envs.oracles.into_pockets import IntoPockets, Seats
from ibc_gym.envs.tasks.pocket import Pocket
from ibc_gym.records import Float64

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
