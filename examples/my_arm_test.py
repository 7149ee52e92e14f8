"""A driver of your own, held to the contract of robots in five lines: `pytest examples/my_arm_test.py`.

The controller below stands in for a vendor's library; `MyArm` is what you would write around one.
"""

from __future__ import annotations

import numpy as np

from ibc_gym.closing import Closing
from ibc_gym.errors import SpecMismatch
from ibc_gym.records import Float64, Pose, RobotLimits, RobotState, Target
from ibc_gym.testing import RobotContract


class Controller:
    """As vendors have it: millimetres, no limits, and it goes wherever it is told, at 250 mm/s."""

    def __init__(self) -> None:
        self.here_mm = self.aim_mm = np.array([300.0, 0.0, 100.0])
        self.seconds = 0.0

    def send(self, aim_mm: Float64) -> None:
        self.aim_mm = aim_mm

    def wait(self, seconds: float) -> None:
        way = self.aim_mm - self.here_mm
        part = min(1.0, 250.0 * seconds / max(float(np.linalg.norm(way)), 1e-9))
        self.here_mm = self.here_mm + part * way
        self.seconds += seconds


class MyArm(Closing):
    """A gantry whose tool is told where to be [m]; all of the vendor's units end in this class."""

    limits = RobotLimits(control_period=0.1, lower=(0.2, -0.3, 0.02), upper=(0.6, 0.3, 0.4))

    def __init__(self) -> None:
        self._controller = Controller()
        self._home = Target(tool=Pose(position=np.array([0.3, 0.0, 0.1])))
        self.reset()

    def reset(self, home: Target | None = None) -> None:
        self._interventions, self._stopped = 0, False
        self._send(self._checked(home or self._home))
        self._controller.wait(5.0)
        self._velocity = np.zeros(3)

    def observe(self) -> RobotState:
        here = self._controller.here_mm / 1000
        return RobotState(
            time=self._controller.seconds,
            joints=here,
            joint_velocities=self._velocity,
            tool=Pose(position=here.copy()),
            target=self._target,
            interventions=self._interventions,
        )

    def command(self, target: Target) -> Target:
        asked = self._checked(target)
        sent = self._target if self._stopped else self._limited(asked)
        self._interventions += not np.array_equal(_position(sent), _position(asked))
        self._send(sent)
        return sent

    def advance(self) -> None:
        before = self._controller.here_mm
        self._controller.wait(self.limits.control_period)
        moved = self._controller.here_mm - before
        self._velocity = moved / 1000 / self.limits.control_period

    def stop(self) -> None:
        self._stopped = True
        self._send(Target(tool=Pose(position=self._controller.here_mm / 1000)))

    def _checked(self, target: Target) -> Target:
        position = None if target.tool is None else target.tool.position
        if position is None or position.shape != (3,) or not np.isfinite(position).all():
            raise SpecMismatch(f"{target} is not a tool position of 3 finite numbers [m].")
        return target

    def _limited(self, target: Target) -> Target:
        inside = np.clip(_position(target), self.limits.lower, self.limits.upper)
        return Target(tool=Pose(position=inside))

    def _send(self, target: Target) -> None:
        self._target = target
        self._controller.send(1000 * _position(target))


def _position(target: Target) -> Float64:
    assert target.tool is not None
    return target.tool.position


class TestMyArm(RobotContract):
    takes_joints = False

    def make(self) -> MyArm:
        return MyArm()
