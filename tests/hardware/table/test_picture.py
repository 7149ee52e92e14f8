from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ibc_gym.errors import CameraTimeout, SpecMismatch
from ibc_gym.hardware.png import png
from ibc_gym.hardware.table.picture import PictureFile, WhileItComes, blend

pictures = st.tuples(st.integers(1, 12), st.integers(1, 12)).flatmap(
    lambda size: arrays(np.uint8, (*size, 3))
)


@given(pictures)
def test_any_picture_is_read_back_from_its_file(picture: np.ndarray) -> None:
    image = pytest.importorskip("PIL.Image")
    read = np.asarray(image.open(io.BytesIO(png(picture))))
    np.testing.assert_array_equal(read, picture)


def test_file_is_a_png_with_sound_checksums() -> None:
    data = png(np.zeros((4, 5, 3), np.uint8))
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at = 8
    kinds = []
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kinds.append(data[at + 4 : at + 8])
        (crc,) = struct.unpack(">I", data[at + 8 + length : at + 12 + length])
        assert crc == zlib.crc32(data[at + 4 : at + 8 + length])
        at += 12 + length
    assert kinds == [b"IHDR", b"IDAT", b"IEND"]


def test_what_stands_as_wanted_looks_like_either_and_the_rest_is_between() -> None:
    live = np.full((2, 2, 3), 100, np.uint8)
    wanted = live.copy()
    wanted[0, 0] = 200
    mixed = blend(live, wanted)
    assert mixed[1, 1].tolist() == [100] * 3
    assert mixed[0, 0].tolist() == [150] * 3


def test_pictures_of_other_sizes_are_refused() -> None:
    with pytest.raises(SpecMismatch, match="5 x 4 pixels and the live one 3 x 2"):
        blend(np.zeros((2, 3, 3), np.uint8), np.zeros((4, 5, 3), np.uint8))


def test_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "overlay.png"
    shown = PictureFile(path)
    for shade in (1, 2):
        picture = np.full((2, 2, 3), shade, np.uint8)
        shown.show(picture, "")
        assert path.read_bytes() == png(picture)
    assert [file.name for file in tmp_path.iterdir()] == ["overlay.png"]


def test_picture_that_does_not_come_is_waited_for_but_not_for_ever() -> None:
    now, there, shown = [0.0], [True], []

    def show() -> None:
        if not there[0]:
            raise CameraTimeout("no fresh picture")
        shown.append(now[0])

    look = WhileItComes(show, patience=10.0, clock=lambda: now[0])
    for now[0] in (0.0, 9.0, 18.0):  # away for nine seconds, twice
        there[0] = False
        look()
        now[0] += 8.9
        look()
        there[0] = True
        look()
    assert len(shown) == 3
    there[0] = False
    look()
    now[0] += 10.1
    with pytest.raises(CameraTimeout):
        look()
