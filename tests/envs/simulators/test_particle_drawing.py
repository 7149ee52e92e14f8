from __future__ import annotations

import numpy as np
import pytest

from ibc_gym.envs.simulators.particle_drawing import (
    BLACK,
    BLUE,
    GREEN,
    RED,
    SIDE,
    camera_spec,
    draw,
)
from ibc_gym.geometry import rotation


def has(image: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool((image == colour).all(axis=-1).any())


def episode(dimensions: int, steps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    path = np.linspace(0.3, 0.6, steps + 1)[:, None] * np.ones(dimensions)
    goals = np.stack([np.full(dimensions, 0.1), np.full(dimensions, 0.9)])
    return path, np.full((steps, dimensions), 0.75), goals


@pytest.mark.parametrize("dimensions", [1, 2, 3, 8, 32])
def test_path_set_points_and_goals_are_all_seen(dimensions: int) -> None:
    path, set_points, goals = episode(dimensions, 20)
    image = draw(path, set_points, goals, horizon=50, tolerance=0.05)
    assert image.shape == (SIDE, SIDE, 3)
    assert image.dtype == np.uint8
    for colour in (BLACK, RED, GREEN, BLUE):
        assert has(image, colour)


def test_picture_at_the_reset_shows_no_set_point() -> None:
    path, set_points, goals = episode(2, 0)
    assert not has(draw(path, set_points, goals, horizon=50, tolerance=0.05), RED)


def test_episode_longer_than_the_horizon_is_still_drawn() -> None:
    path, set_points, goals = episode(3, 60)
    assert has(draw(path, set_points, goals, horizon=50, tolerance=0.05), RED)


@pytest.mark.parametrize("place", [(0.0, 0.0), (1.0, 0.0), (0.2, 0.9), (0.5, 0.5)])
def test_pinhole_of_the_spec_sees_a_place_where_it_is_drawn(place: tuple[float, float]) -> None:
    spec = camera_spec()
    seen = rotation(np.array(spec.quaternion)).inv().apply([*place, 0.0] - np.array(spec.position))
    column = spec.fx * seen[0] / seen[2] + spec.cx
    row = spec.fy * seen[1] / seen[2] + spec.cy
    elsewhere = np.array([[0.7, 0.3], place])
    image = draw(np.array([[0.3, 0.3]]), np.zeros((0, 2)), elsewhere, horizon=50, tolerance=0.05)
    rows, columns = np.nonzero((image == BLUE).all(axis=-1))
    assert (rows.mean(), columns.mean()) == pytest.approx((row, column), abs=0.6)
