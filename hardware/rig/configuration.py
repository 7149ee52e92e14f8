"""What can be set on the controller and read back, and what cannot: offsets, load, limits, fence; model, serial, firmware."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from math import hypot, pi
from typing import Any, Final

import numpy as np

from ibc_gym.errors import ConfigError
from ibc_gym.records import Float64
from ibc_gym.xarm6 import XARM6

from .frames import AXES

_SHOULDER: Final = np.arctan2(0.2845, 0.0535)
"""Of the slanted upper arm: what joints 2 and 3 are offset by in the table below [rad]."""
DH: Final = (
    (0.0, 0.267, -pi / 2, 0.0),
    (-_SHOULDER, 0.0, 0.0, hypot(0.2845, 0.0535)),
    (_SHOULDER, 0.0, -pi / 2, 0.0775),
    (0.0, 0.3425, pi / 2, 0.0),
    (0.0, 0.0, -pi / 2, 0.076),
    (0.0, 0.097, 0.0, 0.0),
    (0.0, 0.0, 0.0, 0.0),
)
"""Of every joint: offset of its angle [rad], d [m], alpha [rad], a [m], by the standard convention; the seventh is none."""

NARROW_FROM: Final = 1305
"""Serial numbers from this one have narrower ranges of joints 2 and 3."""
NARROW: Final = {1: (-2.042035, 2.024581), 2: (-3.822271, 0.174532)}


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Which arm and which controller this is."""

    firmware: tuple[int, int, int] = (2, 6, 107)
    """Of the controller; older ones know fewer commands."""
    serial: str = "XI130406B01A02"
    """Of the arm; characters 3 to 6 say how far its joints go."""
    box_serial: str = "AC130407C01D02"
    """Of the control box."""
    kind: int = 6
    """The vendor's number of the model; 6 is the xArm6."""

    def __post_init__(self) -> None:
        if not self.serial[2:6].isdigit() or any(part < 0 for part in self.firmware):
            raise ConfigError(
                f"The serial {self.serial!r} needs digits at characters 3 to 6, and the firmware {self.firmware} three "
                "numbers; XI130406B01A02 and (2, 6, 107) are valid ones."
            )

    @property
    def version(self) -> str:
        """What the controller says of itself when asked for its version."""
        return f"6,{self.kind},{self.serial},{self.box_serial},v{'.'.join(map(str, self.firmware))}"

    def ranges(self) -> tuple[Float64, Float64]:
        """Least and greatest joints, (6,) each [rad]."""
        rows = [(joint.lower, joint.upper) for joint in XARM6.joints]
        if int(self.serial[2:6]) >= NARROW_FROM:
            rows = [NARROW.get(index, row) for index, row in enumerate(rows)]
        return np.array([row[0] for row in rows]), np.array([row[1] for row in rows])


def _whole_ranges() -> Float64:
    lower, upper = Identity().ranges()
    ranges = np.zeros((AXES, 2))
    ranges[:6, 0], ranges[:6, 1] = lower, upper
    return ranges


@dataclass(kw_only=True)
class Configuration:
    """What can be set, as it stands after switching on; SI."""

    tcp_offset: Float64 = field(default_factory=lambda: np.zeros(6))
    """flange_T_tool: x y z [m], roll pitch yaw [rad]."""
    world_offset: Float64 = field(default_factory=lambda: np.zeros(6))
    """world_T_base: the base in the frame in which poses are told and reported, x y z [m], roll pitch yaw [rad]."""
    load_mass: float = 0.0
    """[kg]"""
    load_centre: Float64 = field(default_factory=lambda: np.zeros(3))
    """Of the load in the flange's frame [m]."""
    collision_sensitivity: int = 3
    """0 (off) to 5."""
    teach_sensitivity: int = 3
    """1 to 5."""
    gravity: Float64 = field(default_factory=lambda: np.array([0.0, 0.0, -1.0]))
    """Direction in the base frame."""
    fence_on: bool = False
    """Whether leaving the box is an error."""
    box: Float64 = field(default_factory=lambda: np.array([1.0, -1.0, 1.0, -1.0, 1.0, -1.0]))
    """x max, x min, y max, y min, z max, z min of the tool [m]."""
    rebound_on: bool = False
    """Whether the arm backs off after a collision."""
    reduced_on: bool = False
    """Whether the three limits below hold."""
    reduced_tcp_speed: float = 1.0
    """[m/s]"""
    reduced_joint_speed: float = pi
    """[rad/s]"""
    reduced_ranges: Float64 = field(default_factory=_whole_ranges)
    """Least and greatest of every joint, (7, 2) [rad]."""
    self_collision_on: bool = False
    """Whether the controller should look for it; this one never finds any."""
    tool_model: int = 0
    """The vendor's number of the tool for its check of self-collision."""
    tool_sizes: Float64 = field(default_factory=lambda: np.zeros(6))
    """[m]"""
    simulated: bool = False
    """Whether the controller plays a simulated arm of its own."""
    continuous: bool = False
    """Whether velocities of the tool are kept from line to line; not emulated."""
    approximate: bool = False
    """Whether motion near singular poses may be approximate; not emulated."""
    report_currents: bool = False
    """Whether currents are reported in place of torques; both are 0 here."""
    tcp_jerk: float = 10.0
    """[m/s^3]"""
    tcp_acceleration: float = 50.0
    """Greatest that is taken [m/s^2]."""
    joint_jerk: float = 20.0
    """[rad/s^3]"""
    joint_acceleration: float = 20.0
    """Greatest that is taken [rad/s^2]."""
    dh: Float64 = field(default_factory=lambda: np.array(DH))
    """(7, 4), as `DH`."""

    def copy(self) -> Configuration:
        """One that changes apart from this."""
        return deepcopy(self)

    def plain(self) -> dict[str, Any]:
        """Every setting by its name, as lists and numbers."""
        return {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in vars(self).items()
        }
