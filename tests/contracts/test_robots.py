"""Every row's robot is held to the contract of robots."""

from __future__ import annotations

from rows import Row, suites

from ibc_gym.contracts import Robot
from ibc_gym.testing import RobotContract


class Robots(RobotContract):
    row: Row
    joint_overshoot = 0.02
    """Servos that are thrown about by half a radian a period stray by 15 mm at the most of some thousand tries."""

    @property
    def overshoot(self) -> float:  # type: ignore[override]  # the particle's spring lets it swing past its set-point
        return 0.02 if self.row.workcell == "particle" else 0.005

    def make(self) -> Robot:
        return self.row.make_workcell().robot


globals().update(suites(Robots))
