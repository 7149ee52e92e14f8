"""A safe robot around one that keeps a notebook, and the limits that both are tried within."""

from __future__ import annotations

from typing import Any

import numpy as np

from ibc_gym.errors import RobotFault
from ibc_gym.hardware.safety import SafeRobot, SafetyLimits
from ibc_gym.kinematics import DOWN
from ibc_gym.records import Float64, Pose, RobotLimits, Target
from ibc_gym.testing.ideal import IdealRobot

BOX = RobotLimits(control_period=0.1, lower=(0.15, -0.4, 0.05), upper=(0.6, 0.4, 0.6))
HOME = Target(tool=Pose(position=np.array([0.3, 0.0, 0.2]), quaternion=DOWN))
SLANTED = SafetyLimits(
    workspace=((1.0, 1.0, 0.0, 0.7), (-1.0, 1.0, 0.5, 0.5)),
    height=(0.1, 0.3),
    speed=0.5,
    turning_speed=1.0,
    step=0.08,
    tilt=0.3,
)


class Notebook(IdealRobot):
    """Notes what reaches the robot; fails when it is told to, and latches as the driver of a real arm does."""

    def __init__(self) -> None:
        self.got: list[Target] = []
        self.moves = 0
        self.broken = self.held = False
        self._latched: RobotFault | None = None
        super().__init__(BOX, HOME)

    @property
    def fault(self) -> RobotFault | None:
        return self._latched

    def recover(self) -> None:
        if self.held:
            raise RobotFault("The emergency stop is still pressed; release it.")
        self._latched, self.broken = None, False

    def command(self, target: Target) -> Target:
        assert self._latched is None, "a target came after a fault"
        self.got.append(target)
        return super().command(target)

    def advance(self) -> None:
        self.moves += 1
        if self.broken:
            self._latched = RobotFault("Collision (C31). Look, then clear.")
            raise self._latched
        super().advance()

    def lag(self, share: float) -> None:
        """Be found on the way between where it was and where it was told to be, as a real arm is."""
        assert self._here.tool is not None and self._target.tool is not None
        here, there = self._here.tool.position, self._target.tool.position
        self._here = Target(
            tool=Pose(position=here + share * (there - here), quaternion=self._here.tool.quaternion)
        )


def to(x: float, y: float, z: float, quaternion: Float64 = DOWN) -> Target:
    return Target(tool=Pose(position=np.array([x, y, z]), quaternion=quaternion))


def safe(limits: SafetyLimits = SLANTED, **more: Any) -> tuple[SafeRobot, Notebook]:
    inner = Notebook()
    robot = SafeRobot(inner, limits, **more)
    robot.reset(HOME)
    return robot, inner
