"""What every camera keeps, simulated or real: `ibc_gym.contracts.Camera`, as tests."""

from __future__ import annotations

import time
from typing import ClassVar

import numpy as np

from ibc_gym.contracts import Camera
from ibc_gym.records import Frame
from ibc_gym.testing.bits import flat
from ibc_gym.testing.contract import Contract, rule


class CameraContract(Contract[Camera]):
    """Subclass it and say in `make` how your camera is made; it must see something that is not of one colour."""

    period: ClassVar[float] = 0.1
    """One control period [s]."""

    @property
    def camera(self) -> Camera:
        """The camera that tests share."""
        return self.shared

    def wait(self) -> None:
        """Let one control period pass; by sleeping, which suits a real camera."""
        time.sleep(self.period)

    @rule("Camera.spec")
    def test_spec_is_that_of_a_pinhole(self) -> None:
        """Size and focal lengths are positive, the principal point is in the picture, the pose is finite."""
        spec = self.camera.spec
        assert spec.name and spec.width > 0 and spec.height > 0
        assert spec.fx > 0 and spec.fy > 0
        assert 0 < spec.cx < spec.width and 0 < spec.cy < spec.height
        assert len(spec.position) == 3 and np.isfinite(spec.position).all()
        assert abs(np.linalg.norm(spec.quaternion) - 1) < 1e-6

    @rule("Camera.read")
    def test_picture_is_as_the_spec_says(self) -> None:
        """A picture is (H, W, 3) RGB in bytes and depth (H, W) in metres, as large as the spec says, and not blank."""
        spec, frame = self.camera.spec, self.camera.read()
        assert frame.image.shape == (spec.height, spec.width, 3)
        assert frame.image.dtype == np.uint8
        assert frame.image.std() > 1, "the picture is blank"
        assert np.isfinite(frame.time) and isinstance(frame.number, int)
        if frame.depth is not None:
            assert frame.depth.shape == (spec.height, spec.width)
            assert frame.depth.dtype == np.float32
            assert np.isfinite(frame.depth).all() and (frame.depth >= 0).all()

    @rule("Camera.read")
    def test_every_period_has_a_picture_of_its_own(self) -> None:
        """One control period later there is another picture: another number, and a later time."""
        frames: list[Frame] = []
        for _ in range(4):
            frames.append(self.camera.read())
            self.wait()
        assert len({frame.number for frame in frames}) == len(frames), "a number is repeated"
        assert all(np.diff([frame.time for frame in frames]) > 0), "time does not go on"

    @rule("Camera.read")
    def test_repeated_number_is_a_repeated_picture(self) -> None:
        """Pictures of one number are one picture, of one time."""
        first, second = self.camera.read(), self.camera.read()
        if first.number == second.number:
            assert flat(first) == flat(second)

    @rule("Camera.read")
    def test_picture_that_was_returned_is_never_changed(self) -> None:
        """A picture stays as it was, whatever is read later."""
        frame = self.camera.read()
        kept = flat(frame)
        for _ in range(3):
            self.wait()
            self.camera.read()
        assert flat(frame) == kept

    @rule("Camera.close")
    def test_closes_twice(self) -> None:
        """`close` may be called twice."""
        camera = self.make()
        camera.read()
        camera.close()
        camera.close()
