"""The script of one insertion: what is done next with a block that stands somewhere before the slot."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibc_gym.envs.oracles.face_push import Seen
from ibc_gym.envs.oracles.insertion import EDGE, LAST_LOOK, PARK, Insertion, InsertStyle
from ibc_gym.envs.tasks.insert import MOUTH, fixture_size
from ibc_gym.records import Float64

pytestmark = pytest.mark.slow

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


def pushed_in(block: tuple[float, float], **style: int) -> tuple[Insertion, Float64, Float64]:
    """A script that has just begun to push a straight block in, where its tip is commanded to be, and the move."""
    running = Insertion(0.001, 0.2, InsertStyle(**style))
    tip, place = np.array([block[0] - REACH - 0.002, block[1]]), np.array(block)
    for _ in range(20):
        move = running.move(Seen(tip=tip, block=place, yaw=0.0))
        if tip[0] + move[0] > place[0] - REACH + 1e-6:
            return running, tip, move
        tip = tip + move
    pytest.fail("it was never pushed")


def test_push_pauses_before_the_edge_of_the_slot() -> None:
    _, tip, move = pushed_in((PARK, 0.0))
    assert tip[0] + move[0] + REACH == pytest.approx(PARK + EDGE - LAST_LOOK)


def test_block_that_is_not_quite_in_the_middle_passes_the_edge_with_care() -> None:
    style = InsertStyle()
    for aside, most in ((0.0, style.slow_speed * 0.2), (0.0003, style.careful)):
        running, tip, move = pushed_in((PARK, 0.0))
        block = np.array([PARK + EDGE - LAST_LOOK, aside])
        ahead = tip[0] + move[0] + REACH - block[0]
        move = running.move(Seen(tip=tip + move, block=block, yaw=0.0))
        assert ahead + move[0] == pytest.approx(most, abs=1e-6)


@given(aside=st.floats(-0.02, 0.02), depth=st.floats(0.0, 0.0001), yaw=st.floats(-0.005, 0.005))
def test_no_block_is_ever_pushed_against_the_fixture(
    aside: float, depth: float, yaw: float
) -> None:
    """However often it was tapped: one that leans on the fixture, an arm that follows positions would press into it."""
    running = Insertion(0.001, 0.2, InsertStyle(taps=0))
    lean = np.array([PARK + EDGE - 0.02 * abs(yaw) + depth, aside])
    tip = lean - np.array([REACH + 0.004, 0.0])
    misses = abs(aside + 0.02 * yaw) > 0.00041
    for _ in range(12):
        tip = tip + running.move(Seen(tip=tip, block=lean, yaw=yaw))
        ahead, aside_of_it = (tip - lean).tolist()
        behind = ahead < 0 and abs(aside_of_it) < 0.015
        assert not (misses and behind and ahead > -REACH + 1e-4)


def test_block_that_does_not_move_is_let_go_at_the_next_look() -> None:
    running, tip, move = pushed_in((-0.025, 0.0))
    assert tip[0] + move[0] > -0.025 - REACH + 0.003
    away = running.move(Seen(tip=tip + move, block=np.array([-0.025, 0.0]), yaw=0.0))
    assert away[0] == pytest.approx(-InsertStyle().retreat)


def test_block_that_moves_on_is_not_let_go() -> None:
    running, tip, move = pushed_in((-0.025, 0.0))
    moved = np.array([tip[0] + move[0] + REACH, 0.0])
    assert running.move(Seen(tip=tip + move, block=moved, yaw=0.0))[0] > 0.003


def test_block_that_cannot_be_turned_is_pushed_across_instead() -> None:
    """One corner leans on the fixture, so that pushed by its rear it slides along."""
    yaw, running = 0.02, script()
    tip, block = np.array([PARK - REACH, 0.004]), np.array([PARK + 0.0035, 0.004])
    slid = 0
    for _ in range(60):
        move = running.move(Seen(tip=tip, block=block, yaw=yaw))
        tip = tip + move
        if slid and move @ np.array([np.sin(yaw), -np.cos(yaw)]) > 0.01:
            break
        inside = 0.0327 - (block[1] - tip[1]) if abs(tip[0] - block[0]) < 0.015 else 0.0
        if inside > 0 and tip[1] < block[1]:
            block, slid = block + np.array([0.0, inside]), slid + 1
    else:
        pytest.fail("it pushed on")
    assert 2 <= slid <= 3


@pytest.mark.parametrize("size", [0.8, 0.95, 1.0, 1.2])
def test_block_of_unknown_size_is_measured_on_its_way(size: float) -> None:
    """It is parked before the mouth of a slot that fits it, wherever that is."""
    running = Insertion(0.001, 0.2, InsertStyle(), largest=1.2)
    half = 0.02 * size
    reach = REACH - 0.02 + half
    mouth = MOUTH * fixture_size(size, 0.001)
    tip, block = np.array(AWAY), np.array([-0.2, 0.0])
    for _ in range(40):
        move = running.move(Seen(tip=tip, block=block, yaw=0.0))
        if block[0] > -0.15 and move[0] < -0.01:  # backs off
            break
        tip = tip + move
        if abs(tip[1]) < half and tip[0] < block[0]:
            block = np.array([max(block[0], tip[0] + reach), 0.0])
    assert mouth - half - block[0] == pytest.approx(EDGE, abs=6e-4)
