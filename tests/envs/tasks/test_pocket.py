"""The fixture: what counts as in it, seen along its axis."""

from __future__ import annotations

from math import cos, pi, sin
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibc_gym.envs.randomisation import Randomisation
from ibc_gym.envs.tasks.pocket import WALL, Pocket
from ibc_gym.envs.tasks.toys import CUBE_SIDE, WIDEST
from ibc_gym.records import Pose
from ibc_gym.registry import make_task

CENTRE, WIDTH, DEPTH, TOLERANCE = (0.4, 0.2), 0.08, 0.07, 0.01
YAWS = st.floats(-pi, pi)


def pocket(yaw: float) -> Pocket:
    return Pocket(centre=CENTRE, yaw=yaw, width=WIDTH, depth=DEPTH)


def at(ahead: float, aside: float, yaw: float) -> Pose:
    """A thing this far beyond the middle of the pocket, and to the left of it [m]."""
    c, s = cos(yaw), sin(yaw)
    offset = np.array([c * ahead - s * aside, s * ahead + c * aside, 0.02])
    return Pose(position=np.array([*CENTRE, 0.0]) + offset)


@given(YAWS, st.floats(-0.3, 0.3), st.floats(-0.3, 0.3))
def test_thing_is_seen_along_the_axis_and_to_its_left(
    yaw: float, ahead: float, aside: float
) -> None:
    assert pocket(yaw).along(at(ahead, aside, yaw)) == pytest.approx((ahead, aside), abs=1e-12)


@given(yaw=YAWS)
@pytest.mark.parametrize(
    "ahead, aside, held",
    [
        (0.0, 0.0, True),
        (0.034, 0.0, True),
        (0.036, 0.0, False),  # in the end wall
        (-0.009, 0.0, True),
        (-0.011, 0.0, False),  # not far enough in
        (0.0, 0.039, True),
        (0.0, -0.041, False),  # in a side wall
        (0.2, 0.0, False),
    ],
)
def test_thing_is_held_between_the_walls_and_far_enough_in(
    yaw: float, ahead: float, aside: float, held: bool
) -> None:
    assert pocket(yaw).holds(at(ahead, aside, yaw), TOLERANCE) is held


def test_walls_leave_the_pocket_free_and_its_mouth_open() -> None:
    body = pocket(0.0).body("fixture")
    assert body.motion == "fixed" and body.position == (*CENTRE, 0.0)
    edges = []
    for shape in body.shapes:
        (x, y, _), (length, width, _) = shape.position, shape.size
        edges.append((x - length / 2, x + length / 2, y - width / 2, y + width / 2))
    end, right, left = edges
    assert end == pytest.approx((DEPTH / 2, DEPTH / 2 + WALL, -WIDTH / 2, WIDTH / 2))
    assert right[3] == pytest.approx(-WIDTH / 2) and left[2] == pytest.approx(WIDTH / 2)
    assert right[0] == left[0] == pytest.approx(-DEPTH / 2)
    assert right[1] == left[1] == pytest.approx(DEPTH / 2 + WALL)


@pytest.mark.parametrize("name", ["push-red-green", "push-red-then-green", "sort"])
def test_toys_of_any_drawn_size_fit_in_turned_as_they_may_be_and_count(name: str) -> None:
    """Nothing of a pocket speaks of sizes, so it must have room for the largest."""
    task: Any = make_task(name)
    largest = WIDEST * (1 + Randomisation.most["size"])
    room = 4 * CUBE_SIDE * (1 + Randomisation.most["size"]) if name == "sort" else 2 * largest
    for each in task.pockets:
        assert room < each.width
        ahead = each.depth / 2 - largest  # it leans on the end wall
        place = np.array([*each.centre, 0.02])
        place[:2] += ahead * np.array([cos(each.yaw), sin(each.yaw)])
        assert each.holds(Pose(position=place), task.config.goal_tolerance)
