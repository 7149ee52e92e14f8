"""The board is found where it is drawn, to a tenth of a pixel, and in part as well as whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trials import trials

from ibc_gym.errors import ConfigError, SpecMismatch
from ibc_gym.hardware.calibration.board import Board, BoardSpec
from ibc_gym.records import UInt8

DENSITY = 40


def photograph(board: Board, density: int = DENSITY) -> UInt8:
    """The board as drawn, with grey around it, (H, W, 3)."""
    drawn = np.pad(board.draw(density), 30, constant_values=128)
    return np.repeat(drawn[:, :, None], 3, axis=2)


def expected(board: Board, density: int = DENSITY) -> Any:
    """Where the corners lie in the photograph, from its edge [px]."""
    scale = density / board.spec.square
    return 30 + scale * (board.corners[:, :2] + board.spec.margin)


def test_every_corner_is_found_where_it_is_drawn() -> None:
    board = Board()
    found = board.detect(photograph(board))
    assert len(found) == 8 * 6
    assert np.abs(found.pixels - expected(board)[found.ids]).max() < 0.1
    np.testing.assert_array_equal(found.points, board.corners[found.ids])


@settings(max_examples=trials(10))
@given(st.integers(4, 9), st.sampled_from([3, 5, 7]), st.floats(0.01, 0.08), st.floats(0.6, 0.75))
def test_any_board_is_found_whatever_its_squares(
    columns: int, rows: int, square: float, part: float
) -> None:
    spec = BoardSpec(columns=columns, rows=rows, square=square, marker=part * square, margin=square)
    board = Board(spec)
    found = board.detect(photograph(board))
    assert len(found) == (columns - 1) * (rows - 1)
    assert np.abs(found.pixels - expected(board)[found.ids]).max() < 0.3


def test_part_of_a_board_is_enough() -> None:
    board = Board()
    image = photograph(board)
    image[:, : image.shape[1] // 2] = 128
    found = board.detect(image)
    assert 12 <= len(found) < 48
    assert np.abs(found.pixels - expected(board)[found.ids]).max() < 0.1


def test_frame_has_its_origin_at_the_top_left_with_y_down() -> None:
    board = Board()
    np.testing.assert_allclose(board.corners[0], [0.024, 0.024, 0.0], atol=1e-7)
    np.testing.assert_allclose(board.corners[-1], [8 * 0.024, 6 * 0.024, 0.0], atol=1e-7)
    np.testing.assert_allclose(board.outline[0], [-0.012, -0.012, 0.0])
    np.testing.assert_allclose(board.outline[2], [0.228, 0.180, 0.0])


def test_picture_without_a_board_has_no_corners() -> None:
    assert len(Board().detect(np.full((120, 160, 3), 90, np.uint8))) == 0


@pytest.mark.parametrize(
    "image",
    [np.zeros((10, 10), np.uint8), np.zeros((10, 10, 3), np.float32), np.zeros((10, 10, 4))],
)
def test_what_is_no_picture_is_refused(image: Any) -> None:
    with pytest.raises(SpecMismatch, match="looked for in"):
        Board().detect(image)


@pytest.mark.parametrize(
    "fields, complaint",
    [
        ({"rows": 6}, "odd number of rows"),
        ({"columns": 2}, "at least 3 x 3"),
        ({"marker": 0.03}, "must fit in a square"),
        ({"margin": -0.01}, "must not be negative"),
        ({"square": float("nan")}, "finite"),
        ({"columns": 15, "rows": 9}, "needs 67 markers, but DICT_4X4_50 has 50"),
        ({"dictionary": "DICT_OF_MINE"}, "no dictionary of markers called 'DICT_OF_MINE'"),
    ],
)
def test_board_that_cannot_be_is_refused(fields: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        BoardSpec(**fields)
