"""Looking at the board in a workcell: what was seen is told, and the arm stands still whatever happens."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from rendered_board import Table

from ibc_gym.errors import CameraTimeout, UnknownName
from ibc_gym.hardware.calibration.views import View
from ibc_gym.records import Frame


class Watched:
    """A robot that notes when it was stopped."""

    def __init__(self, robot: Any) -> None:
        self._robot, self.stops = robot, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._robot, name)

    def stop(self) -> None:
        self.stops += 1
        self._robot.stop()


class Failing:
    """A camera that gives so many pictures and no more."""

    def __init__(self, camera: Any, good: int) -> None:
        self._camera, self._left, self.spec = camera, good, camera.spec

    def read(self) -> Frame:
        self._left -= 1
        if self._left < 0:
            raise CameraTimeout("No picture.")
        frame: Frame = self._camera.read()
        return frame

    def close(self) -> None: ...


def looked(table: Table, camera: str = "front", **changes: Any) -> list[View]:
    return table.calibration.look(
        replace(table.cell, **changes),
        camera,
        table.said_mount,
        tool_length=table.stage.scene.tool.length,
        views=5,
        speed=1.0,
        rng=np.random.default_rng(0),
    )


def test_arm_stands_still_when_all_is_seen(table: Table) -> None:
    robot = Watched(table.cell.robot)
    views = looked(table, robot=robot)
    assert len(views) == 5 and robot.stops == 1
    assert all(len(view.seen) >= 24 for view in views)


def test_camera_that_fails_midway_stops_the_arm_and_is_told(table: Table) -> None:
    robot = Watched(table.cell.robot)
    cameras = {"front": Failing(table.cell.cameras["front"], 2)}
    with pytest.raises(CameraTimeout, match="No picture"):
        looked(table, robot=robot, cameras=cameras)
    assert robot.stops >= 1
    before = robot.observe()
    robot.command(before.target)
    for _ in range(3):
        robot.advance()
    np.testing.assert_allclose(robot.observe().joints, before.joints, atol=1e-6)


def test_pictures_without_a_board_give_no_views(table: Table) -> None:
    class Covered(Failing):
        def read(self) -> Frame:
            return replace(super().read(), image=np.zeros((360, 640, 3), np.uint8))

    assert looked(table, cameras={"front": Covered(table.cell.cameras["front"], 99)}) == []


def test_camera_that_is_not_there_is_named(table: Table) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'front'"):
        looked(table, "frnt")
