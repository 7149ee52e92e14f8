"""What the xArm6 looks like: light primitives of ours that resemble the arm at a distance.

`assets/robots/make_xarm6.py` writes the URDF from this file and from `ibc_gym.xarm6`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ibc_gym.xarm6 import Vector

from .scene_spec import Colour, Shape

WHITE: Final[Colour] = (0.93, 0.93, 0.94)
GREY: Final[Colour] = (0.52, 0.54, 0.57)
DARK: Final[Colour] = (0.16, 0.17, 0.19)

_ALONG_X = (0.5, 0.5, 0.5, 0.5)
_ALONG_Y = (0.5**0.5, 0.5**0.5, 0.0, 0.0)


@dataclass(frozen=True, kw_only=True)
class ArmLooks:
    """What is seen of an arm; nothing of it collides or weighs anything."""

    base: tuple[Shape, ...]
    """In the base frame."""
    links: tuple[tuple[Shape, ...], ...]
    """Of the link behind every joint, in the link's own frame."""


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

XARM6_LOOKS: Final = ArmLooks(
    base=_BASE, links=(_SHOULDER, _UPPER_ARM, _ELBOW, _FOREARM, _WRIST, _FLANGE)
)
