"""A scene and the xArm6 as one MuJoCo model, composed with dm_control's MJCF.

Only the contacts that matter exist: each one is an explicit pair, with the product of the two frictions (which is
PyBullet's rule), and the arm's links are looks without collision.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from itertools import combinations, product
from typing import Any
from zlib import crc32

import mujoco
import numpy as np

from ibc_gym import geometry
from ibc_gym.records import CameraSpec, UInt8
from ibc_gym.xarm6 import XARM6, ArmSpec, Joint

from ..scene_spec import Body, MujocoSettings, Picture, SceneSpec, Shape, Tool
from ..solids import volume
from ..xarm6_looks import XARM6_LOOKS, ArmLooks
from .following import PEAK_TORQUE
from .patterns import LENGTH as PATTERN_LENGTH
from .patterns import SIDE as PATTERN_SIDE
from .patterns import pattern
from .simulated import FLOOR_SIDE


@contextmanager
def _no_gl() -> Iterator[None]:
    """Keep dm_control from looking for OpenGL when it is imported: only its MJCF composer is wanted."""
    before = os.environ.get("MUJOCO_GL")
    os.environ["MUJOCO_GL"] = "disabled"
    try:
        yield
    finally:
        del os.environ["MUJOCO_GL"]
        if before is not None:
            os.environ["MUJOCO_GL"] = before


with _no_gl():
    from dm_control import mjcf

TIP = "tip"
"""Site at the tool's tip."""
TABLE = "table"
PATTERN = "pattern"
"""Textures and materials are called this and the pattern's number."""
PICTURE = "picture"
"""Textures and materials are called this and the checksum of the picture."""

STIFFNESS = 5_000.0
"""Of the joint servos [N m/rad]."""
SERVO_DAMPING = 100.0
"""Of the joint servos [N m s/rad]; it acts on the difference to the commanded speed, so there is no lag."""
ARMATURE = 0.1
"""Inertia of the motors and gears, seen at the joint [kg m^2]; without it such stiff servos are unstable."""
JOINT_DAMPING = 1.0
"""[N m s/rad]"""


@lru_cache(maxsize=16)
def compile_scene(spec: SceneSpec) -> mujoco.MjModel:
    """The compiled model of a scene; the same object for the same spec, so do not write to it."""
    return compile_anew(spec)


def compile_anew(spec: SceneSpec) -> mujoco.MjModel:
    """The compiled model of a scene that will hardly be met again."""
    root = compose(spec, XARM6, XARM6_LOOKS)
    model = mujoco.MjModel.from_xml_string(root.to_xml_string(), root.get_assets())
    pictures = {_name_of(picture): picture for picture in _pictures(spec)}
    for index in range(model.ntex):
        texture = model.tex(index)
        start = int(texture.adr[0])
        if texture.name in pictures:
            pixels = _texels(pictures[texture.name])
        else:
            pixels = pattern(int(texture.name.removeprefix(PATTERN)))
        model.tex_data[start : start + pixels.size] = pixels.ravel()
    return model


def compose(spec: SceneSpec, arm: ArmSpec, looks: ArmLooks) -> Any:
    """The MJCF tree of a scene with an arm at the origin.

    Joints are called joint1 to joint6, and each has two actuators that take its speed [rad/s]: one moves a set-point
    with that speed and pulls the joint after it, the other asks for the speed itself. So the joints move along straight
    lines between targets, with no code between the physics steps.
    """
    root = mjcf.RootElement(model=spec.name)
    _set_options(root, spec)
    _add_surroundings(root, spec)
    flange = _add_arm(root, arm, looks)
    _add_tool(flange, spec.tool)
    for body in spec.bodies:
        _add_body(root, body)
    for camera in spec.cameras:
        _add_camera(root, camera)
    _add_contacts(root, spec)
    return root


def _set_options(root: Any, spec: SceneSpec) -> None:
    root.compiler.angle = "radian"
    root.compiler.autolimits = True
    option = root.option
    option.timestep = spec.mujoco.time_step
    option.integrator = "implicitfast"
    option.solver = "Newton"
    option.cone = "elliptic"
    option.jacobian = "dense"
    option.impratio = spec.mujoco.impratio
    option.gravity = (0, 0, -spec.gravity * spec.mujoco.table_load)
    option.flag.multiccd = "disable"  # once saw contacts of 40 mm between cylinder and box
    root.visual.headlight.set_attributes(
        ambient=(0.45, 0.45, 0.45), diffuse=(0.35, 0.35, 0.35), specular=(0.05, 0.05, 0.05)
    )
    root.visual.quality.set_attributes(offsamples=0, shadowsize=0, numslices=14, numstacks=6)
    root.visual.map.set_attributes(znear=0.01, zfar=10, haze=0)
    getattr(root.visual, "global").set_attributes(offwidth=1280, offheight=960)
    root.statistic.set_attributes(extent=1.0, center=(0.35, 0.0, 0.1))


