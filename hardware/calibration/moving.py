"""Bring an arm somewhere slowly, through the `Robot` contract, and wait until it stands still."""

from __future__ import annotations

from typing import Final

import numpy as np

from ibc_gym.contracts import Camera, Robot
from ibc_gym.errors import CameraTimeout, ConfigError, RobotFault
from ibc_gym.records import Float64, Frame, RobotState, Target

SPEED: Final = 0.35
"""Of the joint that has the furthest to go [rad/s]; 20 degrees per second."""
PEAK: Final = 1.5
"""Greatest speed of an eased motion, of its mean."""
STILL: Final = 0.5
"""How long the arm stands still before a picture [s]."""
AT_REST: Final = 0.002
"""Joints that are slower are at rest [rad/s]; measured velocities are noisy."""
ARRIVED: Final = 0.01
"""From where the joints were sent to where they stand, at most [rad]."""
PATIENCE: Final = 10.0
"""Time to come to rest after the last target [s]."""


class Mover:
    """Moves an arm from view to view."""

    def __init__(self, robot: Robot, speed: float = SPEED) -> None:
        """Move this robot, its joints at `speed` at most [rad/s]."""
        self._robot = robot
        self._period = robot.limits.control_period
        self._speed = speed

    def go(self, joints: Float64) -> RobotState:
        """Go to joints (J,) [rad], all of them evenly; gives the state once the arm stands still there.

        Raises:
            ConfigError: Limits do not let the arm go there; it was stopped.
            RobotFault: It did not come to rest there, or something else is wrong; it was stopped.
        """
        here = self._commanded()
        furthest = float(np.abs(joints - here).max())
        steps = max(1, int(np.ceil(PEAK * furthest / (self._speed * self._period))))
        try:
            for number in range(1, steps + 1):
                self._send(here + (joints - here) * _eased(number / steps))
            return self._rest(joints)
        except BaseException:
            self._robot.stop()
            raise

    def picture(self, camera: Camera) -> tuple[Frame, RobotState]:
        """A picture of the arm at rest, exposed after it came to rest, and the state when it was there.

        The arm stands, so a camera that falters has `PATIENCE` to be had back.

        Raises:
            CameraTimeout: None came in time.
        """
        since = self._robot.observe().time
        why: CameraTimeout | None = None
        for _ in range(max(1, round(PATIENCE / self._period))):
            try:
                frame = camera.read()
            except CameraTimeout as late:
                why = late
            else:
                if frame.time >= since:
                    return frame, self._robot.observe()
                why = CameraTimeout(
                    f"Camera {camera.spec.name!r} gave no picture newer than {since:.3f} s within {PATIENCE:g} s, its newest "
                    f"is of {frame.time:.3f} s: do robot and camera have one clock?"
                )
            self._robot.command(
                Target(joints=self._commanded())
            )  # or the arm takes it for a hung program
            self._robot.advance()
        assert why is not None
        raise why

    def _commanded(self) -> Float64:
        state = self._robot.observe()
        return state.joints if state.target.joints is None else state.target.joints

    def _send(self, joints: Float64) -> None:
        sent = self._robot.command(Target(joints=joints))
        if sent.joints is None or np.abs(sent.joints - joints).max() > 1e-6:
            raise ConfigError(
                f"The robot's limits changed a target of the calibration, joints {joints.round(3).tolist()} rad. Widen its "
                "workspace, as docs/calibration.md says, or bring the camera nearer to it."
            )
        self._robot.advance()

    def _rest(self, joints: Float64) -> RobotState:
        """Wait until the arm has stood still for `STILL`."""
        needed = 1 + int(
            np.ceil(STILL / self._period)
        )  # measurements, the first and the last included
        still = 0
        for _ in range(int(np.ceil((PATIENCE + STILL) / self._period))):
            self._robot.command(Target(joints=joints))
            self._robot.advance()
            state = self._robot.observe()
            still = still + 1 if np.abs(state.joint_velocities).max() < AT_REST else 0
            if still >= needed:
                break
        else:
            raise RobotFault(
                f"The arm did not come to rest within {PATIENCE:g} s: a joint still moves at "
                f"{np.abs(state.joint_velocities).max():.4f} rad/s. Is something pushing it?"
            )
        off = float(np.abs(state.joints - joints).max())
        if off > ARRIVED:
            raise RobotFault(
                f"The arm stands still {off:.3f} rad from where it was sent: something holds it."
            )
        return state


def _eased(share: float) -> float:
    """Begin and end slowly, and be `PEAK` times as fast in between."""
    return share * share * (3 - 2 * share)
