"""The driver and an emulated controller are held to the contract that simulated arms are held to."""

from __future__ import annotations

from contextlib import ExitStack
from typing import ClassVar

import pytest
from arm_bench import bench

from ibc_gym.contracts import Robot
from ibc_gym.hardware.arm.robot import XArm
from ibc_gym.testing import RobotContract


@pytest.mark.slow  # in real time
class TestXArm(RobotContract):
    examples = 3
    shrink = False
    home_tolerance = 2e-3
    clock_tolerance = 0.5
    """Reports come a hundred times a second, and others share this machine."""
    _open: ClassVar[ExitStack]

    @classmethod
    def setup_class(cls) -> None:
        cls._open = ExitStack()

    @classmethod
    def teardown_class(cls) -> None:
        super().teardown_class()
        cls._open.close()

    def make(self) -> Robot:
        rig = self._open.enter_context(bench())
        return XArm(rig.config)
