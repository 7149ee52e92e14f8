"""The arm and the things of a scene as URDF text, for simulators and tools that read it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from xml.etree import ElementTree as ET

import numpy as np

from ibc_gym import geometry
from ibc_gym.xarm6 import ArmSpec, Inertia, Joint

from .scene_spec import Body, Shape, Tool
from .solids import mass_properties
from .xarm6_looks import ArmLooks

DAMPING: Final = 1.0
"""Of the arm's joints [N m s/rad]."""
TOOL: Final = "tool"
UNIT_SPHERE: Final = "unit_sphere.obj"
"""File that ellipsoids, which URDF lacks, are scaled from; it must lie beside the URDF."""

WEIGHTLESS: Final = Inertia(
    mass=0.0, centre=(0.0, 0.0, 0.0), diagonal=(0.0, 0.0, 0.0), products=(0.0, 0.0, 0.0)
)
"""Of what stands still: said all the same, because PyBullet warns of a link without."""


def arm_urdf(arm: ArmSpec, looks: ArmLooks, tool: Tool | None = None) -> str:
    """The arm: kinematics, limits, inertias and looks; of it only a tool, fixed to the flange, collides."""
    robot = ET.Element("robot", name=arm.name)
    base = ET.SubElement(robot, "link", name="base")
    _add_visuals(base, looks.base)
    parent = "base"
    for number, (joint, shapes) in enumerate(zip(arm.joints, looks.links, strict=True), start=1):
        link = ET.SubElement(robot, "link", name=f"link{number}")
        _add_inertial(link, joint.inertia)
        _add_visuals(link, shapes)
        _add_joint(robot, joint, number, parent, arm.speed_limit)
        parent = f"link{number}"
    if tool is not None:
        _add_inertial(base, WEIGHTLESS)
        _add_tool(robot, tool, parent)
    return _as_text(robot)


def body_urdf(body: Body) -> str:
    """A thing of one link; one that does not move freely has no mass."""
    robot = ET.Element("robot", name=body.name)
    link = ET.SubElement(robot, "link", name=body.name)
    _add_inertial(link, _inertia(body) if body.motion == "free" else WEIGHTLESS)
    _add_visuals(link, body.shapes)
    _add_collisions(link, body.shapes)
    return _as_text(robot)


def _inertia(body: Body) -> Inertia:
    spread = mass_properties(body)
    (xx, xy, xz), (_, yy, yz), (_, _, zz) = spread.inertia.tolist()
    x, y, z = spread.centre.tolist()
    return Inertia(mass=body.mass, centre=(x, y, z), diagonal=(xx, yy, zz), products=(xy, xz, yz))


def _add_tool(robot: ET.Element, tool: Tool, parent: str) -> None:
    link = ET.SubElement(robot, "link", name=TOOL)
    # A slender rod along z; its exact inertia is nothing beside the arm's.
    across, along = tool.mass * tool.length**2 / 12, tool.mass * 0.01**2 / 2
    inertia = Inertia(
        mass=tool.mass,
        centre=(0.0, 0.0, tool.length / 2),
        diagonal=(across, across, along),
        products=(0.0, 0.0, 0.0),
    )
    _add_inertial(link, inertia)
    _add_visuals(link, tool.shapes)
    _add_collisions(link, tool.shapes)
    element = ET.SubElement(robot, "joint", name=TOOL, type="fixed")
    ET.SubElement(element, "parent", link=parent)
    ET.SubElement(element, "child", link=TOOL)


def _add_joint(
    robot: ET.Element, joint: Joint, number: int, parent: str, speed_limit: float
) -> None:
    element = ET.SubElement(robot, "joint", name=f"joint{number}", type="revolute")
    ET.SubElement(element, "parent", link=parent)
    ET.SubElement(element, "child", link=f"link{number}")
    ET.SubElement(element, "origin", xyz=_text(joint.origin), rpy=_text((joint.roll, 0, 0)))
    ET.SubElement(element, "axis", xyz="0 0 1")
    ET.SubElement(element, "dynamics", damping=_text([DAMPING]), friction="0")
    limits = (joint.lower, joint.upper, joint.effort, speed_limit)
    names = ("lower", "upper", "effort", "velocity")
    ET.SubElement(element, "limit", dict(zip(names, map(repr, limits), strict=True)))


def _add_inertial(link: ET.Element, inertia: Inertia) -> None:
    element = ET.SubElement(link, "inertial")
    ET.SubElement(element, "origin", xyz=_text(inertia.centre), rpy="0 0 0")
    ET.SubElement(element, "mass", value=_text([inertia.mass]))
    names = ("ixx", "iyy", "izz", "ixy", "ixz", "iyz")
    values = map(repr, (*inertia.diagonal, *inertia.products))
    ET.SubElement(element, "inertia", dict(zip(names, values, strict=True)))


def _add_visuals(link: ET.Element, shapes: Iterable[Shape]) -> None:
    """What is seen; a capsule, which URDF lacks, is drawn as a cylinder between two spheres."""
    for shape in shapes:
        for solid in _without_capsules(shape) if shape.visible else ():
            visual = _add_solid(link, "visual", solid)
            rgb = [round(part * 255) for part in solid.colour]
            material = ET.SubElement(visual, "material", name="rgb_{}_{}_{}".format(*rgb))
            ET.SubElement(material, "color", rgba=_text((*solid.colour, 1)))


def _add_collisions(link: ET.Element, shapes: Iterable[Shape]) -> None:
    for shape in shapes:
        if shape.collides:
            _add_solid(link, "collision", shape)


def _add_solid(link: ET.Element, what: str, shape: Shape) -> ET.Element:
    element = ET.SubElement(link, what)
    turn = geometry.rotation(np.array(shape.quaternion)).as_euler("xyz").round(15)
    ET.SubElement(element, "origin", xyz=_text(shape.position), rpy=_text(turn))
    solid = ET.SubElement(element, "geometry")
    if shape.kind == "box":
        ET.SubElement(solid, "box", size=_text(shape.size))
    elif shape.kind == "sphere":
        ET.SubElement(solid, "sphere", radius=_text(shape.size))
    elif shape.kind == "ellipsoid":
        ET.SubElement(solid, "mesh", filename=UNIT_SPHERE, scale=_text(shape.size))
    else:  # a capsule, too: as a collision it is PyBullet's own element
        radius, length = shape.size
        ET.SubElement(solid, shape.kind, radius=_text([radius]), length=_text([length]))
    return element


def _without_capsules(shape: Shape) -> list[Shape]:
    if shape.kind != "capsule":
        return [shape]
    radius, length = shape.size
    axis = geometry.rotation(np.array(shape.quaternion)).apply([0.0, 0.0, length / 2])
    body = Shape(
        kind="cylinder",
        size=shape.size,
        position=shape.position,
        quaternion=shape.quaternion,
        colour=shape.colour,
    )
    caps = []
    for end in (-1, 1):
        x, y, z = (float(part) for part in np.array(shape.position) + end * axis)
        caps.append(Shape(kind="sphere", size=(radius,), position=(x, y, z), colour=shape.colour))
    return [body, *caps]


def _as_text(robot: ET.Element) -> str:
    ET.indent(robot)
    return ET.tostring(robot, encoding="unicode", xml_declaration=True) + "\n"


def _text(numbers: Iterable[float]) -> str:
    """Every digit that a double has, and no more."""
    return " ".join(repr(float(number)) for number in numbers)
