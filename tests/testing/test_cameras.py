"""The suite of cameras passes one that keeps the contract, and catches each way to break it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from broken import assert_broken, assert_sound

from ibc_gym.records import CameraSpec, Frame
from ibc_gym.testing import CameraContract

SPEC = CameraSpec(
    name="noise",
    width=8,
    height=6,
    fx=10.0,
    fy=10.0,
    cx=4.0,
    cy=3.0,
    position=(0.0, 0.0, 1.0),
    quaternion=(0.0, 1.0, 0.0, 0.0),
)


class Noise:
    """Sees another noise in every period."""

    spec = SPEC

    def __init__(self) -> None:
        self.periods = 0

    def read(self) -> Frame:
        rng = np.random.default_rng(self.periods)
        image = rng.integers(0, 256, (6, 8, 3)).astype(np.uint8)
        depth = rng.uniform(0, 2, (6, 8)).astype(np.float32)
        return Frame(image=image, time=0.1 * self.periods, number=self.periods, depth=depth)

    def close(self) -> None:
        pass


class Sound(CameraContract):
    kind: type[Noise] = Noise

    def make(self) -> Noise:
        return self.kind()

    def wait(self) -> None:
        camera = self.camera
        assert isinstance(camera, Noise)
        camera.periods += 1


class BeyondItsPicture(Noise):
    spec = replace(SPEC, cx=9.0)


class Blank(Noise):
    def read(self) -> Frame:
        return replace(super().read(), image=np.full((6, 8, 3), 7, np.uint8))


class LyingDown(Noise):
    def read(self) -> Frame:
        frame = super().read()
        return replace(frame, image=frame.image.transpose(1, 0, 2))


class DepthInMillimetres(Noise):
    def read(self) -> Frame:
        frame = super().read()
        assert frame.depth is not None
        return replace(frame, depth=(1000 * frame.depth).astype(np.uint16))


class Frozen(Noise):
    def read(self) -> Frame:
        return replace(super().read(), number=0)


class Timeless(Noise):
    def read(self) -> Frame:
        return replace(super().read(), time=0.0)


class CountsInBursts(Noise):
    def read(self) -> Frame:
        self.bursts = getattr(self, "bursts", 0) + 1
        rng = np.random.default_rng(self.bursts)
        return replace(super().read(), image=rng.integers(0, 256, (6, 8, 3)).astype(np.uint8))


class OneBuffer(Noise):
    buffer = np.zeros((6, 8, 3), np.uint8)

    def read(self) -> Frame:
        frame = super().read()
        self.buffer[:] = frame.image
        return replace(frame, image=self.buffer)


class ClosesOnce(Noise):
    def close(self) -> None:
        if self.periods < 0:
            raise OSError("closed already")
        self.periods = -1


def test_camera_that_keeps_the_contract_passes() -> None:
    assert_sound(Sound)


@pytest.mark.parametrize(
    "kind, test",
    [
        (BeyondItsPicture, "test_spec_is_that_of_a_pinhole"),
        (Blank, "test_picture_is_as_the_spec_says"),
        (LyingDown, "test_picture_is_as_the_spec_says"),
        (DepthInMillimetres, "test_picture_is_as_the_spec_says"),
        (Frozen, "test_every_period_has_a_picture_of_its_own"),
        (Timeless, "test_every_period_has_a_picture_of_its_own"),
        (CountsInBursts, "test_repeated_number_is_a_repeated_picture"),
        (OneBuffer, "test_picture_that_was_returned_is_never_changed"),
        (ClosesOnce, "test_closes_twice"),
    ],
)
def test_camera_that_breaks_a_rule_is_caught(kind: type[Noise], test: str) -> None:
    assert_broken(type("Broken", (Sound,), {"kind": kind}), test)
