"""Whose hand leads an arm to a point: that of the person at the terminal, or on the emulated table one that is scripted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import cycle
from typing import Any, Final

import numpy as np

from ibc_gym.closing import Closing
from ibc_gym.contracts import Workcell
from ibc_gym.kinematics import Kinematics
from ibc_gym.records import Float64

from ..calibration.by_hand import THERE, led_of
from ..calibration.touches import plan_touches
from ..rig.process import Rig
from ..table.console import Answers, KeyConsole, Meanwhile
from .emulated import EmulatedArm

GLANCE: Final = 0.05
"""How often the scripted person sees whether the arm is where it was led [s]."""


def hand_at(
    workcell: Workcell,
    stage: Any,
    point: Float64,
    *,
    count: int,
    speed: float,
    rng: np.random.Generator,
) -> KeyConsole | ScriptedHand:
    """Who is asked to bring the tip to a point; to be closed afterwards.

    Args:
        workcell: Whose arm is led.
        stage: The scene of the calibration, which knows the tip of an emulated arm.
        point: Where an emulated arm's tip is held, in the base frame, (3,) [m]; a person knows for themselves.
        count: How often.
        speed: Of an emulated arm's joints, at most [rad/s].
        rng: Draws how the scripted person tilts the tool, and trembles.

    Raises:
        ConfigError: The arm cannot be led, or there is no terminal at which a person could be asked; or an emulated arm does
            not reach the point.
    """
    led_of(workcell)
    arm = getattr(workcell.robot, "inner", workcell.robot)
    if not isinstance(arm, EmulatedArm):
        return KeyConsole()
    kinematics = Kinematics(arm.config.kinematics().arm, stage.scene.tool.length)
    joints = np.array(arm.rig.state()["joints"])
    way = plan_touches(
        kinematics,
        stage.flange_T_tip,
        point,
        arm.limits,
        joints,
        rng,
        count,
        stage.config.unsteady,
    )
    return ScriptedHand(arm.rig, cycle(way), speed)


class ScriptedHand(Closing):
    """A person at the emulated table, who leads the arm from touch to touch and presses the key each time."""

    def __init__(self, rig: Rig, way: Iterator[Float64], speed: float) -> None:
        """Lead a rig's arm along joints (6,) [rad], at a speed [rad/s]."""
        self._rig, self._way, self._speed = rig, way, speed

    def say(self, sentence: str) -> None:
        """Nobody reads."""

    def ask(self, question: str, answers: Answers, meanwhile: Meanwhile = None) -> str:
        """Bring the tip to the point if that is asked for, and say yes.

        Raises:
            RigError: The arm is stiff.
        """
        if answers is not THERE:
            return "enter"
        self._rig.lead(next(self._way).tolist(), self._speed)
        while self._rig.state()["moving"]:
            if meanwhile is not None:
                meanwhile()
            time.sleep(GLANCE)
        return "enter"

    def pressed(self) -> tuple[str, ...]:
        """No key between two questions."""
        return ()

    def close(self) -> None:
        """Nothing is held."""
