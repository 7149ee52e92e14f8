"""Pictures that are cut and scaled to what a task's camera sees say what the device's own pictures said."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibc_gym.errors import ConfigError
from ibc_gym.hardware.cameras.fitted import FittedCamera
from ibc_gym.hardware.cameras.resampling import Blocks, Windows, taps
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
D415 = replace(SPEC, width=640, height=360, fx=462.5, fy=463.0, cx=323.4, cy=177.8)
TASK = replace(SPEC, width=320, height=180, fx=256.96, fy=256.96, cx=160.0, cy=90.0)


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


def of_device(spec: CameraSpec, image: UInt8 | None = None, depth: Float32 | None = None) -> Still:
    dark = np.zeros((spec.height, spec.width, 3), np.uint8)
    return Still(dark if image is None else image, depth, spec)


def smaller(spec: CameraSpec, factor: float) -> CameraSpec:
    return replace(
        spec,
        width=round(spec.width / factor),
        height=round(spec.height / factor),
        fx=spec.fx / factor,
        fy=spec.fy / factor,
        cx=spec.cx / factor,
        cy=spec.cy / factor,
    )


HALF = smaller(SPEC, 2)


class TestSameAngles:
    def test_colours_are_averaged_and_the_rest_is_kept(self) -> None:
        image = np.arange(4 * 8 * 3, dtype=np.uint8).reshape(4, 8, 3)
        inner = Still(image)
        camera = FittedCamera(inner, HALF)
        frame = camera.read()
        assert frame.image.shape == (2, 4, 3) and frame.image.dtype == np.uint8
        assert frame.image[0, 0, 0] == round(np.mean(image[:2, :2, 0]))
        assert (frame.time, frame.number, frame.depth) == (1.5, 7, None)
        camera.close()
        assert inner.closed == [True]

    def test_picture_of_the_same_size_is_the_device_s_to_the_byte(self) -> None:
        rng = np.random.default_rng(0)
        image = rng.integers(0, 256, (4, 8, 3), dtype=np.uint8)
        depth = rng.uniform(0, 2, (4, 8)).astype(np.float32)
        in_32_bits = replace(SPEC, fx=float(np.float32(SPEC.fx * (1 + 1e-6))))
        frame = FittedCamera(of_device(in_32_bits, image, depth), SPEC).read()
        assert (frame.image == image).all() and frame.depth is not None
        assert (frame.depth == depth).all()

    def test_depth_is_taken_from_what_is_measured(self) -> None:
        depth = np.zeros((4, 8), np.float32)
        depth[1, 1], depth[2, 4], depth[3, 5] = 1.0, 2.0, 3.0
        small = FittedCamera(of_device(SPEC, depth=depth), HALF).read().depth
        assert small is not None and small.dtype == np.float32
        assert small[0, 0] == 1.0 and small[1, 2] in (2.0, 3.0)
        assert np.count_nonzero(small) == 2

    def test_rays_stay_what_they_were(self) -> None:
        spec = FittedCamera(of_device(SPEC), HALF).spec
        assert ((0.0 - spec.cx) / spec.fx, (2.0 - spec.cy) / spec.fy) == pytest.approx(
            ((0.0 - SPEC.cx) / SPEC.fx, (4.0 - SPEC.cy) / SPEC.fy)
        )

    @given(factor=st.integers(1, 6), edge=st.integers(0, 30), seed=st.integers(0, 99))
    def test_depth_at_an_edge_is_of_one_side_or_the_other(
        self, factor: int, edge: int, seed: int
    ) -> None:
        depth = np.where(np.arange(5 * factor) < edge, 0.6, 0.8).astype(np.float32)
        depth = np.repeat(depth[None], 3 * factor, 0)
        depth[np.random.default_rng(seed).random(depth.shape) < 0.3] = 0.0
        small = Blocks(factor).depth(depth)
        assert set(small.ravel()) <= set(depth.ravel())
        for block, seen in zip(_cut(depth, factor), small.ravel(), strict=True):
            assert seen in block and (seen > 0) == block.any()

    @given(factor=st.integers(1, 6), seed=st.integers(0, 99))
    def test_windows_of_whole_pixels_average_as_blocks_do(self, factor: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        image = rng.integers(0, 256, (3 * factor, 5 * factor, 3), dtype=np.uint8)
        depth = rng.uniform(-1, 2, image.shape[:2]).clip(0).astype(np.float32)
        windows = Windows(taps(3 * factor, 0, factor, 3), taps(5 * factor, 0, factor, 5))
        blocks = Blocks(factor)
        apart = blocks.colour(image).astype(int) - windows.colour(image)
        assert np.abs(apart).max() <= 1, "where the mean lies between two bytes"
        assert (windows.depth(depth) == blocks.depth(depth)).all()


def _cut(depth: Float32, factor: int) -> list[Float32]:
    """A picture's blocks, row by row."""
    rows = np.split(depth, len(depth) // factor)
    return [block for row in rows for block in np.split(row, row.shape[1] // factor, axis=1)]


class TestWiderAngles:
    def test_spec_is_the_task_s_lens_at_the_device_s_place(self) -> None:
        spec = FittedCamera(of_device(D415), replace(TASK, position=(9.0, 9.0, 9.0))).spec
        assert spec == replace(TASK, position=D415.position, quaternion=D415.quaternion)

    @given(u=st.floats(30, 290), v=st.floats(15, 165))
    def test_spot_is_where_the_task_s_camera_would_have_it(self, u: float, v: float) -> None:
        right = (u - TASK.cx) / TASK.fx * D415.fx + D415.cx
        down = (v - TASK.cy) / TASK.fy * D415.fy + D415.cy
        rows, columns = np.mgrid[0 : D415.height, 0 : D415.width] + 0.5
        spot = np.exp(-((rows - down) ** 2 + (columns - right) ** 2) / (2 * 4.0**2))
        image = np.repeat(np.rint(250 * spot)[..., None], 3, 2).astype(np.uint8)
        seen = FittedCamera(of_device(D415, image), TASK).read().image[..., 0].astype(float)
        rows, columns = np.mgrid[0 : TASK.height, 0 : TASK.width] + 0.5
        middle = [(seen * where).sum() / seen.sum() for where in (columns, rows)]
        assert middle == pytest.approx([u, v], abs=0.05)

    def test_evenly_lit_wall_stays_so_up_to_the_edges_and_as_far_away(self) -> None:
        wall = np.full((360, 640, 3), 137, np.uint8)
        away = np.full((360, 640), 0.75, np.float32)
        away[100, 200] = 0.0
        frame = FittedCamera(of_device(D415, wall, away), TASK).read()
        assert (frame.image == 137).all() and frame.depth is not None
        assert (frame.depth == np.float32(0.75)).all()

    @given(edge=st.floats(60, 580), seed=st.integers(0, 99))
    def test_depth_at_an_edge_is_of_one_side_or_the_other_and_the_edge_stays_where_it_is(
        self, edge: float, seed: int
    ) -> None:
        beside = np.arange(D415.width) + 0.5 < edge
        depth = np.where(beside, 0.6, 0.8).astype(np.float32)
        depth = np.repeat(depth[None], D415.height, 0)
        depth[np.random.default_rng(seed).random(depth.shape) < 0.1] = 0.0
        seen = FittedCamera(of_device(D415, depth=depth), TASK).read().depth
        assert seen is not None
        assert set(np.unique(seen)) <= {np.float32(0.0), np.float32(0.6), np.float32(0.8)}
        there = (edge - D415.cx) / D415.fx * TASK.fx + TASK.cx
        columns = np.arange(TASK.width) + 0.5
        for side, is_there in ((0.6, columns < there - 1.5), (0.8, columns > there + 1.5)):
            rest = seen[:, is_there]
            assert ((rest == np.float32(side)) | (rest == 0)).all()

    def test_larger_picture_than_the_device_s_is_drawn_between_its_pixels_but_for_depth(
        self,
    ) -> None:
        roof = np.repeat(3.0 * np.abs(np.arange(160) - 80.0)[None], 90, 0).astype(np.float32)
        device = replace(smaller(D415, 4), depth=True)
        larger = smaller(TASK, 320 / 180)
        image = np.repeat(roof[..., None], 3, 2).astype(np.uint8)
        frame = FittedCamera(of_device(device, image, roof + 1.0), larger).read()
        rays = (np.arange(larger.width) + 0.5 - larger.cx) / larger.fx
        between = np.interp(rays * device.fx + device.cx - 0.5, np.arange(160), roof[0])
        assert np.abs(frame.image[..., 0] - between).max() < 0.51, "but for whole bytes"
        assert frame.depth is not None and np.isin(frame.depth, roof + 1.0).all()
        assert np.abs(frame.depth - 1.0 - between).max() < 1.51, "half a pixel away at most"


class TestRefusal:
    def test_device_that_sees_less_is_told_with_both_angles(self) -> None:
        tele = replace(D415, fx=616.7, fy=616.7)
        with pytest.raises(
            ConfigError, match=r"sees 54\.\d x 32\.\d degrees .*is 63\.8 x 38\.6 deg"
        ):
            FittedCamera(of_device(tele), TASK)

    def test_lens_that_looks_too_far_aside_is_told_by_its_sides(self) -> None:
        with pytest.raises(ConfigError, match=r"29\.\d left, 39\.\d right"):
            FittedCamera(of_device(replace(D415, cx=260.0)), TASK)

    def test_half_a_pixel_less_is_enough(self) -> None:
        scarce = replace(TASK, cx=TASK.cx + 0.4)
        spec = FittedCamera(of_device(scarce), TASK).spec
        assert (spec.cx, spec.width) == (TASK.cx, TASK.width)

    def test_picture_much_finer_than_the_device_s_is_refused(self) -> None:
        with pytest.raises(ConfigError, match="larger mode"):
            FittedCamera(of_device(smaller(D415, 4)), TASK)
