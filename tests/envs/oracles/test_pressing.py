"""How deep a commanded tip is in a cube, however that is turned."""

from __future__ import annotations

from math import cos, pi, sin

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibc_gym.envs.oracles.pressing import pressed

pytestmark = pytest.mark.slow

SIDE, RADIUS = 0.04, 0.0127
CUBES = np.array([[[0.3, 0.1], [0.5, -0.1]]])


def depth_at(tip: tuple[float, float], yaw: float = 0.0) -> tuple[float, list[float]]:
    deep, away = pressed(np.array([tip]), CUBES, np.full((1, 2), yaw), side=SIDE, radius=RADIUS)
    return float(deep[0]), away[0].tolist()


@given(st.floats(-pi, pi), st.sampled_from(range(4)), st.floats(-0.019, 0.019), st.floats(0, 0.1))
def test_tip_before_a_face_is_as_deep_as_its_edge_is_beyond_it(
    yaw: float, face: int, along: float, off: float
) -> None:
    turn = yaw + face * pi / 2
    ahead, beside = SIDE / 2 + off, along
    tip = (
        0.3 + cos(turn) * ahead - sin(turn) * beside,
        0.1 + sin(turn) * ahead + cos(turn) * beside,
    )
    other = np.hypot(tip[0] - 0.5, tip[1] + 0.1)
    if other > 0.15:
        assert depth_at(tip, yaw)[0] == pytest.approx(RADIUS - off, abs=1e-9)


def test_tip_before_a_corner_is_as_deep_as_its_edge_is_beyond_it() -> None:
    corner = SIDE / 2 + 0.01 * 2**-0.5
    assert depth_at((0.3 + corner, 0.1 + corner))[0] == pytest.approx(RADIUS - 0.01)


@given(st.floats(-0.02, 0.02), st.floats(-0.02, 0.02))
def test_tip_within_a_cube_is_deeper_than_at_its_face(x: float, y: float) -> None:
    within = SIDE / 2 - max(abs(x), abs(y))
    assert depth_at((0.3 + x, 0.1 + y))[0] == pytest.approx(RADIUS + within, abs=1e-9)


def test_way_back_leads_away_from_the_cube_that_the_tip_is_deepest_in() -> None:
    deep, away = depth_at((0.5, -0.1 - 0.03))
    assert deep == pytest.approx(RADIUS - 0.01)
    assert away == pytest.approx([0.0, -1.0])


def test_tip_beside_all_cubes_is_not_deep() -> None:
    assert depth_at((0.4, 0.0))[0] < 0
