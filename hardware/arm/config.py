"""Everything about one arm on one table that can be set; what the controller must agree with before anything moves."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace
from math import pi
from typing import Final, Literal

import numpy as np

from ibc_gym.checks import require_finite
from ibc_gym.errors import ConfigError
from ibc_gym.kinematics import DOWN, Kinematics
from ibc_gym.records import Float64, Pose, RobotLimits
from ibc_gym.xarm6 import XARM6, ArmSpec

Vector = tuple[float, float, float]
StreamKind = Literal["servo", "servo-cartesian", "online", "velocity"]

_NARROW: Final = {1: (-2.042, 2.024), 2: (-3.822, 0.1745)}
"""Ranges of joints 2 and 3 that every arm has; those with a serial number below 1305 reach up to 6 degrees further."""
ARM: Final[ArmSpec] = replace(
    XARM6,
    joints=tuple(
        replace(joint, lower=_NARROW[index][0], upper=_NARROW[index][1])
        if index in _NARROW
        else joint
        for index, joint in enumerate(XARM6.joints)
    ),
)
"""The arm's table with the ranges of joints that every unit keeps."""
CONTROL_PORT: Final = 502
"""Where a control box takes commands."""
LEAST_JERK: Final = 4.0
"""Of joints, by their acceleration [1/s]: a jerk is bounded by an average over twice the inverse."""
SOLVED: Final = 25e-6
"""Computing time for one sample of a way to brake, as measured on one core [s]; in every period all are worked out."""
BUSY: Final = 0.75
"""Part of a stream period that may be spent so."""
INSIDE: Final = 1e-6
"""By how much the home may lie outside of the workspace [m], for rounding."""


