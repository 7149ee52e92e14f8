"""Before anything moves: what the controller is and how it is set up must be what the config says.

What guards people and table is set here and read back: fence, reduced mode, collision sensitivity. What describes the
hardware is only compared: model, firmware, geometry, tool, payload, mounting. Whoever changes those stands beside the arm.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from scipy.spatial.transform import Rotation

from ibc_gym import geometry
from ibc_gym.errors import ConfigError, RobotFault
from ibc_gym.kinematics import Kinematics
from ibc_gym.records import Float64, Pose

from . import codes
from .config import ARM, XArmConfig
from .frames import JOINTS, Setup
from .recovery import clear
from .reports import Reports
from .vendor import ONLINE, SERVO, VELOCITY, Controller

MODES: Final = {"servo": SERVO, "servo-cartesian": SERVO, "online": ONLINE, "velocity": VELOCITY}
"""The controller's mode for every way to stream."""
SAME_LENGTH: Final = 1e-4
"""By which lengths that people typed in may differ [m]."""
SAME_ANGLE: Final = 1e-3
"""[rad]"""
SAME_MASS: Final = 0.01
"""[kg]"""
SAME_SPEED: Final = 1e-3
"""Of m/s, rad/s and rad/s^2."""
LOOKS: Final = 3
"""At reports that tell the setup, before what they say is believed; there are five a second."""


class ErrorPending(RobotFault):
    """The controller has an error that a person may clear after a look at the arm."""


def bring_up(
    config: XArmConfig, controller: Controller, reports: Reports, *, clear_errors: bool = False
) -> None:
    """Set the guards, then hold everything against the config; nothing moves.

    No joint is powered, but for an error of a servo that a person lets be cleared: then after everything has agreed.

    Args:
        config: What should be there.
        controller: What is.
        reports: Of it.
        clear_errors: Whether a person has looked at the arm, and the error of before may be cleared.

    Raises:
        ConfigError: Controller and config disagree; the message names both values.
        RobotFault: The controller has an error, or one that does not go, or does not answer.
    """
    _check_identity(config, controller)
    left = clear(config, controller, power=False) if clear_errors else 0
    if not left:
        _check_error(controller)
    set_guards(config, controller)

    def check(setup: Setup) -> None:
        if setup.error not in (0, left):
            raise ErrorPending(_refused(controller.address, setup.error))
        _check_setup(config, setup)
        _check_guards(config, controller, setup)
        _check_pose(config, controller, setup)

    _check_reports(config, reports, check)
    _check_geometry(config, controller)
    if left:
        clear(config, controller)


def set_guards(config: XArmConfig, controller: Controller) -> None:
    """Set fence, reduced mode and collision sensitivity; each of them resets mode and state."""
    controller.set_collision_sensitivity(config.collision_sensitivity)
    controller.set_reduced(
        config.reduced_mode, config.reduced_tip_speed, config.reduced_joint_speed
    )
    controller.set_fence(config.fence_lower, config.fence_upper)


def set_tool(config: XArmConfig, controller: Controller, reports: Reports) -> None:
    """Tell the controller tool and payload of the config, at the word of a person who has looked at the arm.

    Raises:
        ConfigError: It took other values.
        RobotFault: It does not answer.
    """
    offset = Pose(position=np.array([0.0, 0.0, config.tool_length]))
    controller.set_tool(offset, config.payload, config.payload_centre)
    _check_reports(config, reports, lambda setup: _check_tool(config, setup))


def make_ready(
    config: XArmConfig, controller: Controller, reports: Reports, mode: int | None = None
) -> None:
    """Enable the joints and enter a mode, by default that of the stream; on return the arm holds and takes targets.

    Raises:
        RobotFault: It does not become ready in time, or a joint stays without power or braked.
    """
    controller.clear_warning()
    controller.enable()
    mode = MODES[config.stream] if mode is None else mode
    controller.set_mode(mode)
    controller.be_ready()
    asked_at = reports.clock()
    _check_error(controller)
    reports.wait_motion(
        lambda each: each.mode == mode and each.state <= 2,
        after=asked_at,
        timeout=config.ready_timeout,
    )
    _check_enabled(config, reports, after=asked_at)
    _check_error(controller)


