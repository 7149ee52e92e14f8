"""Every row's camera is held to the contract of cameras."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from rows import Row, suites

from ibc_gym.contracts import Camera, Robot
from ibc_gym.testing import CameraContract


class Cameras(CameraContract):
    row: Row
    robot: ClassVar[Robot]
    """Beside the camera that was made last; it lets time pass."""

    def make(self) -> Camera:
        workcell, start = (
            self.row.make_workcell(cameras=True),
            self.row.make_task().sample(np.random.default_rng(0)),
        )
        workcell.robot.reset(start.home)
        workcell.scene.arrange(start.layout)
        type(self).robot = workcell.robot
        return next(iter(workcell.cameras.values()))

    def wait(self) -> None:
        self.robot.advance()


globals().update(suites(Cameras))
