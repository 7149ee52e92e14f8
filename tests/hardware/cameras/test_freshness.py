"""Pictures that an arm must not act on are told apart from those that it may."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ibc_gym.hardware.cameras.clock import WRAP
from ibc_gym.hardware.cameras.freshness import Arrival, Flaw, Inspector

RNG = np.random.default_rng(0)


def arrival(number: int, *, depth: int | None = None, stamp: float | None = None) -> Arrival:
    image = RNG.integers(0, 255, (24, 32, 3)).astype(np.uint8)
    at = number / 30 if stamp is None else stamp
    return Arrival(
        image=image,
        number=number,
        stamp=at,
        depth_number=depth,
        depth_stamp=None if depth is None else depth / 30,
    )


def inspector(*, depth: bool = False) -> Inspector:
    return Inspector(fps=30, depth=depth, min_contrast=1.0)


def test_pictures_that_go_on_are_good() -> None:
    eye = inspector()
    assert [eye.flaw(arrival(number)) for number in (3, 4, 7)] == [None, None, None]


def test_repeated_number_is_refused() -> None:
    eye = inspector()
    eye.flaw(arrival(3))
    assert eye.flaw(arrival(3)) is Flaw.REPEATED


def test_same_pixels_under_a_new_number_are_refused_each_time() -> None:
    eye, first = inspector(), arrival(3)
    eye.flaw(first)
    frozen = [replace(first, number=number) for number in (4, 5)]
    assert [eye.flaw(picture) for picture in frozen] == [Flaw.FROZEN, Flaw.FROZEN]
    assert eye.flaw(arrival(6)) is None


@pytest.mark.parametrize("level", [0, 255])
def test_blank_picture_is_refused_from_the_first_on(level: int) -> None:
    eye = inspector()
    for number in range(3):
        blank = replace(arrival(number), image=np.full((24, 32, 3), level, np.uint8))
        assert eye.flaw(blank) is Flaw.BLANK


class TestPairs:
    def test_colour_with_its_own_depth_is_good(self) -> None:
        eye = inspector(depth=True)
        assert [eye.flaw(arrival(number, depth=number)) for number in (3, 4)] == [None, None]

    def test_colour_without_depth_is_refused(self) -> None:
        assert inspector(depth=True).flaw(arrival(3)) is Flaw.HALF

    def test_new_depth_with_the_colour_of_before_is_refused(self) -> None:
        eye = inspector(depth=True)
        eye.flaw(arrival(3, depth=3))
        assert eye.flaw(arrival(3, depth=4)) is Flaw.HALF

    def test_new_colour_with_the_depth_of_before_is_refused(self) -> None:
        eye = inspector(depth=True)
        eye.flaw(arrival(3, depth=3))
        assert eye.flaw(arrival(4, depth=3)) is Flaw.HALF

    def test_two_that_were_taken_apart_are_refused(self) -> None:
        assert inspector(depth=True).flaw(arrival(4, depth=3)) is Flaw.HALF

    def test_pair_across_the_wrap_of_the_counter_is_a_pair(self) -> None:
        eye = inspector(depth=True)
        pair = replace(arrival(4, depth=4, stamp=0.001), depth_stamp=WRAP - 0.001)
        assert eye.flaw(pair) is None
