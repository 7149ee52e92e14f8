"""A lens that is no pinhole is refused."""

from __future__ import annotations

from typing import Any

import pytest

from ibc_gym.errors import SpecMismatch
from ibc_gym.hardware.cameras.config import RealSenseConfig
from ibc_gym.hardware.cameras.intrinsics import bend_of, spec_of
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


def test_bend_below_half_a_pixel_is_let_pass_and_more_is_refused() -> None:
    spec_of(lens(0.001), CONFIG)
    with pytest.raises(
        SpecMismatch, match=r"Camera 'front' \(serial 1\) bends .* by up to \d+\.\d px"
    ):
        spec_of(lens(0.05), CONFIG)