def _add_surroundings(root: Any, spec: SceneSpec) -> None:
    world = root.worldbody
    world.add(
        "light",
        directional=True,
        pos=(0.6, -0.6, 2.0),
        dir=spec.light.direction,
        diffuse=[0.45 * spec.light.brightness] * 3,
        specular=(0.15, 0.15, 0.15),
        castshadow=False,
    )
    world.add(
        "geom",
        name=TABLE,
        type="plane",
        size=(FLOOR_SIDE / 2, FLOOR_SIDE / 2, 0.1),
        rgba=(*spec.table_colour, 1.0),
        **_material(root, spec.table_texture, FLOOR_SIDE),
        contype=0,
        conaffinity=0,
    )


def _add_arm(root: Any, arm: ArmSpec, looks: ArmLooks) -> Any:
    """Add the chain of links and its servos; gives the last link's body, the flange."""
    body = root.worldbody.add("body", name="base")
    _add_shapes(body, looks.base)
    for number, (joint, shapes) in enumerate(zip(arm.joints, looks.links, strict=True), start=1):
        body = _add_link(body, joint, number)
        _add_shapes(body, shapes)
        name = f"joint{number}"
        root.actuator.add(
            "intvelocity",
            name=f"{name}_position",
            joint=name,
            kp=STIFFNESS,
            actrange=(joint.lower, joint.upper),
        )
    for number in range(1, len(arm.joints) + 1):
        root.actuator.add(
            "velocity", name=f"joint{number}_speed", joint=f"joint{number}", kv=SERVO_DAMPING
        )
    return body


def _add_link(parent: Any, joint: Joint, number: int) -> Any:
    body = parent.add(
        "body",
        name=f"link{number}",
        pos=joint.origin,
        euler=(joint.roll, 0, 0),
        gravcomp=1,
    )
    inertia = joint.inertia
    body.add(
        "inertial",
        mass=inertia.mass,
        pos=inertia.centre,
        fullinertia=(*inertia.diagonal, *inertia.products),
    )
    body.add(
        "joint",
        name=f"joint{number}",
        type="hinge",
        axis=(0, 0, 1),
        range=(joint.lower, joint.upper),
        damping=JOINT_DAMPING,
        armature=ARMATURE,
        actuatorfrcrange=(-PEAK_TORQUE * joint.effort, PEAK_TORQUE * joint.effort),
    )
    return body


def _add_tool(flange: Any, tool: Tool) -> None:
    body = flange.add("body", name="tool", gravcomp=1)
    # A slender rod along z; its exact inertia is nothing beside the arm's.
    across, along = tool.mass * tool.length**2 / 12, tool.mass * 0.01**2 / 2
    body.add(
        "inertial",
        mass=tool.mass,
        pos=(0, 0, tool.length / 2),
        diaginertia=(across, across, along),
    )
    _add_shapes(body, tool.shapes)
    body.add("site", name=TIP, pos=(0, 0, tool.length), size=(0.001,), rgba=(0, 0, 0, 0))


def _add_body(root: Any, body: Body) -> None:
    mocap = body.motion == "placed"
    element = root.worldbody.add(
        "body", name=body.name, pos=body.position, quat=body.quaternion, mocap=mocap
    )
    if body.motion == "free":
        element.add("freejoint", name=body.name)
    solid = sum(volume(shape) for shape in body.shapes if shape.collides)
    _add_shapes(element, body.shapes, density=body.mass / solid if solid else 0.0)


def _add_shapes(body: Any, shapes: tuple[Shape, ...], density: float = 0.0) -> None:
    for index, shape in enumerate(shapes):
        body.add(
            "geom",
            name=f"{body.name}_{index}",
            type=shape.kind,
            size=_half_sizes(shape),
            pos=shape.position,
            quat=shape.quaternion,
            rgba=(*shape.colour, 1.0 if shape.visible else 0.0),
            **_covering(body.root, shape),
            density=density if shape.collides else 0.0,
            contype=0,
            conaffinity=0,
        )


