"""The toys: as large as those of the shape sorter, about their centres of mass."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ibc_gym import geometry
from ibc_gym.envs.scene_spec import Body, Colour
from ibc_gym.envs.solids import mass_properties
from ibc_gym.envs.tasks.toys import CUBE_SIDE, HEIGHT, MASS, RED, WIDEST, cube, moon, star
from ibc_gym.records import Float64

Maker = Callable[[str, Colour], Body]
MAKERS = pytest.mark.parametrize("make", [cube, moon, star])


def corners(body: Body) -> Float64:
    """Of all its boxes, (N, 3) [m]."""
    signs = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) / 2
    boxes = [
        geometry.rotation(np.array(shape.quaternion)).apply(signs * shape.size) + shape.position
        for shape in body.shapes
    ]
    return np.concatenate(boxes)


@MAKERS
def test_frame_is_at_the_centre_of_mass(make: Maker) -> None:
    body = make("toy", RED)
    assert body.mass == MASS
    np.testing.assert_allclose(mass_properties(body).centre, 0.0, atol=1e-12)


@MAKERS
def test_toy_stands_upright_and_is_within_its_stated_width(make: Maker) -> None:
    points = corners(make("toy", RED))
    assert {round(z, 9) for z in points[:, 2]} == {HEIGHT / 2, -HEIGHT / 2}
    assert np.linalg.norm(points[:, :2], axis=1).max() < WIDEST


@pytest.mark.parametrize(
    "make, extent",
    [(cube, (CUBE_SIDE, CUBE_SIDE)), (moon, (0.0257, 0.0525)), (star, (0.042, 0.0437))],
)
def test_extent_is_that_of_the_shape_sorter(make: Maker, extent: tuple[float, float]) -> None:
    points = corners(make("toy", RED))
    np.testing.assert_allclose(np.ptp(points[:, :2], axis=0), extent, atol=0.002)


def test_star_looks_the_same_after_a_fifth_of_a_turn() -> None:
    points = corners(star("toy", RED))
    turned = geometry.rotation(geometry.quaternion_of_yaw(2 * np.pi / 5)).apply(points)
    gaps = np.linalg.norm(points[:, None] - turned, axis=2).min(axis=1)
    assert gaps.max() < 1e-9


def test_moon_is_hollow_on_one_side() -> None:
    points = corners(moon("toy", RED))
    tips = points[np.abs(points[:, 1]) > 0.02]
    middle = points[np.abs(points[:, 1]) < 0.009]
    assert middle[:, 0].min() > tips[:, 0].min() + 0.008
