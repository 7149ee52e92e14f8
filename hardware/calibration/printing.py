"""The board on paper, at its true size: a PDF of one page, or a PNG that says how many pixels make a metre."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Final

import numpy as np

from ibc_gym.errors import ConfigError
from ibc_gym.records import UInt8

from .board import Board

DOTS_PER_SQUARE: Final = 256
"""About 270 dots per inch for squares of 24 mm; edges between black and white lie on whole dots."""
POINTS_PER_METRE: Final = 72 / 0.0254
"""PDF's unit of length."""
FOOT: Final = 0.016
"""Room for the ruler and the line of text below the board [m]."""


def print_board(board: Board, path: Path) -> None:
    """Write the board to a .pdf or .png file.

    Raises:
        ConfigError: The file has another ending.
    """
    picture = board.draw(DOTS_PER_SQUARE)
    if path.suffix.lower() == ".png":
        content = _png(picture, DOTS_PER_SQUARE / board.spec.square)
    elif path.suffix.lower() == ".pdf":
        content = _pdf(board, picture)
    else:
        raise ConfigError(f"A board is printed to a .pdf or a .png file, not to {path.name!r}.")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _png(picture: UInt8, pixels_per_metre: float) -> bytes:
    """Shades of grey, 8 bits each."""
    height, width = picture.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    density = struct.pack(">IIB", round(pixels_per_metre), round(pixels_per_metre), 1)
    rows = np.pad(picture, ((0, 0), (1, 0)))  # each row begins with its filter: 0, none
    chunks = (
        (b"IHDR", header),
        (b"pHYs", density),
        (b"IDAT", zlib.compress(rows.tobytes(), 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def _pdf(board: Board, picture: UInt8) -> bytes:
    """One page as large as the board, with a ruler of ten centimetres below it."""
    spec = board.spec
    width, height = (
        picture.shape[axis] * spec.square / DOTS_PER_SQUARE * POINTS_PER_METRE for axis in (1, 0)
    )
    foot, long = FOOT * POINTS_PER_METRE, 0.1 * POINTS_PER_METRE
    left, line = spec.margin * POINTS_PER_METRE, foot * 0.65
    text = (
        f"{spec.columns} x {spec.rows} squares of {1000 * spec.square:g} mm, markers {1000 * spec.marker:g} mm, "
        f"{spec.dictionary}. The line is 100 mm: print at 100 %, and measure."
    )
    page = (
        f"q {width:.4f} 0 0 {height:.4f} 0 {foot:.4f} cm /Board Do Q\n"
        f"1 w {left:.4f} {line:.4f} m {left + long:.4f} {line:.4f} l S\n"
        + "".join(
            f"{x:.4f} {line - 4:.4f} m {x:.4f} {line + 4:.4f} l S\n" for x in (left, left + long)
        )
        + f"BT /Font 7 Tf {left:.4f} {line - 14:.4f} Td ({text}) Tj ET\n"
    ).encode()
    rows, columns = picture.shape
    return _document(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            (
                f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width:.4f} {height + foot:.4f}] /Contents 4 0 R "
                "/Resources << /XObject << /Board 5 0 R >> /Font << /Font 6 0 R >> >> >>"
            ).encode(),
            _stream("", page),
            _stream(
                f"/Type /XObject /Subtype /Image /Width {columns} /Height {rows} /ColorSpace /DeviceGray "
                "/BitsPerComponent 8 /Interpolate false",
                picture.tobytes(),
            ),
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        ]
    )


def _stream(about: str, content: bytes) -> bytes:
    packed = zlib.compress(content, 9)
    head = f"<< {about} /Filter /FlateDecode /Length {len(packed)} >>\nstream\n"
    return head.encode() + packed + b"\nendstream"


def _document(objects: list[bytes]) -> bytes:
    """Numbered objects, and the table that says where each begins."""
    written = b"%PDF-1.4\n"
    starts = []
    for number, content in enumerate(objects, start=1):
        starts.append(len(written))
        written += f"{number} 0 obj\n".encode() + content + b"\nendobj\n"
    table = "".join(f"{start:010d} 00000 n \n" for start in starts)
    size = len(objects) + 1
    return (
        written
        + f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<< /Size {size} /Root 1 0 R >>\n"
        f"startxref\n{len(written)}\n%%EOF\n".encode()
    )
