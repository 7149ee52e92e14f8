"""A table with a rendered board whose camera and mount are known exactly, but told to the calibration only roughly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from ibc_gym import geometry
from ibc_gym.contracts import Camera, Workcell
from ibc_gym.envs.simulators.mujoco_sim import make_workcell
from ibc_gym.envs.tasks.calibration import CalibrationConfig, CalibrationStage
from ibc_gym.envs.tasks.real_stage import board_camera
from ibc_gym.hardware.calibration.measure import Calibration
from ibc_gym.hardware.calibration.views import View
from ibc_gym.records import CameraSpec, Frame, Pose

HEIGHT, WIDTH = 360, 640


class RoughlyPlaced:
    """A camera that is told to stand where it nearly stands."""

    def __init__(self, camera: Camera, said: CameraSpec) -> None:
        self._camera, self.spec = camera, said

    def read(self) -> Frame:
        return self._camera.read()

    def close(self) -> None:
        self._camera.close()


def moved(pose: Pose, shift: tuple[float, float, float], turn: tuple[float, float, float]) -> Pose:
    turned = geometry.rotation(pose.quaternion) * Rotation.from_rotvec(turn)
    return Pose(position=pose.position + shift, quaternion=geometry.quaternion(turned))


def pose_of(camera: CameraSpec) -> Pose:
    return Pose(position=np.array(camera.position), quaternion=np.array(camera.quaternion))


def placed(camera: CameraSpec, pose: Pose) -> CameraSpec:
    x, y, z = pose.position.tolist()
    w, i, j, k = pose.quaternion.tolist()
    return replace(camera, position=(x, y, z), quaternion=(w, i, j, k))


@dataclass(frozen=True)
class Table:
    """What is true of it, and what is said."""

    calibration: Calibration
    stage: CalibrationStage
    cell: Workcell
    camera: CameraSpec
    """In truth."""
    said: CameraSpec
    """The same with a pose that is 3 cm and 5 degrees off."""
    said_mount: Pose
    """flange_T_board, 1.7 cm and 5 degrees off."""


@pytest.fixture(scope="session")
def table() -> Iterator[Table]:
    """The table of the rig, with a lens that is not quite in the middle and not quite square."""
    said = replace(
        board_camera((HEIGHT, WIDTH)), fx=515.5, fy=512.4, cx=WIDTH / 2 + 7.3, cy=HEIGHT / 2 - 5.1
    )
    camera = placed(said, moved(pose_of(said), (0.02, -0.02, 0.015), (0.05, -0.05, 0.05)))
    calibration = Calibration()
    stage = CalibrationStage(
        CalibrationConfig(camera=camera),
        board=calibration.picture,
        outer_size=calibration.outer_size,
        margin=calibration.margin,
    )
    cell = make_workcell(stage, cameras=True)
    yield Table(
        calibration=calibration,
        stage=stage,
        cell=replace(cell, cameras={"front": RoughlyPlaced(cell.cameras["front"], said)}),
        camera=camera,
        said=said,
        said_mount=moved(stage.flange_T_board, (0.01, -0.01, 0.01), (0.06, -0.04, 0.05)),
    )
    cell.close()


@pytest.fixture(scope="session")
def views(table: Table) -> list[View]:
    """The board from 25 sides, as the camera saw it."""
    return table.calibration.look(
        table.cell,
        "front",
        table.said_mount,
        tool_length=table.stage.scene.tool.length,
        views=25,
        speed=1.0,
        rng=np.random.default_rng(3),
    )
