"""A workcell whose robot has a guard before it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np

from ibc_gym.contracts import Simulation, Workcell
from ibc_gym.errors import ConfigError
from ibc_gym.kinematics import Kinematics
from ibc_gym.records import Float64
from ibc_gym.xarm6 import XARM6

from .guard import SAVED
from .limits import SafetyLimits
from .robot import SafeRobot

CARRIED: Final = 3 + SAVED
"""How many numbers the guard adds to a saved state."""


def guarded(workcell: Workcell, task: Any, limits: SafetyLimits | None = None) -> Workcell:
    """The same workcell, its robot a `SafeRobot`; one that has such a robot already is left as it is.

    Without limits nothing that is sent or saved changes; what latches does.

    Args:
        workcell: Where a task happens.
        task: With a `scene`, its tool is the arm's; without one, limits that need an arm's kinematics are refused.
        limits: Bounds on what is commanded.

    Raises:
        ConfigError: The limits need the arm's kinematics, and the task has no arm; or the workcell has its own.
    """
    if isinstance(workcell.robot, SafeRobot):
        if limits is not None:
            raise ConfigError(
                f"Workcell {workcell.name!r} has safety limits of its own; change them in its configuration."
            )
        return workcell
    scene = getattr(task, "scene", None)
    kinematics = None if scene is None else Kinematics(XARM6, scene.tool.length)
    robot = SafeRobot(workcell.robot, limits, kinematics=kinematics)
    simulation = workcell.simulation
    if simulation is not None and robot.safety.on:
        simulation = SafeSimulation(simulation, robot)
    return replace(workcell, robot=robot, simulation=simulation)


class SafeSimulation:
    """A simulation whose state has what the guard carries, too."""

    def __init__(self, inner: Simulation, robot: SafeRobot) -> None:
        """Save and restore a world together with the guard of its robot."""
        self._inner = inner
        self._robot = robot

    def save(self) -> Float64:
        """The world's state and the guard's, (S + CARRIED,)."""
        return np.concatenate([self._inner.save(), self._robot.save()])

    def restore(self, state: Float64) -> None:
        """Go on as if `state` had just been saved here.

        Raises:
            ConfigError: It is too short to be one.
        """
        if state.ndim != 1 or len(state) <= CARRIED:
            raise ConfigError(
                f"A saved state of shape {state.shape} is none of a simulation with safety limits."
            )
        self._inner.restore(state[:-CARRIED])
        self._robot.restore(state[-CARRIED:])
