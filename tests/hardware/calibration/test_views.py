"""The board's pose from one picture, and the pinhole of OpenCV and ours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic_board import apart, before_camera, seen, transform

from ibc_gym import geometry
from ibc_gym.envs.tasks.real_stage import board_camera
from ibc_gym.errors import ConfigError
from ibc_gym.hardware.calibration.board import Board, Detection
from ibc_gym.hardware.calibration.library import cv2
from ibc_gym.hardware.calibration.views import (
    board_in_camera,
    differences,
    flange_of,
    matrix_of,
    mean_transform,
    project,
)
from ibc_gym.records import Pose

BOARD, CAMERA = Board(), board_camera((360, 640))


@given(st.integers(0, 10_000))
def test_pose_of_the_board_is_recovered(seed: int) -> None:
    camera_T_board = before_camera(BOARD, np.random.default_rng(seed))
    found = board_in_camera(seen(BOARD, CAMERA, camera_T_board), CAMERA)
    far, turned = apart(found, camera_T_board)
    assert far < 1e-5 and turned < 1e-3


def test_our_pinhole_is_opencvs_but_for_half_a_pixel() -> None:
    points = np.random.default_rng(0).uniform([-0.2, -0.1, 0.3], [0.2, 0.1, 0.8], (20, 3))
    theirs, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), matrix_of(CAMERA), None)
    np.testing.assert_allclose(project(CAMERA, points), theirs[:, 0] + 0.5, atol=1e-9)


def cut(picture: Detection, rows: slice) -> Detection:
    return replace(
        picture, ids=picture.ids[rows], pixels=picture.pixels[rows], points=picture.points[rows]
    )


@pytest.mark.parametrize("rows", [slice(0, 5), slice(0, 8)], ids=["few", "in one line"])
def test_corners_that_fix_no_pose_are_refused(rows: slice) -> None:
    whole = seen(BOARD, CAMERA, before_camera(BOARD, np.random.default_rng(0)))
    with pytest.raises(ConfigError, match="do not give its pose"):
        board_in_camera(cut(whole, rows), CAMERA)


def test_mean_lies_in_the_middle_and_differences_are_from_it() -> None:
    ends = np.array([transform((0, 0, turn), (x, 0, 0)) for turn, x in ((0.1, 0.2), (0.3, 0.4))])
    mean = mean_transform(ends)
    far, turned = differences(ends, mean)
    np.testing.assert_allclose(far, [0.1, 0.1])
    np.testing.assert_allclose(turned, [0.1, 0.1])


@given(st.integers(0, 1000), st.floats(0, 0.3))
def test_flange_lies_behind_the_tip_along_its_axis(seed: int, length: float) -> None:
    rng = np.random.default_rng(seed)
    tool = geometry.pose_of(transform(rng.uniform(-1, 1, 3), rng.uniform(-1, 1, 3)))
    flange = flange_of(tool, length)
    tip = geometry.compose(flange, Pose(position=np.array([0, 0, length])))
    np.testing.assert_allclose(tip.position, tool.position, atol=1e-12)
