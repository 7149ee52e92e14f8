"""Normalisers: maps per dimension, fitted on the training split and saved as plain numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ibc_gym.errors import SpecMismatch
from ibc_gym.records import Float32

STD_FLOOR = 1e-4
"""Least standard deviation that is divided by, in the data's units, unless what varies is small throughout.

The published floor of 1.19e-7 makes a dimension that is constant in training explode when it changes at test time.
"""
ROUNDING = 1e-6
"""Spread of a dimension's numbers, as a share of their greatest, that may be no more than how single precision rounds them."""

MOST_BENT = 80.0
"""Greatest argument of a hyperbolic sine: no number holds what lies further out."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Normaliser:
    """y = (x - offset) / scale, per dimension; with a knee k, asinh(y / k) / asinh(1 / k) in place of y.

    That is in proportion to y where it is small against the knee, logarithmic where it is large, and 1 where y is.
    """

    offset: Float32
    """(D,)"""
    scale: Float32
    """(D,), positive."""
    knee: float | None = None
    """Positive, in units of y; None is no knee."""

    def __post_init__(self) -> None:
        if self.knee is not None and not 0 < self.knee < np.inf:
            raise SpecMismatch(f"A normaliser's knee is {self.knee}, but must be positive.")
        good = np.isfinite(self.offset).all() and np.isfinite(self.scale).all()
        if self.offset.shape != self.scale.shape or not good or (self.scale <= 0).any():
            raise SpecMismatch(
                "A normaliser needs finite offsets and positive scales of one shape; "
                f"got {self.offset} and {self.scale}."
            )

    def apply(self, values: Float32) -> Float32:
        """Into normalised units, (..., D)."""
        scaled = (values - self.offset) / self.scale
        if self.knee is not None:
            scaled = np.arcsinh(scaled / self.knee) / np.arcsinh(1 / self.knee)
        return scaled.astype(np.float32)

    def invert(self, values: Float32) -> Float32:
        """Back into the data's units, (..., D)."""
        if self.knee is not None:
            bends = np.clip(values * np.arcsinh(1 / self.knee), -MOST_BENT, MOST_BENT)
            values = self.knee * np.sinh(bends)
        return (values * self.scale + self.offset).astype(np.float32)

    def to_json(self) -> dict[str, Any]:
        """Plain numbers that `from_json` reads back exactly."""
        numbers = {"offset": self.offset.tolist(), "scale": self.scale.tolist()}
        return numbers if self.knee is None else {**numbers, "knee": self.knee}

    @classmethod
    def from_json(cls, numbers: dict[str, Any]) -> Self:
        """Read back what `to_json` gave."""
        return cls(
            offset=np.array(numbers["offset"], dtype=np.float32),
            scale=np.array(numbers["scale"], dtype=np.float32),
            knee=numbers.get("knee"),
        )


def identity(size: int) -> Normaliser:
    """Changes nothing."""
    return Normaliser(offset=np.zeros(size, np.float32), scale=np.ones(size, np.float32))


def standardise(data: ArrayLike, about_zero: Sequence[int] = ()) -> Normaliser:
    """Zero mean and unit standard deviation over all but the last axis of (..., D).

    A dimension that does not vary (`_varies`) is divided by `STD_FLOOR`, so that it does not explode where it varies later.
    Dimensions named in `about_zero` come as often with the other sign, as in a mirror: their mean is 0, and their deviation the
    root of the mean square.
    """
    flat = _flat(data)
    mean = flat.mean(axis=0)
    mean[list(about_zero)] = 0
    deviation = np.sqrt(np.square(flat - mean).mean(axis=0))
    return Normaliser(
        offset=mean.astype(np.float32),
        scale=np.where(_varies(deviation, flat), deviation, STD_FLOOR).astype(np.float32),
    )


def min_max(data: ArrayLike) -> Normaliser:
    """Map the range of (..., D) to [-1, 1]; a dimension that does not vary (`_varies`) is only centred."""
    flat = _flat(data)
    low, high = flat.min(axis=0), flat.max(axis=0)
    half = (high - low) / 2
    return Normaliser(
        offset=((high + low) / 2).astype(np.float32),
        scale=np.where(_varies(half, flat), half, 1.0).astype(np.float32),
    )


def _varies(spreads: NDArray[np.float64], flat: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which dimensions of (M, D) vary, (D,), where each spreads by so much.

    That is by more than `STD_FLOOR`; or, where all are small, by more than a thousandth of the greatest spread and more than
    rounding: their unit is small then, and they are no less to be told apart.
    """
    rounding = np.maximum(ROUNDING * np.abs(flat).max(axis=0), np.finfo(np.float32).tiny)
    real = spreads > rounding
    greatest = spreads[real].max(initial=0.0)
    return np.asarray((spreads > STD_FLOOR) | (real & (spreads > greatest / 1000)))


def _flat(data: ArrayLike) -> np.ndarray[Any, np.dtype[np.float64]]:
    array = np.asarray(data, dtype=np.float64)
    if array.size == 0:
        raise SpecMismatch("A normaliser cannot be fitted to no data.")
    bad = np.flatnonzero(~np.isfinite(array.reshape(-1, array.shape[-1])).all(axis=0))
    if bad.size:
        raise SpecMismatch(
            f"Dimensions {bad.tolist()} of the data hold NaN or infinity; a normaliser needs finite numbers."
        )
    return array.reshape(-1, array.shape[-1])
