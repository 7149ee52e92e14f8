"""The UFACTORY xArm6 as numbers: the one source of its kinematics, limits, inertias and looks.

The geometry and limits are the vendor's published ones, and agree with its Denavit-Hartenberg table; the inertias are the
vendor's newer set, which unlike the older one are those of possible bodies. The shapes are ours: light primitives that
look like the arm at a distance. `assets/robots/make_xarm6.py` writes the URDF from this file.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi
from typing import Final

from .scene_spec import Colour, Shape, Vector

WHITE: Final[Colour] = (0.93, 0.93, 0.94)
GREY: Final[Colour] = (0.52, 0.54, 0.57)
DARK: Final[Colour] = (0.16, 0.17, 0.19)

_ALONG_X = (0.5, 0.5, 0.5, 0.5)
_ALONG_Y = (0.5**0.5, 0.5**0.5, 0.0, 0.0)


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
    shapes: tuple[Shape, ...]
    """The looks of that link, in its own frame."""


@dataclass(frozen=True, kw_only=True)
class ArmSpec:
    """A serial arm that stands at the origin; the flange is the last link's frame."""

    name: str
    joints: tuple[Joint, ...]
    base_shapes: tuple[Shape, ...]
    rest: tuple[float, ...]
    """Joints from which inverse kinematics starts out [rad]: of several solutions it takes those near."""
    speed_limit: float
    """Of every joint [rad/s]."""


def _solid(
    kind: str, size: tuple[float, ...], position: Vector, colour: Colour, along: str = "z"
) -> Shape:
    turn = {"x": _ALONG_X, "y": _ALONG_Y, "z": (1.0, 0.0, 0.0, 0.0)}[along]
    return Shape(
        kind=kind,  # type: ignore[arg-type]  # a literal, by the calls below
        size=size,
        position=position,
        quaternion=turn,
        colour=colour,
        collides=False,
    )


_BASE = (
    _solid("cylinder", (0.075, 0.016), (0.0, 0.0, 0.008), DARK),
    _solid("cylinder", (0.062, 0.135), (0.0, 0.0, 0.0835), WHITE),
    _solid("cylinder", (0.0625, 0.012), (0.0, 0.0, 0.157), GREY),
)

_SHOULDER = (
    _solid("cylinder", (0.060, 0.10), (0.0, 0.0, -0.054), WHITE),
    _solid("cylinder", (0.058, 0.116), (0.0, 0.0, 0.0), WHITE, "y"),
    _solid("cylinder", (0.0585, 0.010), (0.0, 0.060, 0.0), GREY, "y"),
)

# Link 2's frame has y down and z to the side of the arm, so the upper arm rises along -y.
_UPPER_ARM = (
    _solid("cylinder", (0.058, 0.062), (0.0, 0.0, 0.096), WHITE),
    _solid("capsule", (0.046, 0.19), (0.0, -0.125, 0.090), WHITE, "y"),
    _solid("capsule", (0.046, 0.05), (0.028, -0.262, 0.090), WHITE, "x"),
    _solid("cylinder", (0.050, 0.066), (0.0535, -0.2845, 0.090), WHITE),
    _solid("cylinder", (0.0505, 0.008), (0.0535, -0.2845, 0.053), GREY),
)

_ELBOW = (
    _solid("cylinder", (0.050, 0.092), (0.0, 0.0, 0.002), WHITE),
    _solid("capsule", (0.043, 0.060), (0.040, 0.018, 0.0), WHITE, "x"),
    _solid("capsule", (0.043, 0.15), (0.0775, 0.100, 0.0), WHITE, "y"),
    _solid("cylinder", (0.0435, 0.008), (0.0775, 0.212, 0.0), GREY, "y"),
)

# Link 4's frame has z along the forearm, towards the wrist at its origin.
_FOREARM = (
    _solid("capsule", (0.040, 0.070), (0.0, 0.0, -0.085), WHITE),
    _solid("cylinder", (0.041, 0.092), (0.0, 0.0, 0.0), WHITE, "y"),
    _solid("cylinder", (0.0415, 0.008), (0.0, 0.049, 0.0), GREY, "y"),
)

# Link 5's frame has y towards the flange and x across to joint 6.
_WRIST = (
    _solid("capsule", (0.034, 0.060), (0.038, 0.0, 0.050), WHITE, "x"),
    _solid("cylinder", (0.041, 0.030), (0.0, 0.0, 0.044), WHITE),
    _solid("capsule", (0.036, 0.030), (0.076, 0.010, 0.022), WHITE),
    _solid("cylinder", (0.037, 0.066), (0.076, 0.035, 0.0), WHITE, "y"),
    _solid("cylinder", (0.0375, 0.008), (0.076, 0.072, 0.0), GREY, "y"),
)

_FLANGE = (
    _solid("cylinder", (0.036, 0.016), (0.0, 0.0, -0.012), WHITE),
    _solid("cylinder", (0.0315, 0.006), (0.0, 0.0, -0.003), GREY),
)

XARM6: Final = ArmSpec(
    name="xarm6",
    rest=(-0.93, 0.70, -1.11, 0.0, 0.40, -4.07),
    speed_limit=pi,
    base_shapes=_BASE,
    joints=(
        Joint(
            origin=(0.0, 0.0, 0.267),
            roll=0.0,
            lower=-2 * pi,
            upper=2 * pi,
            effort=50.0,
            shapes=_SHOULDER,
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
            shapes=_UPPER_ARM,
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
            shapes=_ELBOW,
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
            shapes=_FOREARM,
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
            shapes=_WRIST,
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
            shapes=_FLANGE,
            inertia=Inertia(
                mass=0.17,
                centre=(0.0, -0.00677, -0.01098),
                diagonal=(9.3e-5, 5.87e-5, 0.000132),
                products=(0.0, 0.0, -3.6e-6),
            ),
        ),
    ),
)
