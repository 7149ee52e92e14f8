"""The printed board has its true size, and is the board."""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from ibc_gym.errors import ConfigError
from ibc_gym.hardware.calibration.board import Board, BoardSpec
from ibc_gym.hardware.calibration.library import cv2
from ibc_gym.hardware.calibration.printing import print_board

WIDTH, HEIGHT = 0.240, 0.192


def test_png_says_its_true_size_and_shows_the_board(tmp_path: Path) -> None:
    path = tmp_path / "deeper" / "board.png"
    print_board(Board(), path)
    content = path.read_bytes()
    columns, rows = struct.unpack(">II", content[16:24])
    x, y, unit = struct.unpack(">IIB", content[content.index(b"pHYs") + 4 :][:9])
    assert unit == 1  # per metre
    assert (columns / x, rows / y) == pytest.approx((WIDTH, HEIGHT), abs=1e-5)
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    assert image.shape == (rows, columns, 3)
    assert len(Board().detect(np.ascontiguousarray(image[::4, ::4]))) == 48


def test_pdf_has_the_boards_size_and_picture(tmp_path: Path) -> None:
    path = tmp_path / "board.pdf"
    board = Board(BoardSpec(columns=5, rows=3, square=0.03, marker=0.02, margin=0.01))
    print_board(board, path)
    content = path.read_bytes()
    assert content.startswith(b"%PDF-1.")
    (box,) = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", content)
    assert float(box[0]) * 0.0254 / 72 == pytest.approx(0.17, abs=5e-4)
    (size,) = re.findall(rb"/Width (\d+) /Height (\d+)", content)
    streams = [
        zlib.decompress(found) for found in re.findall(rb"stream\n(.*?)\nendstream", content, re.S)
    ]
    placed = re.search(rb"q ([\d.]+) 0 0 ([\d.]+) 0 ([\d.]+) cm /Board Do Q", streams[0])
    assert placed is not None
    square = float(placed[1]) * 0.0254 / 72 / int(size[0]) * 256
    assert square == pytest.approx(0.03, rel=1e-5)
    drawn = np.frombuffer(streams[1], np.uint8).reshape(int(size[1]), int(size[0]))
    np.testing.assert_array_equal(drawn, board.draw(256))


def test_pdfs_table_says_where_every_object_begins(tmp_path: Path) -> None:
    print_board(Board(), tmp_path / "board.pdf")
    content = (tmp_path / "board.pdf").read_bytes()
    start = int(content.rpartition(b"startxref\n")[2].split()[0])
    assert content[start:].startswith(b"xref\n0 7\n")
    offsets = [int(entry) for entry in re.findall(rb"(\d{10}) 00000 n ", content[start:])]
    assert len(offsets) == 6
    for number, offset in enumerate(offsets, start=1):
        assert content[offset:].startswith(f"{number} 0 obj\n".encode())


def test_other_ending_is_refused_and_nothing_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\.pdf or a \.png file, not to 'board\.jpg'"):
        print_board(Board(), tmp_path / "board.jpg")
    assert list(tmp_path.iterdir()) == []