def _material(root: Any, number: int | None, side: float) -> dict[str, Any]:
    """The attributes of a shape that has a pattern; its pixels are filled in when the model is compiled."""
    if number is None:
        return {}
    name = f"{PATTERN}{number}"
    if root.find("texture", name) is None:
        root.asset.add(
            "texture", name=name, type="2d", builtin="flat", width=PATTERN_SIDE, height=PATTERN_SIDE
        )
        repeat = max(1.0, side / PATTERN_LENGTH)
        root.asset.add("material", name=name, texture=name, texrepeat=(repeat, repeat))
    return {"material": name}


def _covering(root: Any, shape: Shape) -> dict[str, Any]:
    """The attributes of a shape for what is on its surface."""
    if shape.picture is None:
        return _material(root, shape.texture, max(shape.size))
    name = _name_of(shape.picture)
    if root.find("texture", name) is None:
        size = {"width": shape.picture.width, "height": shape.picture.height}
        root.asset.add("texture", name=name, type="2d", builtin="flat", **size)
        root.asset.add("material", name=name, texture=name, specular=0.0)
    return {"material": name}


def _pictures(spec: SceneSpec) -> Iterator[Picture]:
    for shape in (*spec.tool.shapes, *(shape for body in spec.bodies for shape in body.shapes)):
        if shape.picture is not None:
            yield shape.picture


def _name_of(picture: Picture) -> str:
    return f"{PICTURE}{crc32(picture.pixels, picture.width):08x}"


def _texels(picture: Picture) -> UInt8:
    """The picture as MuJoCo lays it on a box, (height, width, 3)."""
    grey = np.frombuffer(picture.pixels, np.uint8).reshape(picture.height, picture.width)
    return np.repeat(grey[:, :, None], 3, axis=2)


def _half_sizes(shape: Shape) -> tuple[float, ...]:
    """Our full lengths as MuJoCo's half lengths; radii stay."""
    if shape.kind == "box":
        return tuple(edge / 2 for edge in shape.size)
    if shape.kind in ("cylinder", "capsule"):
        return (shape.size[0], shape.size[1] / 2)
    return shape.size


def _add_camera(root: Any, camera: CameraSpec) -> None:
    # MuJoCo's camera looks along its -z with +y up; ours along +z with +y down.
    flip = geometry.rotation(np.array([0.0, 1.0, 0.0, 0.0]))
    turn = geometry.quaternion(geometry.rotation(np.array(camera.quaternion)) * flip)
    root.worldbody.add(
        "camera",
        name=camera.name,
        pos=camera.position,
        quat=turn,
        resolution=(camera.width, camera.height),
        sensorsize=(camera.width, camera.height),  # one unit of length per pixel
        focalpixel=(camera.fx, camera.fy),
        principalpixel=(camera.width / 2 - camera.cx, camera.height / 2 - camera.cy),
    )


def _add_contacts(root: Any, spec: SceneSpec) -> None:
    """One explicit pair for every two shapes that may touch: something free, and the table, the tool or a thing.

    The tool does not touch what stands still: an arm that is commanded into a fixture would climb over it, where a real
    one stops.
    """
    on_table = spec.table_friction / spec.mujoco.table_load
    things = [(_solids(body.name, body.shapes), body) for body in spec.bodies]
    tool = _solids("tool", spec.tool.shapes)
    for ours, body in things:
        if body.motion == "free":
            _add_pairs(root, [TABLE], ours, body.friction * on_table, spec.mujoco)
            _add_pairs(root, tool, ours, body.friction * spec.tool.friction, spec.mujoco)
    for (ours, one), (theirs, two) in combinations(things, 2):
        if "free" in (one.motion, two.motion):
            _add_pairs(root, ours, theirs, one.friction * two.friction, spec.mujoco)


def _solids(name: str, shapes: tuple[Shape, ...]) -> list[str]:
    return [f"{name}_{index}" for index, shape in enumerate(shapes) if shape.collides]


def _add_pairs(
    root: Any, ours: list[str], theirs: list[str], friction: float, settings: MujocoSettings
) -> None:
    for one, two in product(ours, theirs):
        root.contact.add(
            "pair",
            geom1=one,
            geom2=two,
            condim=3,
            margin=0.0 if one == TABLE else settings.skin,
            friction=(friction, friction, 0.005, 0.0001, 0.0001),
            solref=(2 * settings.time_step, 1.0),  # the least that MuJoCo takes for stable
            solimp=(*settings.solimp, 0.5, 2.0),
        )
