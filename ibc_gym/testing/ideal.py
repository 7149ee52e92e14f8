"""A robot without mass: at the end of every period it is where it was told to be."""

from __future__ import annotations

import numpy as np

from ibc_gym.closing import Closing
from ibc_gym.errors import SpecMismatch
from ibc_gym.records import Float64, Pose, RobotLimits, RobotState, Target
from ibc_gym.testing.bits import moved, place


class IdealRobot(Closing):
    """Goes where it is told, within its limits; for tests of tasks and policies that need no physics.

    Commanded by the tool's pose, its joints are the three axes of a gantry [m]. Commanded by joints, it has no tool.
    """

    def __init__(self, limits: RobotLimits, home: Target) -> None:
        """Stand at `home`, which also says whether joints or tool poses are commanded."""
        self.limits = limits
        self._home = home
        self.reset()

    def reset(self, home: Target | None = None) -> None:
        """Appear at rest at `home`, brought within the limits."""
        self._time, self._interventions, self._stopped = 0.0, 0, False
        self._target = self._here = self._limited(home or self._home)
        self._velocities: Float64 = np.zeros_like(place(self._here))

    def observe(self) -> RobotState:
        """Where it is."""
        return RobotState(
            time=self._time,
            joints=place(self._here).copy(),
            joint_velocities=self._velocities.copy(),
            tool=self._here.tool,
            target=self._target,
            interventions=self._interventions,
        )

    def command(self, target: Target) -> Target:
        """Take a target over, brought within the limits; a robot that was stopped stays where it is.

        Raises:
            SpecMismatch: It is not finite, of another kind or shape; nothing was sent.
        """
        sent = self._limited(target)
        if self._stopped:
            sent = self._target
        self._interventions += not np.array_equal(place(sent), place(target))
        self._target = sent
        return sent

    def advance(self) -> None:
        """Be where it was told to be."""
        period = self.limits.control_period
        self._velocities = (place(self._target) - place(self._here)) / period
        self._here = self._target
        self._time += period

    def stop(self) -> None:
        """Stand still until the next reset."""
        self._stopped, self._target = True, self._here

    def close(self) -> None:
        """Nothing is held."""

    def _limited(self, target: Target) -> Target:
        if (target.joints is None) == (target.tool is None) or (target.tool is None) != (
            self._home.tool is None
        ):
            kind = "joints" if self._home.tool is None else "a tool pose"
            raise SpecMismatch(f"This robot takes {kind} and nothing else; nothing was sent.")
        _check(place(target), len(self.limits.lower))
        if target.tool is not None:
            _check(target.tool.quaternion, 4)
        return moved(target, lambda values: np.clip(values, self.limits.lower, self.limits.upper))


def at(position: Float64) -> Target:
    """The target of a tool that points nowhere in particular, at a position (3,) [m]."""
    return Target(tool=Pose(position=position))


def _check(numbers: Float64, size: int) -> None:
    if np.shape(numbers) != (size,) or not np.isfinite(numbers).all():
        raise SpecMismatch(f"{numbers} is not {size} finite numbers; nothing was sent.")
