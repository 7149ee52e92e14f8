from __future__ import annotations

from dataclasses import replace
from math import pi

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from ibc_gym import geometry
from ibc_gym.errors import ConfigError
from ibc_gym.hardware.teleop.hand import Hand, HandConfig
from ibc_gym.records import CameraSpec

PERIOD = 0.2
moves = st.tuples(st.floats(-1, 1), st.floats(-1, 1)).map(np.array)


def looking(at: tuple[float, float], from_: tuple[float, float, float]) -> CameraSpec:
    """A camera over the table that looks at a place on it, its picture upright."""
    ahead = np.array([*at, 0.0]) - np.array(from_)
    ahead /= np.linalg.norm(ahead)
    level = np.cross(ahead, [0.0, 0.0, 1.0])
    right = (
        level / np.linalg.norm(level) if np.linalg.norm(level) > 1e-6 else np.array([0.0, -1, 0])
    )
    turn = Rotation.from_matrix(np.stack([right, np.cross(ahead, right), ahead], axis=1))
    w, x, y, z = geometry.quaternion(turn).tolist()
    return CameraSpec(
        name="front",
        width=320,
        height=180,
        fx=300,
        fy=300,
        cx=160,
        cy=90,
        position=from_,
        quaternion=(w, x, y, z),
    )


def in_picture(camera: CameraSpec, x: float, y: float) -> tuple[float, float]:
    """Where a point of the table is in the picture, right and down [px]."""
    base_R_camera = geometry.rotation(np.array(camera.quaternion)).as_matrix()
    a, b, c = base_R_camera.T @ (np.array([x, y, 0.0]) - np.array(camera.position))
    return float(camera.fx * a / c), float(camera.fy * b / c)


@given(moves, st.sampled_from(["base", "facing"]))
def test_hand_is_never_faster_than_its_speed(move: np.ndarray, frame: str) -> None:
    hand = Hand(HandConfig(speed=0.2, level=3, frame=frame), PERIOD)
    assert np.linalg.norm(hand.displacement(move)) <= 0.2 * PERIOD + 1e-12


@given(moves)
def test_hand_moves_nothing_in_the_dead_zone_and_begins_gently_beyond(move: np.ndarray) -> None:
    hand = Hand(HandConfig(dead_zone=0.3), PERIOD)
    inside = move / max(np.linalg.norm(move), 1e-9) * 0.3
    assert np.linalg.norm(hand.displacement(inside)) < 1e-9
    beyond = np.linalg.norm(hand.displacement(inside * 1.01))
    assert beyond < 0.01 * hand.speed * PERIOD


def test_all_the_way_is_the_speed_and_levels_are_shares_of_it() -> None:
    hand = Hand(HandConfig(speed=0.1, levels=(0.5, 1.0), level=0), PERIOD)
    assert np.linalg.norm(hand.displacement(np.array([0.0, 1.0]))) == pytest.approx(0.01)
    hand.faster(1)
    hand.faster(1)
    assert np.linalg.norm(hand.displacement(np.array([1.0, 1.0]))) == pytest.approx(0.02)
    hand.faster(-5)
    assert hand.speed == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("frame", "right", "away"), [("base", (0, -1), (1, 0)), ("facing", (0, 1), (-1, 0))]
)
def test_right_and_away_are_where_the_person_stands(
    frame: str, right: tuple[int, int], away: tuple[int, int]
) -> None:
    hand = Hand(HandConfig(speed=1.0, level=3, frame=frame), 1.0)
    assert hand.displacement(np.array([1.0, 0.0])).tolist() == pytest.approx(right)
    assert hand.displacement(np.array([0.0, 1.0])).tolist() == pytest.approx(away)


@given(st.floats(0, 2 * pi), st.floats(0.05, 1.5))
def test_as_the_camera_sees_right_is_right_and_away_is_up(around: float, aside: float) -> None:
    place = (0.4 + aside * np.cos(around), aside * np.sin(around), 0.6)
    camera = looking((0.4, 0.0), (float(place[0]), float(place[1]), 0.6))
    for move, axis, sign in ((np.array([1.0, 0.0]), 0, 1), (np.array([0.0, 1.0]), 1, -1)):
        hand = Hand(HandConfig(speed=1.0, level=3, frame="camera"), 0.01, camera)
        dx, dy = hand.displacement(move).tolist()
        before, after = in_picture(camera, 0.4, 0.0), in_picture(camera, 0.4 + dx, dy)
        moved = [b - a for a, b in zip(before, after, strict=True)]
        assert sign * moved[axis] > 10 * abs(moved[1 - axis])


def test_camera_straight_above_has_an_up_and_one_that_has_none_is_refused() -> None:
    above = looking((0.4, 0.0), (0.4, 0.0, 1.0))
    hand = Hand(HandConfig(speed=1.0, level=3, frame="camera"), 1.0, above)
    assert hand.displacement(np.array([1.0, 0.0])).tolist() == pytest.approx([0, -1], abs=1e-6)
    # Ahead is (1, 0, -1) and up in the picture (-1, 0, -1), both over 2**0.5: over the table they cancel out.
    rolled = Rotation.from_matrix(
        np.stack(
            [[0.0, 1.0, 0.0], np.array([1, 0, 1]) * 0.5**0.5, np.array([1, 0, -1]) * 0.5**0.5],
            axis=1,
        )
    )
    w, x, y, z = geometry.quaternion(rolled).tolist()
    with pytest.raises(ConfigError, match="no direction over the table"):
        Hand(HandConfig(frame="camera"), 1.0, replace(above, quaternion=(w, x, y, z)))
    with pytest.raises(ConfigError, match="needs a camera"):
        Hand(HandConfig(frame="camera"), 1.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"speed": 0.0},
        {"speed": float("nan")},
        {"levels": ()},
        {"levels": (0.5, 0.2)},
        {"levels": (0.5, 1.5)},
        {"level": 4},
        {"dead_zone": 1.0},
        {"frame": "robot"},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        HandConfig(**wrong)  # type: ignore[arg-type]
