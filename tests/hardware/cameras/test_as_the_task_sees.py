"""Through the emulated D415 and its driver, things of a MuJoCo scene are where MuJoCo's own camera has them.

The task's camera sees 64 x 39 degrees, the device 69 x 42 as a real D415 does, its lens a little aside.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pytest

from ibc_gym import geometry
from ibc_gym.contracts import Camera, Workcell
from ibc_gym.envs.scene_spec import Body, Shape
from ibc_gym.hardware.cameras.fitted import FittedCamera
from ibc_gym.hardware.cameras.realsense import RealSenseCamera
from ibc_gym.hardware.rig.cameras.emulator import SoftwareCamera
from ibc_gym.hardware.rig.cameras.models import filmed, lens_of
from ibc_gym.hardware.rig.cameras.pictures import Picture
from ibc_gym.loading import load
from ibc_gym.records import CameraSpec, Float64, Frame, Pose
from ibc_gym.registry import make_task
from ibc_gym.tables import WORKCELLS

PLACES: Final = ((0.4, -0.24), (0.26, 0.12), (0.42, 0.0), (0.5, -0.1), (0.5, 0.1))
"""Of what lies on the table (x, y) [m]."""
MAGENTA: Final = (1.0, 0.0, 1.0)
NEAR: Final = 25.0
"""What is seen of a thing lies so near its middle [px]."""


class Filmed:
    """A task's table with discs on it, and one picture of it through the lens of the device that would film it."""

    def __init__(self, name: str) -> None:
        task: Any = make_task(name)
        (self.wanted,) = task.scene.cameras
        self.model, self.true = filmed(self.wanted)
        device = replace(self.true, name="device")
        disc = Shape(kind="cylinder", size=(0.01, 0.002), colour=MAGENTA, collides=False)
        discs = tuple(
            Body(name=f"disc {number}", motion="fixed", position=(*place, 0.003), shapes=(disc,))
            for number, place in enumerate(PLACES)
        )
        bodies = (*task.scene.bodies, *discs)
        self.scene = replace(task.scene, bodies=bodies, cameras=(self.wanted, device))
        cell: Workcell = load(WORKCELLS, "mujoco", "workcell")(self, cameras=True)
        try:
            layout = task.sample(np.random.default_rng(3)).layout
            away = {name: Pose(position=np.array([0.9, 0.0, 0.02])) for name in layout}
            cell.scene.arrange(away)
            self.direct = cell.cameras[self.wanted.name].read()
            self.through: Frame = cell.cameras["device"].read()
        finally:
            cell.close()

    @property
    def spec(self) -> CameraSpec:
        """Of the device."""
        return self.true

    def read(self) -> Frame:
        """The picture as the lens has it, without a device."""
        return self.through

    def close(self) -> None: ...

    def source(self) -> Picture:
        """The picture again and again, as if it were new."""
        assert self.through.depth is not None
        return Picture(self.through.image, self.through.depth, time.monotonic())


def read(camera: Camera, pictures: int) -> Float64:
    """The mean of a few pictures, without the sensor's noise."""
    mean: Float64 = np.mean([camera.read().image.astype(float) for _ in range(pictures)], axis=0)
    return mean


def middle_of(image: Float64, expected: Float64) -> Float64:
    """Where the middle is of what is magenta near a pixel, (u, v) [px]."""
    rows, columns = np.mgrid[0 : image.shape[0], 0 : image.shape[1]] + 0.5
    near = np.hypot(columns - expected[0], rows - expected[1]) < NEAR * image.shape[1] / 640
    much = near * np.maximum(image[..., (0, 2)].min(axis=-1) - image[..., 1] - 20.0, 0.0)
    assert (much > 0).sum() > 5, "it is in the picture"
    middle: Float64 = np.array([(much * columns).sum(), (much * rows).sum()]) / much.sum()
    return middle


def projected(spec: CameraSpec, place: tuple[float, float]) -> Float64:
    """Where a disc ought to be seen, (u, v) [px]."""
    turn = geometry.rotation(np.array(spec.quaternion)).inv()
    x, y, z = turn.apply(np.array([*place, 0.004]) - spec.position)
    return np.array([spec.cx + spec.fx * x / z, spec.cy + spec.fy * y / z])


BENT: Final = (-0.0565, 0.0682, 0.0004, 0.0007, -0.0218)
"""As a D455 told that somebody had: 5 px in a corner."""


@pytest.mark.parametrize(
    "name, model, angles, bend",
    [
        ("push-red-green", "D415", (69.4, 42.5), None),
        ("push-two-targets", "D455", (79.6, 64.0), None),
        ("push-two-targets", "D455", (79.6, 64.0), BENT),
    ],
    ids=("D415", "D455", "D455 that bends"),
)
def test_thing_falls_on_the_same_pixel(
    name: str,
    model: str,
    angles: tuple[float, float],
    bend: tuple[float, ...] | None,
    plug: Callable[..., SoftwareCamera],
    drive: Callable[..., RealSenseCamera],
) -> None:
    table = Filmed(name)
    true = table.true
    assert table.model == model and seen_by(true) == pytest.approx(angles, abs=0.1)
    size: dict[str, Any] = {"width": true.width, "height": true.height}
    plug(source=table.source, model=model, lens=lens_of(true), bend=bend, **size)
    camera = FittedCamera(drive(depth=True, max_age=1.0, **size), table.wanted)
    assert (camera.spec.fx, camera.spec.cx) == (table.wanted.fx, table.wanted.cx)
    through, direct = read(camera, 8), table.direct.image.astype(float)
    assert through.shape == direct.shape
    assert np.abs(through - direct).mean() < 2.0, "grey levels"
    for place in PLACES:
        expected = projected(table.wanted, place)
        assert middle_of(direct, expected) == pytest.approx(expected, abs=0.5)
        assert middle_of(through, expected) == pytest.approx(middle_of(direct, expected), abs=0.3)
    depth, there = camera.read().depth, FittedCamera(table, table.wanted).read().depth
    assert depth is not None and there is not None and depth.shape == direct.shape[:2]
    measured = (depth > 0) & (there > 0)
    assert measured.mean() > 0.7, "of the picture"
    assert np.median(np.abs(depth - there)[measured]) < 0.01, "metres"


def seen_by(spec: CameraSpec) -> tuple[float, float]:
    """How much a camera sees across and down [degrees], its lens thought to be in the middle."""
    across, down = (
        np.arctan(n / 2 / f) for n, f in ((spec.width, spec.fx), (spec.height, spec.fy))
    )
    return float(np.degrees(2 * across)), float(np.degrees(2 * down))