def _check_enabled(config: XArmConfig, reports: Reports, *, after: float) -> None:
    """Wait for a report by which all joints are powered and their brakes released."""
    try:
        reports.wait_setup(lambda each: each.enabled, after=after, timeout=config.ready_timeout)
    except RobotFault as error:
        raise RobotFault(
            f"The controller at {config.address} took the order to enable the joints, but does not say that all of them are "
            f"powered and their brakes released; nothing moves. {error}"
        ) from error


def _check_reports(config: XArmConfig, reports: Reports, check: Callable[[Setup], None]) -> None:
    """Hold a new report to a check; those after it, too, since the first may have been on its way before."""
    after = reports.clock()
    for left in reversed(range(LOOKS)):
        setup = reports.wait_setup(lambda each: True, after=after, timeout=config.ready_timeout)
        try:
            return check(setup)
        except ConfigError:
            if not left:
                raise
            after = setup.time
    return None


def _check_error(controller: Controller) -> None:
    error, _ = controller.errors()
    if error:
        raise ErrorPending(_refused(controller.address, error))


def _refused(address: str, error: int) -> str:
    return f"The controller at {address} does not move the arm: {codes.describe(error)}"


def _check_identity(config: XArmConfig, controller: Controller) -> None:
    found = controller.identity()
    if (found.model, found.axes) != (config.model, JOINTS):
        raise ConfigError(
            f"The arm at {config.address} is model {found.model} with {found.axes} joints; XArmConfig.model is "
            f"{config.model} with {JOINTS}. Is this the right address?"
        )
    if found.firmware < config.firmware:
        raise ConfigError(
            f"The controller at {config.address} has firmware {_dotted(found.firmware)}; XArmConfig.firmware asks for "
            f"{_dotted(config.firmware)} or newer. Update it in the vendor's interface."
        )


def _check_setup(config: XArmConfig, setup: Setup) -> None:
    _check_tool(config, setup)
    if setup.simulated:
        raise ConfigError(
            f"The controller at {config.address} simulates its arm, where the config means a real one: leave the "
            "simulation in the vendor's interface."
        )
    _agree(config, "gravity direction", setup.gravity, np.array([0.0, 0.0, -1.0]), SAME_ANGLE)
    _check_offset(config, "world offset", setup.world_offset, Pose(position=np.zeros(3)))
    for name, has, needs in (
        ("greatest joint speed [rad/s]", setup.joint_speed, config.joint_speed),
        (
            "greatest joint acceleration [rad/s^2]",
            setup.joint_acceleration,
            config.joint_acceleration,
        ),
        ("greatest tip speed [m/s]", setup.tip_speed, config.tip_speed),
    ):
        if has < needs - SAME_SPEED:
            raise ConfigError(
                f"The controller at {config.address} has a {name} of {has:.4g}; XArmConfig asks for {needs:.4g}. Lower "
                "ours, or raise the controller's in the vendor's interface."
            )


def _check_tool(config: XArmConfig, setup: Setup) -> None:
    tip = Pose(position=np.array([0.0, 0.0, config.tool_length]))
    _check_offset(config, "TCP offset", setup.tool_offset, tip)
    _agree(config, "payload [kg]", np.array([setup.payload]), np.array([config.payload]), SAME_MASS)
    _agree(
        config,
        "payload's centre [m]",
        setup.payload_centre,
        np.array(config.payload_centre),
        10 * SAME_LENGTH,
    )


def _check_offset(config: XArmConfig, name: str, has: Pose, wants: Pose) -> None:
    _agree(config, f"{name} [m]", has.position, wants.position, SAME_LENGTH)
    apart = geometry.rotation(has.quaternion).inv() * geometry.rotation(wants.quaternion)
    if apart.magnitude() > SAME_ANGLE:
        raise ConfigError(
            f"The controller at {config.address} has a {name} turned by {_listed(has.quaternion)} (wxyz); XArmConfig "
            f"means {_listed(wants.quaternion)}. Set it in the vendor's interface, or change the config."
        )


def _check_guards(config: XArmConfig, controller: Controller, setup: Setup) -> None:
    found = controller.protection()
    pairs = (
        ("fence's lower corner [m]", found.fence_lower, np.array(config.fence_lower)),
        ("fence's upper corner [m]", found.fence_upper, np.array(config.fence_upper)),
        ("fence (1 is on)", np.array([float(found.fence_on)]), np.ones(1)),
        (
            "reduced mode (1 is on)",
            np.array([float(found.reduced_on)]),
            np.array([float(config.reduced_mode)]),
        ),
        (
            "reduced speeds [m/s, rad/s]",
            np.array([found.reduced_tip_speed, found.reduced_joint_speed]),
            np.array([config.reduced_tip_speed, config.reduced_joint_speed]),
        ),
        (
            "collision sensitivity",
            np.array([float(setup.collision_sensitivity)]),
            np.array([float(config.collision_sensitivity)]),
        ),
    )
    for name, has, wants in pairs:
        _agree(config, name, has, wants, SAME_SPEED if "speed" in name else SAME_LENGTH)


