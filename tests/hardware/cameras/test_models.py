"""What the emulated table is filmed with: a device that can be bought, and that sees what the task needs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ibc_gym.contracts import Camera
from ibc_gym.hardware.cameras.fitted import FittedCamera
from ibc_gym.hardware.rig.cameras.models import ASIDE, MODELS, filmed, lens_of
from ibc_gym.hardware.workcells.table import seen_by
from ibc_gym.records import CameraSpec, Frame
from ibc_gym.registry import make_stage, make_task
from ibc_gym.tables import TASKS


class Device:
    """What has a lens, and black pictures."""

    def __init__(self, spec: CameraSpec) -> None:
        self.spec = spec

    def read(self) -> Frame:
        return Frame(
            image=np.zeros((self.spec.height, self.spec.width, 3), np.uint8), time=0.0, number=0
        )

    def close(self) -> None: ...


def camera_of(stage: Any) -> CameraSpec:
    camera: CameraSpec = stage.scene.cameras[0]
    return camera


@pytest.mark.parametrize(
    "name", [task for task in TASKS if "xarm-emulated" in make_task(task).workcells]
)
def test_every_task_is_filmed_by_a_device_of_the_series_and_seen_whole(name: str) -> None:
    task = make_task(name)
    wanted = camera_of(task)
    model, spec = filmed(wanted)
    lens = MODELS[model].colour_lens(spec.width, spec.height)
    assert lens_of(spec) == replace(lens, cx=lens.cx + ASIDE[0], cy=lens.cy + ASIDE[1])
    assert (spec.position, spec.quaternion) == (wanted.position, wanted.quaternion)
    seen: Camera = seen_by(task, Device(spec), wanted)
    assert isinstance(seen, FittedCamera)
    assert (seen.spec.width, seen.spec.fx, seen.spec.cy) == (wanted.width, wanted.fx, wanted.cy)


def test_calibration_looks_through_the_whole_device() -> None:
    stage = make_stage("calibration", {})
    device = Device(filmed(camera_of(stage))[1])
    assert seen_by(stage, device, camera_of(stage)) is device


def test_picture_that_no_device_of_the_series_gives_is_filmed_all_the_same() -> None:
    wide = replace(camera_of(make_task("insert")), fx=120.0, fy=120.0)
    model, spec = filmed(wide)
    assert model == "D415" and (spec.width, spec.height) == (640, 360)
    assert (spec.fx, spec.cx, spec.depth) == (240.0, 320.0, True)
