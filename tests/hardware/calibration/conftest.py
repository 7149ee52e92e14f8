"""The board as it is rendered, looked at once for all tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from rendered_board import RoughlyPlaced, Table, moved, placed, pose_of

from ibc_gym.envs.tasks.real_stage import board_camera
from ibc_gym.hardware.calibration.measure import Calibration
from ibc_gym.hardware.calibration.views import View
from ibc_gym.registry import make_stage, make_workcell

HEIGHT, WIDTH = 360, 640


@pytest.fixture(scope="session")
def table() -> Iterator[Table]:
    """The table of the rig, with a lens that is not quite in the middle and not quite square."""
    said = replace(
        board_camera((HEIGHT, WIDTH)), fx=515.5, fy=512.4, cx=WIDTH / 2 + 7.3, cy=HEIGHT / 2 - 5.1
    )
    camera = placed(said, moved(pose_of(said), (0.02, -0.02, 0.015), (0.05, -0.05, 0.05)))
    calibration = Calibration()
    stage = make_stage("calibration", {"camera": camera}, {})  # the usual board
    cell = make_workcell("mujoco", stage, cameras=True)
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