def _check_geometry(config: XArmConfig, controller: Controller) -> None:
    table = controller.geometry()
    kinematics = Kinematics(ARM, 0.0)
    for joints in _poses():
        ours = kinematics.frames(joints)[-1]
        if not np.isfinite(table).all():
            raise ConfigError(
                f"The controller at {config.address} tells a geometry with values that are no numbers, {_listed(table)} as "
                f"offset, d, alpha and a of every joint; by ours the flange is at {_listed(ours[:3, 3])} m for joints "
                f"{_listed(joints)} rad. Update its firmware, or ask the vendor: without its geometry nothing moves."
            )
        theirs = min(
            (flange(table, joints), flange(table, joints, modified=True)),
            key=lambda each: _apart(each, ours),
        )
        if _apart(theirs, ours) > config.geometry_tolerance:
            raise ConfigError(
                f"By the geometry that the controller at {config.address} tells, the flange is at "
                f"{_listed(theirs[:3, 3])} m for joints {_listed(joints)} rad; by ours it is at {_listed(ours[:3, 3])} m "
                f"(XArmConfig.geometry_tolerance is {config.geometry_tolerance} m). Its table of offset, d, alpha and a: "
                f"{_listed(table)}. Is it another model?"
            )


def _check_pose(config: XArmConfig, controller: Controller, setup: Setup) -> None:
    """Where the controller has its tool, for the joints that it has: one number for all that was compared before."""
    ours = config.kinematics().forward(controller.joints())
    _agree(
        config,
        "tool position [m] for its joints",
        setup.tool.position,
        ours.position,
        2 * config.geometry_tolerance,
    )


def flange(table: Float64, joints: Float64, *, modified: bool = False) -> Float64:
    """base_T_flange, (4, 4), by a Denavit-Hartenberg table.

    Args:
        table: Offset [rad], d [m], alpha [rad], a [m] of every joint, (J, 4).
        joints: (J,) [rad]
        modified: Whether alpha and a come before the joint turns (Craig) instead of after.
    """
    base_T_flange = np.eye(4)
    for (offset, d, alpha, a), angle in zip(table, joints, strict=True):
        turn, tilt = np.eye(4), np.eye(4)
        turn[:3, :3] = Rotation.from_rotvec([0.0, 0.0, offset + angle]).as_matrix()
        turn[2, 3] = d
        tilt[:3, :3] = Rotation.from_rotvec([alpha, 0.0, 0.0]).as_matrix()
        tilt[0, 3] = a
        base_T_flange = base_T_flange @ (tilt @ turn if modified else turn @ tilt)
    return base_T_flange


def _poses() -> list[Float64]:
    """Joints at which two geometries are held against each other: the rest, and every joint turned from it."""
    rest = np.array(ARM.rest)
    return [rest, *(rest + 0.9 * row for row in np.eye(JOINTS)), np.zeros(JOINTS)]


def _apart(base_T_one: Float64, base_T_other: Float64) -> float:
    """How far two flanges are apart, a turn counted at 0.1 m [m]."""
    turn = Rotation.from_matrix(base_T_one[:3, :3].T @ base_T_other[:3, :3]).magnitude()
    return float(np.linalg.norm(base_T_one[:3, 3] - base_T_other[:3, 3]) + 0.1 * turn)


def _agree(config: XArmConfig, name: str, has: Float64, wants: Float64, tolerance: float) -> None:
    if not (np.abs(has - wants) <= tolerance).all():
        raise ConfigError(
            f"The controller at {config.address} has a {name} of {_listed(has)}; XArmConfig means {_listed(wants)}. Set "
            "it in the vendor's interface, or change the config."
        )


def _listed(values: Float64) -> str:
    return str(np.asarray(values).round(5).tolist())


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


__all__ = ["MODES", "bring_up", "flange", "make_ready", "set_guards", "set_tool"]
