"""A lens that is no pinhole has its pictures made straight, where that can be done."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ibc_gym.errors import SpecMismatch
from ibc_gym.hardware.cameras.config import RealSenseConfig
from ibc_gym.hardware.cameras.intrinsics import bend_of, spec_of, straightening
from ibc_gym.hardware.cameras.library import rs

CONFIG = RealSenseConfig(serial="1", name="front")


def lens(*coefficients: float, model: str = "inverse_brown_conrady") -> Any:
    made = rs.intrinsics()
    made.width, made.height, made.fx, made.fy, made.ppx, made.ppy = 640, 360, 460, 461, 322, 178
    made.model = getattr(rs.distortion, model)
    made.coeffs = [*coefficients, *[0.0] * (5 - len(coefficients))]
    return made


def test_pinhole_becomes_a_spec() -> None:
    spec = spec_of(lens(), CONFIG)
    assert (spec.fx, spec.fy, spec.cx, spec.cy) == (460, 461, 322.5, 178.5)


@pytest.mark.parametrize("model", ["inverse_brown_conrady", "brown_conrady"])
def test_bend_is_what_the_coefficients_make(model: str) -> None:
    corner = (322 / 460) ** 2 + (178 / 461) ** 2
    assert bend_of(lens(0.1, model=model)) == pytest.approx(322 * 0.1 * corner, rel=0.2)


def test_bend_below_half_a_pixel_is_let_be_and_more_is_made_straight() -> None:
    assert straightening(lens(0.001)) is None
    assert straightening(lens(0.05)) is not None
    assert spec_of(lens(0.05), CONFIG) == spec_of(lens(), CONFIG)


def test_bend_that_the_library_cannot_undo_is_refused() -> None:
    spec_of(lens(0.001, model="modified_brown_conrady"), CONFIG)
    with pytest.raises(
        SpecMismatch, match=r"Camera 'front' \(serial 1\) bends .* by up to \d+\.\d px"
    ):
        spec_of(lens(0.05, model="modified_brown_conrady"), CONFIG)


@pytest.mark.parametrize("model", ["inverse_brown_conrady", "brown_conrady"])
def test_straight_pixel_comes_from_where_the_library_has_its_ray(model: str) -> None:
    bent = lens(-0.0565, 0.0682, 0.0004, 0.0007, -0.0218, model=model)
    straight = straightening(bent)
    assert straight is not None
    rows, columns = np.mgrid[0:360, 0:640].astype(np.float32)
    for u, v in ((20, 15), (320, 180), (500, 37), (611, 333)):
        ray = [(u - bent.ppx) / bent.fx, (v - bent.ppy) / bent.fy, 1.0]
        expected = rs.rs2_project_point_to_pixel(bent, ray)
        assert straight.depth(columns)[v, u] == pytest.approx(expected[0], abs=0.51)
        assert straight.depth(rows)[v, u] == pytest.approx(expected[1], abs=0.51)
        shade = np.repeat(columns[..., None] / 3, 3, 2).astype(np.uint8)
        assert straight.colour(shade)[v, u, 0] == pytest.approx(expected[0] / 3, abs=1.0)
