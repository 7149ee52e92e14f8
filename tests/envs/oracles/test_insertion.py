"""The script of one insertion: what is done next with a block that stands somewhere before the slot."""

from __future__ import annotations

import numpy as np
import pytest

from ibc_gym.envs.oracles.face_push import Seen
from ibc_gym.envs.oracles.insertion import PARK, Insertion, InsertStyle
from ibc_gym.records import Float64

AWAY = (-0.4, -0.2)
REACH = 0.0327


def script() -> Insertion:
    return Insertion(0.001, 0.2, InsertStyle())


def end_of_the_way(block: tuple[float, float], yaw: float = 0.0) -> Float64:
    """Where the tip of a new script comes to touch a block that does not move, seen from the block."""
    running, tip = script(), np.array(AWAY)
    place = np.array(block)
    for _ in range(60):
        move = running.move(Seen(tip=tip, block=place, yaw=yaw))
        assert np.linalg.norm(move) <= 0.05 + 1e-9
        before, tip = tip, tip + move
        if np.linalg.norm(tip - place) < REACH:
            break
        assert np.linalg.norm(tip - place) > REACH - 0.001
    found: Float64 = before - place
    return found


@pytest.mark.parametrize("side", [-1, 1])
def test_block_beside_the_axis_is_first_pushed_across_to_it(side: int) -> None:
    np.testing.assert_allclose(
        end_of_the_way((-0.2, side * 0.06)), [0.0, side * (REACH + 0.004)], atol=2e-4
    )


def test_block_on_the_axis_is_pushed_along_it() -> None:
    np.testing.assert_allclose(end_of_the_way((-0.2, 0.0)), [-REACH - 0.004, 0.0], atol=2e-4)


@pytest.mark.parametrize("yaw", [-0.1, 0.1])
def test_parked_crooked_block_is_turned_by_its_rear(yaw: float) -> None:
    """Whichever way it is turned: near its front the tool would hit the fixture."""
    running, tip = script(), np.array([PARK - REACH, 0.0])
    block = np.array([PARK, 0.0])
    for _ in range(20):
        tip = tip + running.move(Seen(tip=tip, block=block, yaw=yaw))
        if abs(tip[1]) > REACH:
            break
    else:
        pytest.fail("it was never gone around")
    for _ in range(3):
        tip = tip + running.move(Seen(tip=tip, block=block, yaw=yaw))
    assert tip[0] < PARK and np.sign(tip[1]) == -np.sign(yaw)


def test_straight_parked_block_is_pushed_in() -> None:
    running, tip = script(), np.array([PARK - REACH - 0.002, 0.0])
    block, moves = np.array([PARK, 0.0]), []
    for _ in range(12):
        moves.append(running.move(Seen(tip=tip, block=block, yaw=0.0)))
        tip = tip + moves[-1]
        block = np.array([max(block[0], tip[0] + REACH), 0.0])
    assert block[0] > PARK + 0.01 and abs(tip[1]) < 1e-9


def test_block_that_would_hit_the_edge_is_tapped_again() -> None:
    """It was in the middle when parked, and came off it on the last millimetres."""
    running, tip = script(), np.array([PARK - REACH - 0.002, 0.0])
    block = np.array([PARK, 0.0])
    while block[0] < PARK + 0.003:
        tip = tip + running.move(Seen(tip=tip, block=block, yaw=0.0))
        block = np.array([max(block[0], tip[0] + REACH), 0.0])
    off = np.array([PARK + 0.004, 0.0006])
    away = running.move(Seen(tip=tip, block=off, yaw=0.0))
    np.testing.assert_allclose(away, [-InsertStyle().retreat, 0.0], atol=1e-9)
