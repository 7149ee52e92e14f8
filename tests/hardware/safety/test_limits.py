"""Bounds as numbers: what is brought within them is within them, near what was wished, and no further than needed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibc_gym import geometry
from ibc_gym.errors import ConfigError
from ibc_gym.hardware.safety import SafetyLimits
from ibc_gym.hardware.safety.limits import (
    angle_between,
    brought_within,
    share_of_way,
    shortened,
    tilt_of,
    upright,
    within,
)
from ibc_gym.kinematics import DOWN
from ibc_gym.records import Float64

PYRAMID = SafetyLimits(
    workspace=((1, 0, 1, 1), (-1, 0, 1, 1), (0, 1, 1, 1), (0, -1, 1, 1)), height=(0.0, 0.8)
)
INSIDE = np.array([0.0, 0.0, 0.2])
numbers = st.floats(-5, 5)
points = st.tuples(numbers, numbers, numbers).map(np.array)
quaternions = (
    st.tuples(*[st.floats(-1, 1)] * 4).map(np.array).filter(lambda q: np.linalg.norm(q) > 0.1)
)


@pytest.mark.parametrize(
    "wrong",
    [
        {"speed": 0.0},
        {"speed": -1.0},
        {"step": float("nan")},
        {"tilt": -0.1},
        {"tilt": 4.0},
        {"height": (0.2, 0.1)},
        {"workspace": ((0.0, 0.0, 0.0, 1.0),)},
        {"workspace": ((1.0, 0.0, 1.0),)},
        {"patience": 0.0},
        {"acceleration": float("inf")},
    ],
)
def test_limits_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        SafetyLimits(**wrong)


@given(points)
def test_point_brought_within_is_inside_and_stays_if_it_was(point: Float64) -> None:
    normals, offsets = PYRAMID.faces()
    brought = brought_within(point, INSIDE, normals, offsets)
    assert within(brought, normals, offsets, slack=1e-8)
    if within(point, normals, offsets, slack=0.0):
        assert brought is point


@given(st.tuples(st.floats(-0.9, 0.9), st.floats(-0.9, 0.9)), st.floats(0.0, 3.0))
def test_point_beyond_one_face_slides_along_it(level: tuple[float, float], above: float) -> None:
    normals, offsets = SafetyLimits(height=(0.0, 0.5)).faces()
    brought = brought_within(np.array([*level, 0.5 + above]), INSIDE, normals, offsets)
    assert np.allclose(brought, [*level, 0.5], atol=1e-9)


@given(points)
def test_way_from_inside_is_cut_at_the_first_face(end: Float64) -> None:
    normals, offsets = PYRAMID.faces()
    share = share_of_way(INSIDE, end, normals, offsets)
    assert within(INSIDE + share * (end - INSIDE), normals, offsets, slack=1e-9)
    assert share == 1.0 or not within(INSIDE + (share + 1e-6) * (end - INSIDE), normals, offsets)


@given(points, st.floats(0.01, 10))
def test_shortened_keeps_direction(vector: Float64, longest: float) -> None:
    short = shortened(vector, longest)
    assert np.linalg.norm(short) <= longest * (1 + 1e-12)
    assert np.allclose(np.cross(short, vector), 0, atol=1e-9)


def test_tilt_is_the_angle_from_straight_down() -> None:
    assert tilt_of(DOWN) == pytest.approx(0.0, abs=1e-7)
    assert tilt_of(np.array([1.0, 0.0, 0.0, 0.0])) == pytest.approx(np.pi)
    quarter = np.array([0.5**0.5, 0.5**0.5, 0.0, 0.0])
    assert tilt_of(quarter) == pytest.approx(np.pi / 2)


@given(quaternions, st.floats(0, 3))
def test_upright_is_the_nearest_orientation_that_is_tilted_so_little(
    q: Float64, tilt: float
) -> None:
    brought = upright(q, tilt)
    assert tilt_of(brought) <= tilt + 1e-6
    surplus = max(tilt_of(q) - tilt, 0.0)
    assert angle_between(q, brought) == pytest.approx(surplus, abs=1e-6)
    if surplus == 0:
        assert brought is q


@given(quaternions, quaternions)
def test_angle_between_is_that_of_the_turn(one: Float64, other: Float64) -> None:
    turn = geometry.rotation(one).inv() * geometry.rotation(other)
    assert angle_between(one, other) == pytest.approx(turn.magnitude(), abs=1e-6)
