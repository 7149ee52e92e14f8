"""A person leads the arm until its tip touches a point, says so by a key, and does it again from another side.

The controller bears the arm meanwhile; nothing here moves it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Final

import numpy as np

from ibc_gym.contracts import Robot, Workcell
from ibc_gym.errors import ConfigError, Declined
from ibc_gym.offers import LedByHand
from ibc_gym.records import Pose, RobotState

from ..table.console import Console
from .collecting import OnView, Setting, flange_in
from .moving import PATIENCE, STILL
from .tool_point import solve_tool_point

HOLD: Final = {"enter": "I hold it", "escape": "give up"}
THERE: Final = {
    "enter": "it touches",
    "backspace": "forget the last",
    "f": "that is all",
    "escape": "give up",
}
LEAST: Final = 8
"""Poses, before a person may say that it is all."""
QUIET: Final = 0.01
"""Joints that are slower are still enough: a hand is on the arm [rad/s]."""


def touch_by_hand(
    workcell: Workcell,
    console: Console,
    setting: Setting,
    count: int,
    on_view: OnView | None = None,
) -> list[Pose]:
    """Poses of the flange, base_T_flange, in which a person says that the tip touches the point.

    Args:
        workcell: Whose arm has the tool, and can be led.
        console: Where the person is asked.
        setting: The arm with the tool as it is said to be.
        count: How many poses; the person may end with `LEAST` of them.
        on_view: Told after every pose.

    Raises:
        ConfigError: The arm cannot be led by hand.
        Declined: The person gave up; the arm stands.
        RobotFault: The arm is not to be led any more; it was stopped.
    """
    robot, led = workcell.robot, led_of(workcell)
    held = (
        "The arm is about to bear only itself and to follow your hand; with a wrong payload it sinks, and if this program dies it "
        "stays so. Is the emergency stop in reach, and do you hold the arm?"
    )
    _or_declined(console.ask(held, HOLD))
    poses: list[Pose] = []
    with led():
        while len(poses) < count:
            answer = _or_declined(
                console.ask(_wanted(len(poses), count), THERE, lambda: _look(robot))
            )
            if answer == "f":
                if len(poses) >= LEAST:
                    break
                console.say(f"At least {LEAST} poses are needed first.")
            elif answer == "backspace":
                del poses[-1:]
            elif (state := _at_rest(robot)) is None:
                console.say(
                    "Not taken: the arm did not come to rest. Hold it still, then press Enter."
                )
            else:
                poses.append(flange_in(state, setting))
                if on_view is not None:
                    on_view(len(poses), count, None)
            console.say(_so_far(poses, count))
    console.say("The arm stands by itself again.")
    return poses


def led_of(workcell: Workcell) -> Callable[[], AbstractContextManager[None]]:
    """What lets a hand lead a workcell's arm, for the length of a block.

    Raises:
        ConfigError: Nothing does.
    """
    robot = workcell.robot  # a guard before it has the verb whatever it guards
    if isinstance(robot, LedByHand) and isinstance(getattr(robot, "inner", robot), LedByHand):
        return robot.led
    raise ConfigError(
        f"The arm of workcell {workcell.name!r} cannot be led by hand. Write down its poses, then --poses FILE: see "
        "docs/calibration.md."
    )


def _or_declined(answer: str) -> str:
    if answer == "escape":
        raise Declined("You gave up; the arm stands, and nothing was stored.")
    return answer


def _wanted(done: int, count: int) -> str:
    return (
        f"Pose {done + 1} of {count}: bring the tip to the point, tilted by 20 to 45 degrees another way than before, and let the "
        "arm rest."
    )


def _look(robot: Robot) -> None:
    """Notice that the arm is not to be led any more, while the person is busy with it."""
    robot.observe()


def _at_rest(robot: Robot) -> RobotState | None:
    """The state after the arm has stood still for `STILL`; None where it does not."""
    period = robot.limits.control_period
    still = 0
    for _ in range(int(np.ceil(PATIENCE / period))):
        robot.advance()
        state = robot.observe()
        still = still + 1 if np.abs(state.joint_velocities).max() < QUIET else 0
        if still * period >= STILL:
            return state
    return None


def _so_far(poses: Sequence[Pose], count: int) -> str:
    """How many there are, and how well they agree."""
    said = f"{len(poses)} of {count} poses."
    if len(poses) < LEAST:
        return said
    try:
        found = solve_tool_point(poses)
    except ConfigError as unlike:
        return f"{said} {unlike}"
    return f"{said} They agree on the tip within {1000 * found.residual:.2f} mm, {found.dropped} of them left out."
