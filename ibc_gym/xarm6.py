"""The UFACTORY xArm6 as numbers: the one source of its kinematics, limits and inertias, for simulators and for the driver.

The geometry and limits are the vendor's published ones, and agree with its Denavit-Hartenberg table; the inertias are the
vendor's newer set, which unlike the older one are those of possible bodies.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi
from typing import Final

Vector = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class Inertia:
    """Mass and its distribution about the centre of mass, in the axes of the link."""

    mass: float
    """[kg]"""
    centre: Vector
    """[m]"""
    diagonal: Vector
    """ixx, iyy, izz [kg m^2]"""
    products: Vector
    """ixy, ixz, iyz [kg m^2]"""


@dataclass(frozen=True, kw_only=True)
class Joint:
    """A hinge about the +z axis of its own frame, and the link behind it."""

    origin: Vector
    """In the frame of the link before [m]."""
    roll: float
    """Turn of the frame about the x axis of the link before [rad]."""
    lower: float
    """[rad]"""
    upper: float
    effort: float
    """Greatest torque [N m]."""
    inertia: Inertia
    """Of the link behind the joint."""


@dataclass(frozen=True, kw_only=True)
class ArmSpec:
    """A serial arm that stands at the origin; the flange is the last link's frame."""

    name: str
    joints: tuple[Joint, ...]
    rest: tuple[float, ...]
    """Joints from which inverse kinematics starts out [rad]: of several solutions it takes those near."""
    speed_limit: float
    """Of every joint [rad/s]."""


XARM6: Final = ArmSpec(
    name="xarm6",
    rest=(-0.93, 0.70, -1.11, 0.0, 0.40, -4.07),
    speed_limit=pi,
    joints=(
        Joint(
            origin=(0.0, 0.0, 0.267),
            roll=0.0,
            lower=-2 * pi,
            upper=2 * pi,
            effort=50.0,
            inertia=Inertia(
                mass=2.3814,
                centre=(0.00022, 0.02951, -0.0124),
                diagonal=(0.0058562, 0.0050316, 0.003536652),
                products=(-1.79e-5, 3.55e-6, -0.000888336),
            ),
        ),
        Joint(
            origin=(0.0, 0.0, 0.0),
            roll=-pi / 2,
            lower=-2.059,
            upper=2.0944,
            effort=50.0,
            inertia=Inertia(
                mass=2.2675,
                centre=(0.03881, -0.22783, 0.03496),
                diagonal=(0.028315776, 0.0058, 0.0273447),
                products=(0.005, 0.00066546, -0.0045741),
            ),
        ),
        Joint(
            origin=(0.0535, -0.2845, 0.0),
            roll=0.0,
            lower=-3.927,
            upper=0.19198,
            effort=32.0,
            inertia=Inertia(
                mass=1.875,
                centre=(0.07041, 0.11631, 0.0107),
                diagonal=(0.0063483, 0.00379758, 0.00595768),
                products=(-0.0015397, 0.00096858, 0.00186567),
            ),
        ),
        Joint(
            origin=(0.0775, 0.3425, 0.0),
            roll=-pi / 2,
            lower=-2 * pi,
            upper=2 * pi,
            effort=32.0,
            inertia=Inertia(
                mass=1.3192,
                centre=(-0.00018, 0.01798, -0.02291),
                diagonal=(0.004896, 0.00445694, 0.00134332),
                products=(-6.925e-6, -1.418e-5, -0.00023186),
            ),
        ),
        Joint(
            origin=(0.0, 0.0, 0.0),
            roll=pi / 2,
            lower=-1.69297,
            upper=pi,
            effort=32.0,
            inertia=Inertia(
                mass=1.33854,
                centre=(0.0651, 0.03096, 0.00315),
                diagonal=(0.00146378, 0.00184192, 0.002333524),
                products=(-0.000450624, 0.000284306, 0.000130866),
            ),
        ),
        Joint(
            origin=(0.076, 0.097, 0.0),
            roll=-pi / 2,
            lower=-2 * pi,
            upper=2 * pi,
            effort=20.0,
            inertia=Inertia(
                mass=0.17,
                centre=(0.0, -0.00677, -0.01098),
                diagonal=(9.3e-5, 5.87e-5, 0.000132),
                products=(0.0, 0.0, -3.6e-6),
            ),
        ),
    ),
)
