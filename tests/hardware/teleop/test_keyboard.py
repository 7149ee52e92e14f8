from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
from hands import Clock

from ibc_gym.hardware.teleop import device, keyboard
from ibc_gym.hardware.teleop.keyboard import MOVES, REPEAT, Keyboard


class TypedKeys:
    """What `Keys` gives, from a list."""

    def __init__(self) -> None:
        self.typed: list[str] = []
        self.closed = False

    def take(self) -> list[str]:
        typed, self.typed = self.typed, []
        return typed

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys() -> TypedKeys:
    return TypedKeys()


@pytest.fixture
def board(keys: TypedKeys, clock: Clock) -> Keyboard:
    return Keyboard(cast(Any, keys), clock=clock)


def test_key_is_held_while_it_repeats_and_let_go_after(
    board: Keyboard, keys: TypedKeys, clock: Clock
) -> None:
    for _ in range(5):
        keys.typed = ["w"]
        assert board.read().held
        clock.now += 0.04
    assert board.read().move.tolist() == [0.0, 1.0]
    clock.now += REPEAT
    assert not board.read().held
    assert not board.read().move.any()


def test_tap_between_two_readings_counts_once_however_late_it_is_read(
    board: Keyboard, keys: TypedKeys, clock: Clock
) -> None:
    keys.typed = ["d"]
    clock.now += 10.0
    assert board.read().held
    clock.now += 2 * REPEAT
    assert not board.read().held


def test_space_stands_still_at_once(board: Keyboard, keys: TypedKeys) -> None:
    keys.typed = ["w", "space"]
    assert not board.read().held
    keys.typed = ["space", "w"]
    assert board.read().held


def test_every_way_has_a_key_for_either_hand_and_all_are_as_fast() -> None:
    ways = [tuple(np.round(way, 9).tolist()) for way in MOVES.values()]
    assert all(ways.count(way) == 2 for way in ways) and len(set(ways)) == 8
    assert all(abs(np.hypot(*way) - 1) < 1e-12 for way in MOVES.values())


def test_arrows_and_letters_ask_as_users_of_lerobot_know(board: Keyboard, keys: TypedKeys) -> None:
    keys.typed = ["right", "left", "escape", "y", "n", "backspace", "t", "b"]
    assert board.read().asked == (
        device.NEXT,
        device.REDO,
        device.STOP,
        device.SUCCESS,
        device.FAILURE,
        device.DISCARD,
        device.TAKE,
    )
    assert board.read().asked == ()


def test_no_key_both_moves_and_asks() -> None:
    assert not MOVES.keys() & keyboard.ASKS.keys()
    assert keyboard.LET_GO not in (*MOVES, *keyboard.ASKS)
    assert set(keyboard.ASKS.values()) == set(device.ASKS)


def test_closing_gives_the_terminal_back(board: Keyboard, keys: TypedKeys) -> None:
    board.close()
    board.close()
    assert keys.closed
