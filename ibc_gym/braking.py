"""While a policy moves an arm in real time, a key of the terminal stops it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol, runtime_checkable

from gymnasium.vector import SyncVectorEnv, VectorEnv

from ibc_gym.env import Env
from ibc_gym.errors import Declined, RobotFault, Stopped
from ibc_gym.real_time import is_real_time
from ibc_gym.registry import load
from ibc_gym.tables import PEOPLE


@runtime_checkable
class Stoppable(Protocol):
    """A robot that any thread may stop, so that nothing moves it before a person has cleared it."""

    def stop_for_good(self, why: str) -> None:
        """Stand still, now; never raises."""


def has_brake(workcell: str | None) -> bool:
    """Whether a key stops the arm there: it moves in real time, and somebody is at a terminal."""
    return is_real_time(workcell) and sys.stdin is not None and sys.stdin.isatty()


@contextmanager
def braked(workcell: str | None, envs: VectorEnv[Any, Any, Any]) -> Iterator[None]:
    """Listen for the length of a block, which the stopped robot ends by its fault.

    Raises:
        Stopped: A person pressed the key, or closed the terminal; the robot was stopped before anything else.
    """
    robot = _robot_of(envs)
    if robot is None or not has_brake(workcell):
        yield
        return
    with load(PEOPLE, "brake", "part")(robot.stop_for_good) as brake:
        try:
            yield
        except (RobotFault, Declined) as error:
            fault = getattr(robot, "fault", None)
            if brake.why is None or brake.why not in str(fault):
                raise  # something else stopped it first
            raise Stopped(f"{brake.why} It stands where it was.") from error


def _robot_of(envs: VectorEnv[Any, Any, Any]) -> Stoppable | None:
    """The robot of the only environment."""
    if not isinstance(envs, SyncVectorEnv) or len(envs.envs) != 1:
        return None
    env = envs.envs[0].unwrapped
    robot = env.workcell.robot if isinstance(env, Env) else None
    return robot if isinstance(robot, Stoppable) else None
