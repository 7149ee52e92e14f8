"""The lens is recovered within half a percent, and one that is no pinhole is told from one that is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rendered_board import Table
from synthetic_board import before_camera, noisy, seen
from trials import trials

from ibc_gym.envs.tasks.real_stage import board_camera
from ibc_gym.errors import ConfigError, SpecMismatch
from ibc_gym.hardware.calibration.board import Board, Detection
from ibc_gym.hardware.calibration.files import BOUNDS
from ibc_gym.hardware.calibration.intrinsics import compare, solve_intrinsics
from ibc_gym.hardware.calibration.views import View
from ibc_gym.records import CameraSpec

HALF_PERCENT = 0.005
BOARD = Board()
DEVICE = board_camera((360, 640))


def pictures(camera: CameraSpec, count: int = 25, seed: int = 0) -> list[Detection]:
    rng = np.random.default_rng(seed)
    return [seen(BOARD, camera, before_camera(BOARD, rng)) for _ in range(count)]


def bent(picture: Detection, by: float) -> Detection:
    """The same through a lens with radial distortion."""
    rays = (picture.pixels - (DEVICE.cx, DEVICE.cy)) / (DEVICE.fx, DEVICE.fy)
    rays *= 1 + by * (rays**2).sum(axis=1, keepdims=True)
    return replace(picture, pixels=rays * (DEVICE.fx, DEVICE.fy) + (DEVICE.cx, DEVICE.cy))


class TestRenderedBoard:
    def test_lens_is_found_within_half_a_percent(self, table: Table, views: list[View]) -> None:
        start = board_camera((360, 640))
        found = solve_intrinsics([view.seen for view in views], start)
        apart = compare(found, table.camera)
        assert apart.focal < HALF_PERCENT
        assert apart.centre < 1.0
        assert compare(found, start).centre > 7.0, "the search began elsewhere"

    @pytest.mark.parametrize("seed", range(3))
    def test_noise_on_detections_is_borne(self, table: Table, views: list[View], seed: int) -> None:
        worse = noisy(views, np.random.default_rng(seed), pixels=0.2)
        found = solve_intrinsics([view.seen for view in worse], table.said)
        assert compare(found, table.camera).focal < HALF_PERCENT
        assert found.bend < BOUNDS["intrinsics"]["bend_px"]

    def test_corners_are_seen_where_the_pinhole_puts_them(
        self, table: Table, views: list[View]
    ) -> None:
        found = solve_intrinsics([view.seen for view in views], table.said)
        assert found.reprojection < 0.2


class TestAnyLens:
    @settings(max_examples=trials(10))
    @given(
        st.floats(400, 700),
        st.floats(0.98, 1.02),
        st.floats(-20, 20),
        st.floats(-20, 20),
        st.integers(0, 1000),
    )
    def test_exact_pictures_give_the_exact_lens(
        self, focal: float, ratio: float, right: float, down: float, seed: int
    ) -> None:
        camera = replace(DEVICE, fx=focal, fy=ratio * focal, cx=320 + right, cy=180 + down)
        found = solve_intrinsics(pictures(camera, seed=seed), DEVICE)
        apart = compare(found, camera)
        assert apart.focal < 1e-4 and apart.centre < 0.05
        assert found.bend < 0.05


class TestJudgement:
    def test_blurred_picture_is_dropped(self) -> None:
        taken = pictures(DEVICE)
        rng = np.random.default_rng(0)
        taken = [replace(p, pixels=p.pixels + rng.normal(0, 0.1, p.pixels.shape)) for p in taken]
        taken[2] = replace(taken[2], pixels=taken[2].pixels + rng.normal(0, 3.0, (48, 2)))
        found = solve_intrinsics(taken, DEVICE)
        assert (found.views, found.dropped, found.held_out) == (19, 1, 5)
        assert compare(found, DEVICE).focal < HALF_PERCENT

    def test_lens_that_bends_is_told_from_a_pinhole(self) -> None:
        straight = solve_intrinsics(pictures(DEVICE), DEVICE)
        found = solve_intrinsics([bent(picture, 0.12) for picture in pictures(DEVICE)], DEVICE)
        assert straight.bend < 0.05
        assert found.bend > BOUNDS["intrinsics"]["bend_px"]

    def test_device_of_the_same_lens_does_not_differ(self) -> None:
        found = solve_intrinsics(pictures(DEVICE), DEVICE)
        camera = found.camera(DEVICE)
        apart = compare(found, camera)
        assert apart.focal == 0 and apart.worst < 1e-9


class TestRefusal:
    def test_too_few_pictures(self) -> None:
        with pytest.raises(ConfigError, match="3 of 3 pictures"):
            solve_intrinsics(pictures(DEVICE, 3), DEVICE)

    def test_device_of_another_size(self) -> None:
        found = solve_intrinsics(pictures(DEVICE), DEVICE)
        with pytest.raises(SpecMismatch, match=r"640 x 360 px do not fit .* 1280 x 720"):
            compare(found, replace(DEVICE, width=1280, height=720))
