"""URDF of the arm and of things, as other programs read it."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import mujoco
import numpy as np
import pytest

from ibc_gym.envs.scene_spec import Body, Shape
from ibc_gym.envs.tasks.push import Push
from ibc_gym.envs.urdf import arm_urdf, body_urdf
from ibc_gym.envs.xarm6_looks import XARM6_LOOKS
from ibc_gym.xarm6 import XARM6

BOX = Shape(kind="box", size=(0.1, 0.2, 0.3), colour=(1.0, 0.0, 0.0))


def test_arm_weighs_what_its_table_says() -> None:
    model = mujoco.MjModel.from_xml_string(arm_urdf(XARM6, XARM6_LOOKS))
    for number, joint in enumerate(XARM6.joints, start=1):
        link = model.body(f"link{number}")
        assert link.mass[0] == joint.inertia.mass
        np.testing.assert_allclose(link.ipos, joint.inertia.centre)
        assert sum(link.inertia) == pytest.approx(sum(joint.inertia.diagonal))


def test_tool_is_fixed_to_the_flange_and_alone_collides() -> None:
    robot = ET.fromstring(arm_urdf(XARM6, XARM6_LOOKS, Push().scene.tool))
    joints = {joint.get("name"): joint for joint in robot.iter("joint")}
    assert joints["tool"].get("type") == "fixed"
    parent = joints["tool"].find("parent")
    assert parent is not None and parent.get("link") == "link6"
    colliding = {link.get("name") for link in robot.iter("link") if link.find("collision")}
    assert colliding == {"tool"}


def test_free_thing_has_its_mass_and_a_still_one_none() -> None:
    masses = {}
    for motion in ("free", "placed", "fixed"):
        thing = Body(name="thing", motion=motion, mass=0.5, shapes=(BOX,))
        element = ET.fromstring(body_urdf(thing)).find("link/inertial/mass")
        assert element is not None
        masses[motion] = float(element.get("value", "nan"))
    assert masses == {"free": 0.5, "placed": 0.0, "fixed": 0.0}


def test_what_is_not_seen_or_does_not_collide_is_left_out() -> None:
    ghost = Shape(kind="sphere", size=(0.1,), collides=False)
    glass = Shape(kind="cylinder", size=(0.1, 0.2), visible=False)
    link = ET.fromstring(body_urdf(Body(name="thing", motion="fixed", shapes=(ghost, glass))))
    assert [element.tag for element in link.findall("link/visual/geometry/*")] == ["sphere"]
    assert [element.tag for element in link.findall("link/collision/geometry/*")] == ["cylinder"]


def test_capsule_is_seen_as_a_cylinder_between_two_spheres() -> None:
    capsule = Shape(kind="capsule", size=(0.02, 0.1), quaternion=(0.5, 0.5, 0.5, 0.5))
    link = ET.fromstring(body_urdf(Body(name="thing", motion="fixed", shapes=(capsule,))))
    seen = [element.tag for element in link.findall("link/visual/geometry/*")]
    assert seen == ["cylinder", "sphere", "sphere"]
    ends = [origin.get("xyz", "").split() for origin in link.findall("link/visual/origin")][1:]
    along_x = np.array(ends, dtype=float)
    np.testing.assert_allclose(along_x, [[-0.05, 0, 0], [0.05, 0, 0]], atol=1e-12)
