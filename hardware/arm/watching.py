"""What the controller reports of itself, held against what it ought to be doing."""

from __future__ import annotations

from ibc_gym.errors import RobotFault

from .config import XArmConfig
from .reports import Reports


def watch(config: XArmConfig, reports: Reports, mode: int, *, since: float, now: float) -> None:
    """Notice that the controller has stopped, changed its mode, has an error, or is silent.

    Args:
        config: Of the arm.
        reports: Of its controller.
        mode: The one that it was put into.
        since: When that was; what was reported before says nothing [s].
        now: [s]

    Raises:
        RobotFault: One of these.
    """
    address = config.address
    if reports.lost is not None:
        raise RobotFault(f"The reports of the controller at {address} ended: {reports.lost}.")
    motion, setup = reports.motion, reports.setup
    age = now - max(since, motion.time if motion else 0.0)
    if age > config.report_timeout:
        raise RobotFault(
            f"The controller at {address} has reported nothing for {age:.2f} s: it is frozen, or the cable is out."
        )
    if setup is not None and setup.time > since and setup.error:
        raise RobotFault(f"The controller at {address} reports an error.")
    if motion is None or motion.time <= since:
        return
    if motion.state >= 3:
        what = "paused" if motion.state == 3 else "stopped"
        raise RobotFault(
            f"The arm at {address} was {what} by the controller (state {motion.state})."
        )
    if motion.mode != mode:
        raise RobotFault(
            f"The mode of the controller at {address} was changed from {mode} to {motion.mode} by somebody else."
        )
