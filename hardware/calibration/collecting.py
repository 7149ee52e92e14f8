"""What a calibration does in a workcell: go somewhere, stand still, and look, or note where the arm is.

Whatever goes wrong, the arm stands still before anybody hears of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from ibc_gym.contracts import Camera, Robot, Workcell
from ibc_gym.errors import ConfigError, UnknownName
from ibc_gym.kinematics import Kinematics
from ibc_gym.records import Float64, Frame, Pose, RobotState
from ibc_gym.xarm6 import XARM6, ArmSpec

from .board import Board
from .moving import SPEED, Mover
from .poses import PlanConfig, plan_views
from .touches import plan_touches
from .views import View, flange_of

OnView = Callable[[int, int, Frame | None], None]
"""Told how many are done, of how many, and the newest picture."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What a calibration needs to know of the table."""

    tool_length: float
    """From the flange to the tip that the robot's poses speak of, along +z [m]."""
    arm: ArmSpec = XARM6
    speed: float = SPEED
    """Of the joint that moves furthest, at most [rad/s]."""
    plan: PlanConfig = field(default_factory=PlanConfig)
    """What the views of the board shall be like."""

    def kinematics(self) -> Kinematics:
        """Of the arm with what is screwed on."""
        return Kinematics(self.arm, self.tool_length)


def look(
    workcell: Workcell,
    camera: str,
    board: Board,
    flange_T_board: Pose,
    setting: Setting,
    rng: np.random.Generator,
    on_view: OnView | None = None,
) -> list[View]:
    """Show the board to a camera from all sides; gives a view for every picture in which it was found.

    Args:
        workcell: With the board on the arm's flange.
        camera: Its name there; its spec says roughly where it stands.
        board: What is on the flange.
        flange_T_board: Roughly.
        setting: The arm, and how it goes.
        rng: Draws the views.
        on_view: Told after every picture.

    Raises:
        UnknownName: The workcell has no such camera.
        ConfigError: Too few views can be had, or the robot's limits are in the way.
        RobotFault: The arm did not come to rest; it was stopped.
        CameraTimeout: A camera gave no picture; the arm was stopped.
    """
    if camera not in workcell.cameras:
        raise UnknownName("camera", camera, workcell.cameras)
    eye, robot = workcell.cameras[camera], workcell.robot
    with _stopped_after(robot):
        robot.reset()
        home = robot.observe().joints
        way = plan_views(
            board,
            eye.spec,
            flange_T_board,
            setting.kinematics(),
            robot.limits,
            home,
            rng,
            setting.plan,
        )
        views = []
        mover = Mover(robot, setting.speed)
        for number, joints in enumerate(way, start=1):
            mover.go(joints)
            view, frame = _view(mover, eye, board, setting)
            if len(view.seen):
                views.append(view)
            if on_view is not None:
                on_view(number, len(way), frame)
    return views


def touch(
    workcell: Workcell,
    flange_T_tip: Pose,
    point: Float64,
    setting: Setting,
    rng: np.random.Generator,
    count: int,
    unsteady: float = 0.0,
    on_view: OnView | None = None,
) -> list[Pose]:
    """Hold a known tip to a point and note the flange's measured poses; for simulated arms.

    Args:
        workcell: Whose arm has the tool.
        flange_T_tip: Where its tip is in truth.
        point: In the base frame, (3,) [m].
        setting: The arm with the tool as it is said to be.
        rng: Draws how the tool is tilted.
        count: How many poses.
        unsteady: By how much the tip is off (standard deviation per axis) [m].
        on_view: Told after every pose.

    Raises:
        ConfigError: The arm cannot hold the tip there in so many ways.
        RobotFault: The arm did not come to rest; it was stopped.
    """
    robot = workcell.robot
    with _stopped_after(robot):
        robot.reset()
        home = robot.observe().joints
        way = plan_touches(
            setting.kinematics(), flange_T_tip, point, robot.limits, home, rng, count, unsteady
        )
        mover, poses = Mover(robot, setting.speed), []
        for number, joints in enumerate(way, start=1):
            state = mover.go(joints)
            poses.append(flange_in(state, setting))
            if on_view is not None:
                on_view(number, count, None)
    return poses


def _view(mover: Mover, eye: Camera, board: Board, setting: Setting) -> tuple[View, Frame]:
    frame, state = mover.picture(eye)
    return View(base_T_flange=flange_in(state, setting), seen=board.detect(frame.image)), frame


def flange_in(state: RobotState, setting: Setting) -> Pose:
    """base_T_flange, from where the robot has its tool.

    Raises:
        ConfigError: It has none.
    """
    if state.tool is None:
        raise ConfigError(
            "A robot without a tool cannot be calibrated: it does not say where its flange is."
        )
    return flange_of(state.tool, setting.tool_length)


@contextmanager
def _stopped_after(robot: Robot) -> Iterator[None]:
    try:
        yield
    finally:
        robot.stop()
