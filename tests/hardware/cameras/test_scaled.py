"""Pictures that are made smaller say what the larger ones said."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from ibc_gym.errors import ConfigError
from ibc_gym.hardware.cameras.scaled import ScaledCamera
from ibc_gym.records import CameraSpec, Float32, Frame, UInt8

SPEC = CameraSpec(
    name="front",
    width=8,
    height=4,
    fx=10.0,
    fy=12.0,
    cx=4.0,
    cy=2.5,
    position=(0.0, 0.0, 1.0),
    quaternion=(0.0, 1.0, 0.0, 0.0),
)


@dataclass
class Still:
    image: UInt8
    depth: Float32 | None = None
    spec: CameraSpec = SPEC
    closed: list[bool] = field(default_factory=list)

    def read(self) -> Frame:
        return Frame(image=self.image, time=1.5, number=7, depth=self.depth)

    def close(self) -> None:
        self.closed.append(True)


def test_colours_are_averaged_and_the_rest_is_kept() -> None:
    image = np.arange(4 * 8 * 3, dtype=np.uint8).reshape(4, 8, 3)
    inner = Still(image)
    camera = ScaledCamera(inner, 4, 2)
    frame = camera.read()
    assert frame.image.shape == (2, 4, 3) and frame.image.dtype == np.uint8
    assert frame.image[0, 0, 0] == round(np.mean(image[:2, :2, 0]))
    assert (frame.time, frame.number, frame.depth) == (1.5, 7, None)
    camera.close()
    assert inner.closed == [True]


def test_depth_is_averaged_over_what_is_measured() -> None:
    depth = np.zeros((4, 8), np.float32)
    depth[0, 0], depth[1, 1] = 1.0, 2.0
    small = ScaledCamera(Still(np.zeros((4, 8, 3), np.uint8), depth), 4, 2).read().depth
    assert small is not None and small.dtype == np.float32
    assert small[0, 0] == 1.5 and not small[1:].any()


def test_rays_stay_what_they_were() -> None:
    spec = ScaledCamera(Still(np.zeros((4, 8, 3), np.uint8)), 4, 2).spec
    assert ((0.0 - spec.cx) / spec.fx, (2.0 - spec.cy) / spec.fy) == pytest.approx(
        ((0.0 - SPEC.cx) / SPEC.fx, (4.0 - SPEC.cy) / SPEC.fy)
    )


@pytest.mark.parametrize("size", [(3, 2), (4, 4), (16, 8), (0, 2)])
def test_size_that_is_no_part_of_the_cameras_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ConfigError, match="no whole multiple"):
        ScaledCamera(Still(np.zeros((4, 8, 3), np.uint8)), *size)