@dataclass(frozen=True, kw_only=True)
class XArmConfig:
    """One arm: where it is, what it must be, how it moves and where.

    How targets are streamed:

    * "servo" (the default): joint positions in the controller's servo mode, as on the rig of the paper. The safest that
      keeps up: the arm never goes beyond the last target that was sent, each was checked against workspace and limits,
      and when the stream ends, for whatever reason, it holds.
    * "servo-cartesian": the same as tool poses; the controller solves for the joints, and may solve otherwise than we do.
    * "online": the controller plans its own way to every target, within its own limits. It follows more loosely and
      later; firmware from 1.10.
    * "velocity": joint velocities with an end: a lost client stops the arm after a few periods, but until then it goes
      on, and where it comes to rest was not checked.
    """

    address: str
    """IPv4 address of the control box."""
    port: int = CONTROL_PORT
    """Where it takes commands, at every connection; only an emulated one does so elsewhere."""
    model: int = 6
    """The vendor's number of the model; 6 is the xArm6."""
    firmware: tuple[int, int, int] = (2, 0, 0)
    """Oldest firmware of the controller; older ones do not tell their geometry."""
    geometry_tolerance: float = 1e-3
    """By how much the flange may be elsewhere by the controller's geometry than by ours [m]."""
    tool_length: float = 0.1524
    """From the flange to the tip along its +z [m]; the controller's TCP offset must be the same."""
    payload: float = 0.1
    """Mass of the tool that must be set on the controller [kg]."""
    payload_centre: Vector = (0.0, 0.0, 0.0762)
    """Its centre of mass in the frame of the flange, as set on the controller [m]."""
    control_rate: float = 5.0
    """Targets per second of the policy [Hz]."""
    stream_rate: float = 100.0
    """Targets per second that are sent to the controller, 100 to 250 [Hz]."""
    stream: StreamKind = "servo"
    joint_speed: float = 2.0
    """Greatest, of every joint from one target that is sent to the next [rad/s]; the arm's own is pi."""
    joint_acceleration: float = 20.0
    """Greatest, of every joint from one target that is sent to the next [rad/s^2]; 20 is the most that the vendor's planner
    takes. The tool goes no faster than leaves it room to brake within this, and in its workspace."""
    joint_jerk: float = 2000.0
    """Greatest, likewise [rad/s^3]; at least four times the acceleration, or the arm would follow half a second late."""
    tip_speed: float = 0.5
    """Greatest speed of the tip [m/s]; the arm's own is 1."""
    workspace_lower: Vector = (0.15, -0.3048, 0.01)
    """Least tip position [m]."""
    workspace_upper: Vector = (0.6, 0.3048, 0.01)
    """Greatest tip position [m]."""
    home_joints: tuple[float, ...] | None = None
    """Where a reset goes when no home is given, (6,) [rad]; None is above the middle of the workspace, pointing down."""
    reset_height: float = 0.1
    """A reset lifts the tip to this height before it crosses the table [m], if it is not above already."""
    reset_speed: float = 0.2
    """Greatest speed of the tip on its way home [m/s]; never above tip_speed."""
    fence_lower: Vector = (0.10, -0.45, -0.005)
    """Of the box that the controller itself does not let the tool leave [m]; whole millimetres."""
    fence_upper: Vector = (0.70, 0.45, 0.6)
    reduced_mode: bool = True
    """Whether the controller itself limits speeds to the two below."""
    reduced_tip_speed: float = 0.75
    """[m/s]"""
    reduced_joint_speed: float = pi
    """[rad/s]"""
    collision_sensitivity: int = 3
    """1 (least) to 5."""
    connect_timeout: float = 5.0
    """For the first answer of the control box [s]."""
    command_timeout: float = 0.25
    """For the answer to every command [s]; users report pauses of 0.19 s that pass by themselves."""
    report_timeout: float = 0.5
    """Age of the newest measurement at which the controller counts as frozen [s]."""
    ready_timeout: float = 3.0
    """For the controller to become ready to move [s]."""
    reset_timeout: float = 30.0
    """For the way home [s]."""
    hold_after: float = 3.0
    """Control periods without a word from the policy after which the arm slows down and holds."""

    def __post_init__(self) -> None:
        require_finite(self)
        _check_address(self.address)
        if not 0 < self.port < 1 << 16:
            raise ConfigError(f"XArmConfig.port is {self.port}, but must be 1 to 65535.")
        self._check_speeds()
        self._check_rates()
        self._check_braking()
        self._check_boxes()
        if not 1 <= self.collision_sensitivity <= 5:
            raise ConfigError(
                f"XArmConfig.collision_sensitivity is {self.collision_sensitivity}, but must be 1 to 5: 0 would switch "
                "the detection of collisions off."
            )
        if self.tool_length < 0 or self.payload < 0 or self.geometry_tolerance <= 0:
            raise ConfigError(
                "XArmConfig.tool_length and payload must not be negative, and geometry_tolerance must be positive: "
                f"{self.tool_length} m, {self.payload} kg, {self.geometry_tolerance} m."
            )
        self._check_home()

    @property
    def control_period(self) -> float:
        """Time between two targets of the policy [s]."""
        return 1.0 / self.control_rate

    @property
    def stream_period(self) -> float:
        """Time between two targets to the controller [s]."""
        return 1.0 / self.stream_rate

    @property
    def limits(self) -> RobotLimits:
        """What the robot accepts from a policy."""
        return RobotLimits(
            control_period=self.control_period,
            real_time=True,
            lower=self.workspace_lower,
            upper=self.workspace_upper,
        )

    def kinematics(self) -> Kinematics:
        """Of this arm with this tool."""
        return Kinematics(ARM, self.tool_length)

    def home(self) -> Float64:
        """Joints of the robot's own home, (6,) [rad]."""
        if self.home_joints is not None:
            return np.array(self.home_joints)
        middle = (np.array(self.workspace_lower) + np.array(self.workspace_upper)) / 2
        kinematics = self.kinematics()
        pose = Pose(position=kinematics.within_reach(middle), quaternion=DOWN)
        return kinematics.inverse(pose, np.array(ARM.rest)).joints

    def _check_speeds(self) -> None:
        limits = (
            ("joint_speed", 0.0, ARM.speed_limit, "rad/s"),
            ("joint_acceleration", 0.0, 1e4, "rad/s^2"),
            ("joint_jerk", 0.0, 1e7, "rad/s^3"),
            ("tip_speed", 0.0, 1.0, "m/s"),
            ("reset_speed", 0.0, 1.0, "m/s"),
            ("reduced_tip_speed", self.tip_speed, 1.0, "m/s"),
            ("reduced_joint_speed", self.joint_speed, ARM.speed_limit, "rad/s"),
        )
        for name, least, most, unit in limits:
            value = getattr(self, name)
            if not (least < value <= most or (name.startswith("reduced") and value == least)):
                raise ConfigError(
                    f"XArmConfig.{name} is {value} {unit}, but must lie above {least} and not above {most}"
                    + (
                        " (our own limit, which comes first)."
                        if name.startswith("reduced")
                        else "."
                    )
                )

        if self.joint_jerk < LEAST_JERK * self.joint_acceleration:
            raise ConfigError(
                f"XArmConfig.joint_jerk is {self.joint_jerk} rad/s^3, but must be at least {LEAST_JERK:g} times "
                f"joint_acceleration ({self.joint_acceleration} rad/s^2): the arm would follow half a second late."
            )

    def _check_rates(self) -> None:
        if not 100 <= self.stream_rate <= 250:
            raise ConfigError(
                f"XArmConfig.stream_rate is {self.stream_rate} Hz, but must lie in 100 to 250: below, the arm shakes; "
                "above, the controller drops targets."
            )
        if not 0 < self.control_rate <= self.stream_rate / 4:
            raise ConfigError(
                f"XArmConfig.control_rate is {self.control_rate} Hz, but must be positive and at most a quarter of "
                f"stream_rate ({self.stream_rate} Hz); the rigs we know of run at 5 or 10."
            )
        if self.stream not in ("servo", "servo-cartesian", "online", "velocity"):
            raise ConfigError(
                f"XArmConfig.stream is {self.stream!r}; known: servo, servo-cartesian, online, velocity."
            )
        for name in ("connect", "command", "report", "ready", "reset"):
            if getattr(self, f"{name}_timeout") <= 0:
                raise ConfigError(
                    f"XArmConfig.{name}_timeout is {getattr(self, f'{name}_timeout')} s, but must be positive."
                )
        if self.hold_after < 1:
            raise ConfigError(
                f"XArmConfig.hold_after is {self.hold_after} control periods, but must be at least 1: the policy says no "
                "more than one word in each."
            )

    def _check_braking(self) -> None:
        """In every stream period the whole way to brake is worked out: it must not take so long that none is left."""
        speed, acceleration, jerk = self.joint_speed, self.joint_acceleration, self.joint_jerk
        lasts = speed / acceleration + 2 * acceleration / jerk
        most = BUSY * self.stream_period**2 / SOLVED
        if lasts > most:
            raise ConfigError(
                f"XArmConfig.joint_speed {speed} rad/s with joint_acceleration {acceleration} rad/s^2 and joint_jerk {jerk} "
                f"rad/s^3 takes {lasts:.3g} s to brake (speed / acceleration + 2 acceleration / jerk), but at a stream_rate "
                f"of {self.stream_rate} Hz no more than {most:.3g} s can be planned ahead in every period: lower joint_speed "
                "or stream_rate, or raise the other two."
            )

    def _check_boxes(self) -> None:
        lower, upper = np.array(self.workspace_lower), np.array(self.workspace_upper)
        least, most = np.array(self.fence_lower), np.array(self.fence_upper)
        if (lower > upper).any() or (least > most).any():
            raise ConfigError(
                f"A box of XArmConfig is inside out: workspace {self.workspace_lower} to {self.workspace_upper}, fence "
                f"{self.fence_lower} to {self.fence_upper} [m]."
            )
        if (lower < least).any() or (upper > most).any():
            raise ConfigError(
                f"XArmConfig's workspace {self.workspace_lower} to {self.workspace_upper} m reaches out of the fence "
                f"{self.fence_lower} to {self.fence_upper} m: the controller would stop the arm within its own table."
            )
        if not least[2] <= self.reset_height <= most[2]:
            raise ConfigError(
                f"XArmConfig.reset_height is {self.reset_height} m, outside of the fence from {least[2]} to {most[2]} m."
            )
        for value in (*self.fence_lower, *self.fence_upper):
            if abs(value * 1000 - round(value * 1000)) > 1e-6:
                raise ConfigError(
                    f"XArmConfig's fence has a side at {value} m, but the controller takes whole millimetres only."
                )

    def _check_home(self) -> None:
        joints = self.home()
        kinematics = self.kinematics()
        if joints.shape != (len(ARM.joints),):
            raise ConfigError(
                f"XArmConfig.home_joints has {joints.size} numbers, but the arm has {len(ARM.joints)} joints."
            )
        if (joints < kinematics.lower).any() or (joints > kinematics.upper).any():
            raise ConfigError(
                f"XArmConfig.home_joints {joints.round(3).tolist()} rad are beyond the joints' ranges "
                f"{kinematics.lower.tolist()} to {kinematics.upper.tolist()}."
            )
        tip = kinematics.forward(joints).position
        lower, upper = np.array(self.workspace_lower), np.array(self.workspace_upper)
        if (tip < lower - INSIDE).any() or (tip > upper + INSIDE).any():
            raise ConfigError(
                f"XArmConfig's home has the tip at {tip.round(4).tolist()} m, outside of the workspace "
                f"{self.workspace_lower} to {self.workspace_upper} m."
            )


def _check_address(address: str) -> None:
    try:
        ipaddress.IPv4Address(address)
    except ValueError:
        raise ConfigError(
            f"XArmConfig.address is {address!r}, but must be an IPv4 address such as 192.168.1.203: the vendor's client "
            "takes anything else for a serial port."
        ) from None
