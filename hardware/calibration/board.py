"""The ChArUco board: a chessboard whose white squares bear markers, so that every corner is known even in part of a view.

The board's frame lies in its printed face: the origin at the outer corner of the top left square, x to the right, y down,
z into the board. So a board that is seen upright and face on has the orientation of the camera.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from ibc_gym.checks import require_finite
from ibc_gym.errors import ConfigError, SpecMismatch
from ibc_gym.records import Float64, Int64, UInt8

from .library import cv2

HALF_PIXEL: Final = 0.5
"""OpenCV counts pixels from the middle of the first one, we count from the picture's edge [px]."""


@dataclass(frozen=True, kw_only=True)
class BoardSpec:
    """A board as it is ordered or printed. Measure the printed one and write what you measured."""

    columns: int = 9
    """Squares along x."""
    rows: int = 7
    """Squares along y. Odd: boards of even rows came in two layouts, before and since OpenCV 4.6."""
    square: float = 0.024
    """Edge of a square [m]."""
    marker: float = 0.018
    """Edge of a marker [m]."""
    dictionary: str = "DICT_4X4_50"
    """OpenCV's name of the set of markers."""
    margin: float = 0.012
    """White around the squares [m]."""

    def __post_init__(self) -> None:
        require_finite(self)
        if min(self.columns, self.rows) < 3 or self.rows % 2 == 0:
            raise ConfigError(
                f"BoardSpec has {self.columns} x {self.rows} squares, but needs at least 3 x 3 and an odd number of rows: "
                "boards of even rows came in two layouts that cannot be told apart."
            )
        if not 0 < self.marker < self.square or self.margin < 0:
            raise ConfigError(
                f"BoardSpec.marker is {self.marker} m and square {self.square} m, margin {self.margin} m, but a marker must "
                "fit in a square, and the margin must not be negative."
            )
        available = _dictionary(self.dictionary).bytesList.shape[0]
        if self.columns * self.rows // 2 > available:
            raise ConfigError(
                f"BoardSpec needs {self.columns * self.rows // 2} markers, but {self.dictionary} has {available}; "
                "take a larger dictionary, such as DICT_4X4_100."
            )

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the squares together, without the margin [m]."""
        return self.columns * self.square, self.rows * self.square

    @property
    def outer_size(self) -> tuple[float, float]:
        """With the margin [m]."""
        width, height = self.size
        return width + 2 * self.margin, height + 2 * self.margin


@dataclass(frozen=True, kw_only=True, eq=False)
class Detection:
    """Corners of the board that were found in one picture."""

    ids: Int64
    """(N,) which of the board's corners."""
    pixels: Float64
    """(N, 2): where they are seen, right and down from the picture's edge, as in `CameraSpec` [px]."""
    points: Float64
    """(N, 3): where they are in the board's frame [m]."""

    def __len__(self) -> int:
        return len(self.ids)


class Board:
    """Draws and finds a board."""

    def __init__(self, spec: BoardSpec | None = None) -> None:
        """Make ready for one kind of board."""
        self.spec = spec or BoardSpec()
        self._markers = _dictionary(self.spec.dictionary)
        self._board: Any = cv2.aruco.CharucoBoard(
            (self.spec.columns, self.spec.rows),
            self.spec.square,
            self.spec.marker,
            self._markers,
        )
        parameters = cv2.aruco.DetectorParameters()
        # Corners are refined by the chessboard's own step; markers need no more than to be recognised.
        parameters.adaptiveThreshWinSizeStep = 4
        self._detector: Any = cv2.aruco.CharucoDetector(
            self._board, cv2.aruco.CharucoParameters(), parameters
        )

    @cached_property
    def corners(self) -> Float64:
        """Every inner corner in the board's frame, (K, 3) [m]."""
        return np.asarray(self._board.getChessboardCorners(), dtype=np.float64)

    @cached_property
    def outline(self) -> Float64:
        """The four outer corners of board and margin in its frame, (4, 3) [m]."""
        (width, height), margin = self.spec.size, self.spec.margin
        low, right, down = -margin, width + margin, height + margin
        return np.array(
            [[low, low, 0], [right, low, 0], [right, down, 0], [low, down, 0]], dtype=np.float64
        )

    def draw(self, pixels_per_square: int) -> UInt8:
        """The board with its margin, (H, W) in shades of grey; it covers `outer_size`, to a pixel."""
        spec, n = self.spec, pixels_per_square
        drawn = np.zeros((spec.rows * n, spec.columns * n), dtype=np.uint8)
        side, scale = round(spec.marker / spec.square * n), n / spec.square
        for number, corners in zip(
            self._board.getIds().ravel(), self._board.getObjPoints(), strict=True
        ):
            left, top = (round(float(edge) * scale) for edge in corners[0, :2])
            column, row = (int(middle // n) for middle in (left + side / 2, top + side / 2))
            drawn[row * n : (row + 1) * n, column * n : (column + 1) * n] = 255
            marker = cv2.aruco.generateImageMarker(self._markers, int(number), side)
            drawn[top : top + side, left : left + side] = marker
        return np.pad(drawn, round(spec.margin * scale), constant_values=255)

    def detect(self, image: UInt8) -> Detection:
        """The corners that are seen in a picture, (H, W, 3) RGB; perhaps none.

        Raises:
            SpecMismatch: It is no such picture.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise SpecMismatch(
                f"A picture has shape {image.shape} of {image.dtype}, but the board is looked for in (H, W, 3) of uint8."
            )
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        corners, ids, _, _ = self._detector.detectBoard(grey)
        if ids is None or len(ids) == 0:
            return Detection(
                ids=np.empty(0, np.int64), pixels=np.empty((0, 2)), points=np.empty((0, 3))
            )
        found = np.asarray(ids, dtype=np.int64).ravel()
        pixels = np.asarray(corners, dtype=np.float64).reshape(-1, 2) + HALF_PIXEL
        return Detection(ids=found, pixels=pixels, points=self.corners[found])


def _dictionary(name: str) -> Any:
    number = getattr(cv2.aruco, name, None)
    if not name.startswith("DICT_") or not isinstance(number, int):
        raise ConfigError(f"OpenCV has no dictionary of markers called {name!r}; take DICT_4X4_50.")
    return cv2.aruco.getPredefinedDictionary(number)
