"""What the emulated sensors make of a perfect picture."""

from __future__ import annotations

import numpy as np
import pytest

from ibc_gym.errors import UnknownName
from ibc_gym.hardware.rig.cameras.models import D415, MODELS, CameraModel
from ibc_gym.hardware.rig.cameras.optics import Optics, OpticsConfig

SIZE = (640, 360)


def optics(model: CameraModel = D415, **changes: float) -> Optics:
    return Optics(
        model,
        model.colour_lens(*SIZE),
        model.depth_lens(*SIZE),
        OpticsConfig(**changes),
        np.random.default_rng(0),
    )


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("distance", [0.4, 0.8, 2.0])
def test_depth_error_grows_with_the_square_of_the_distance(
    model: CameraModel, distance: float
) -> None:
    counts = optics(model, depth_units=1e-4).depth(np.full((360, 640), distance, np.float32))
    measured = counts[counts > 0] * 1e-4
    expected = distance**2 * 0.08 / (model.depth_lens(*SIZE).fx * model.stereo_base)
    assert measured.mean() == pytest.approx(distance, rel=1e-3)
    assert measured.std() == pytest.approx(expected, rel=0.1)


def test_nothing_is_measured_where_the_right_imager_does_not_look() -> None:
    counts = optics().depth(np.full((360, 640), 0.5, np.float32))
    band = round(D415.depth_lens(*SIZE).fx * D415.stereo_base / 0.5)
    seen = (counts > 0).mean(axis=0)
    assert (seen[: band - 1] == 0).all() and (seen[band + 1 : 600] > 0.9).all()


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_nothing_is_measured_that_is_too_near_or_not_there(model: CameraModel) -> None:
    near = model.nearest(640) - 0.02
    for distance in (near, 0.0, 70.0):
        assert (
            not optics(model, disparity_noise=0.0)
            .depth(np.full((360, 640), distance, np.float32))
            .any()
        )


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_point_is_where_the_left_imager_sees_it(model: CameraModel) -> None:
    colour, lens = model.colour_lens(*SIZE), model.depth_lens(*SIZE)
    depth = np.full((360, 640), 1.0, np.float32)
    depth[:, 300:340] = 0.5  # a post
    counts = optics(model, disparity_noise=0.0).depth(depth)
    seen = np.flatnonzero(np.abs(counts[lens.height // 2] - 500.0) < 2)
    x = (np.array([300, 339]) - colour.cx) / colour.fx * 0.5  # as the colour imager sees it
    expected = (x - model.depth_offset) / 0.5 * lens.fx + lens.cx
    assert seen[[0, -1]] == pytest.approx(expected, abs=1.5)


def test_colour_noise_is_as_told_and_never_the_same_twice() -> None:
    grey = np.full((360, 640, 3), 120, np.uint8)
    eye = optics(colour_noise=2.0)
    first, second = eye.colour(grey), eye.colour(grey)
    assert first.astype(float).std() == pytest.approx(2.0, rel=0.05)
    assert (first != second).mean() > 0.5
    assert (optics(colour_noise=0.0).colour(grey) == grey).all()


def test_noise_stays_within_the_range_of_a_byte() -> None:
    eye = optics(colour_noise=20.0)
    assert eye.colour(np.full((360, 640, 3), 250, np.uint8)).min() > 100
    assert eye.colour(np.full((360, 640, 3), 5, np.uint8)).max() < 150


def test_same_seed_sees_the_same() -> None:
    flat = np.full((360, 640), 0.7, np.float32)
    np.testing.assert_array_equal(optics().depth(flat), optics().depth(flat))


def test_size_that_the_camera_does_not_have_names_those_that_it_has() -> None:
    with pytest.raises(UnknownName, match="640x480"):
        D415.colour_lens(641, 480)
