"""While a program moves an arm in real time, a key of the terminal stops it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Protocol, runtime_checkable

from gymnasium.vector import SyncVectorEnv, VectorEnv

from ibc_gym.contracts import Robot
from ibc_gym.env import Env
from ibc_gym.errors import Declined, RobotFault, Stopped
from ibc_gym.loading import load
from ibc_gym.real_time import is_real_time
from ibc_gym.tables import PEOPLE

ESCAPE: Final = {"escape": "Esc"}
"""The only key that stops where others move; as `Brake` takes it."""


@runtime_checkable
class Stoppable(Protocol):
    """A robot that any thread may stop, so that nothing moves it before a person has cleared it."""

    def stop_for_good(self, why: str) -> None:
        """Stand still, now; never raises."""


def has_brake(workcell: str | None) -> bool:
    """Whether a key stops the arm there: it moves in real time, and somebody is at a terminal."""
    return is_real_time(workcell) and sys.stdin is not None and sys.stdin.isatty()


@contextmanager
def braked(
    workcell: str | None,
    moved: VectorEnv[Any, Any, Any] | Robot,
    stopping: Mapping[str, str] | None = None,
) -> Iterator[Callable[[], str | None]]:
    """Listen for the length of a block, which the stopped robot ends by its fault.

    Args:
        workcell: Where it moves; in a simulation nobody listens.
        moved: The robot, or environments of which the only one has it.
        stopping: The keys that stop it; Esc and q by default.

    Yields:
        What says why a person stopped it; it gives None while nobody has.

    Raises:
        Stopped: A person pressed the key, or closed the terminal; the robot was stopped before anything else.
    """
    robot = robot_of(moved)
    if robot is None or not has_brake(workcell):
        yield lambda: None
        return
    keys = {} if stopping is None else {"stopping": stopping}
    with load(PEOPLE, "brake", "part")(robot.stop_for_good, **keys) as brake:
        try:
            yield lambda: brake.why
        except (RobotFault, Declined) as error:
            brake.close()  # it may be stopping the robot still, and not know yet whether the robot heard
            if brake.why is None or brake.why not in _fault_of(robot):
                raise  # something else stopped it first
            raise Stopped(how_it_stopped(brake.why, robot)) from error


def how_it_stopped(why: str, robot: Stoppable | None) -> str:
    """That a person stopped the robot; what is wrong with it comes first, and then nobody says that it stands."""
    fault = _fault_of(robot)
    if why in fault and not fault.startswith(why):
        return fault
    return f"{why} It stands where it was."


def _fault_of(robot: Stoppable | None) -> str:
    fault = getattr(robot, "fault", None)
    return "" if fault is None else str(fault)


def robot_of(moved: VectorEnv[Any, Any, Any] | Robot) -> Stoppable | None:
    """The robot itself, or that of the only environment."""
    if not isinstance(moved, VectorEnv):
        return moved if isinstance(moved, Stoppable) else None
    if not isinstance(moved, SyncVectorEnv) or len(moved.envs) != 1:
        return None
    env = moved.envs[0].unwrapped
    robot = env.workcell.robot if isinstance(env, Env) else None
    return robot if isinstance(robot, Stoppable) else None
