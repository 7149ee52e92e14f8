"""A table with a rendered board whose camera and mount are known exactly, but told to the calibration only roughly."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.transform import Rotation

from ibc_gym import geometry
from ibc_gym.contracts import Camera, Workcell
from ibc_gym.envs.tasks.calibration import CalibrationStage
from ibc_gym.hardware.calibration.measure import Calibration
from ibc_gym.records import CameraSpec, Frame, Pose


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
