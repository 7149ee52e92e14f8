"""Write xarm6.urdf from the arm's table in envs/xarm6.py: python assets/robots/make_xarm6.py."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np

from ibc_gym import geometry
from ibc_gym.envs.scene_spec import Shape
from ibc_gym.envs.xarm6 import XARM6, ArmSpec, Inertia, Joint

DAMPING = 1.0
"""[N m s/rad]"""


def urdf(arm: ArmSpec) -> str:
    """The arm as URDF text: kinematics, limits, inertias and looks; the links do not collide."""
    robot = ET.Element("robot", name=arm.name)
    base = ET.SubElement(robot, "link", name="base")
    _add_visuals(base, arm.base_shapes)
    parent = "base"
    for number, joint in enumerate(arm.joints, start=1):
        link = ET.SubElement(robot, "link", name=f"link{number}")
        _add_inertial(link, joint.inertia)
        _add_visuals(link, joint.shapes)
        _add_joint(robot, joint, number, parent, arm.speed_limit)
        parent = f"link{number}"
    ET.indent(robot)
    return ET.tostring(robot, encoding="unicode", xml_declaration=True) + "\n"


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
    for shape in shapes:
        for solid in _as_urdf(shape):
            visual = ET.SubElement(link, "visual")
            turn = geometry.rotation(np.array(solid.quaternion)).as_euler("xyz").round(15)
            ET.SubElement(visual, "origin", xyz=_text(solid.position), rpy=_text(turn))
            _add_geometry(ET.SubElement(visual, "geometry"), solid)
            rgb = [round(part * 255) for part in solid.colour]
            material = ET.SubElement(visual, "material", name="rgb_{}_{}_{}".format(*rgb))
            ET.SubElement(material, "color", rgba=_text((*solid.colour, 1)))


def _add_geometry(element: ET.Element, shape: Shape) -> None:
    if shape.kind == "box":
        ET.SubElement(element, "box", size=_text(shape.size))
    elif shape.kind == "cylinder":
        radius, length = shape.size
        ET.SubElement(element, "cylinder", radius=_text([radius]), length=_text([length]))
    else:
        ET.SubElement(element, "sphere", radius=_text([shape.size[0]]))


def _as_urdf(shape: Shape) -> list[Shape]:
    """The shape itself; a capsule, which URDF lacks, as a cylinder between two spheres."""
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


def _text(numbers: Iterable[float]) -> str:
    """Every digit that a double has, and no more."""
    return " ".join(repr(float(number)) for number in numbers)


if __name__ == "__main__":
    path = Path(__file__).with_name("xarm6.urdf")
    path.write_text(urdf(XARM6))
    print(f"Wrote {path}")
