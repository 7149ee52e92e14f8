"""A scene and the xArm6 as bodies of one PyBullet client, loaded from URDF that we write.

Only the contacts that matter exist: free things touch each other and everything solid that stands still or is carried,
nothing else touches anything, and the arm's links are looks without collision.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from ibc_gym import geometry
from ibc_gym.errors import ConfigError
from ibc_gym.records import Float64, Pose
from ibc_gym.xarm6 import XARM6

from ..scene_spec import Body, SceneSpec
from ..urdf import TOOL, UNIT_SPHERE, arm_urdf, body_urdf
from ..xarm6_looks import XARM6_LOOKS
from .bullet_client import Client
from .patterns import SIDE, pattern
from .simulated import FLOOR_SIDE

TABLE_SIZE: Final = (FLOOR_SIDE, FLOOR_SIDE, 1.0)
"""A box, not a plane: box on box has all its contact points in the first step, on a plane it would rock for some."""
FREE: Final = 1
STILL: Final = 2
"""Groups of contacts: what is free touches both, what is not only the free."""
SPHERE_RINGS: Final = 10


@dataclass(frozen=True, kw_only=True)
class Thing:
    """A body in the client, and where its centre of mass is: PyBullet's poses of a body are those of that."""

    number: int
    name: str
    free: bool
    offset: Pose | None
    """The centre's frame in the body's; None where the two are one."""

    def to_centre(self, pose: Pose) -> tuple[float, ...]:
        """Position [m] and quaternion xyzw of the centre for a pose of the body."""
        if self.offset is not None:
            pose = geometry.compose(pose, self.offset)
        w, *xyz = pose.quaternion.tolist()
        return (*pose.position.tolist(), *xyz, w)

    def to_body(self, centre: Float64) -> Pose:
        """The body's pose for position and quaternion xyzw of its centre, (7,)."""
        pose = Pose(position=centre[:3].copy(), quaternion=centre[[6, 3, 4, 5]])
        if self.offset is None:
            return pose
        return geometry.compose(pose, geometry.inverse(self.offset))


@dataclass(frozen=True, kw_only=True)
class Built:
    """The bodies of a scene."""

    arm: int
    tool: int
    """Link of the arm."""
    things: tuple[Thing, ...]
    """All that moves: first the free, then the placed, each in the order of the scene."""


def build(client: Client, spec: SceneSpec) -> Built:
    """Make the bodies of a scene in an empty client, the arm at the origin.

    Raises:
        ConfigError: Something has a picture on it, which is drawn in MuJoCo only.
    """
    _refuse_pictures(spec)
    bodies = sorted(spec.bodies, key=lambda body: ("free", "placed", "fixed").index(body.motion))
    with TemporaryDirectory(prefix="ibc-gym-") as folder:
        (Path(folder) / UNIT_SPHERE).write_text(_unit_sphere())
        arm = _load(
            client, Path(folder), "arm", arm_urdf(XARM6, XARM6_LOOKS, spec.tool), fixed=True
        )
        things = [
            _add_body(client, Path(folder) / str(index), body) for index, body in enumerate(bodies)
        ]
    tool = client.getNumJoints(arm) - 1
    assert client.getJointInfo(arm, tool)[12].decode() == TOOL
    _set_contacts(client, arm, tool, spec.tool.friction, free=False)
    for link in range(-1, tool + 1):
        client.changeDynamics(arm, link, linearDamping=0.0, angularDamping=0.0)
    _add_table(client, spec.table_friction)
    moving = tuple(
        thing for thing, body in zip(things, bodies, strict=True) if body.motion != "fixed"
    )
    return Built(arm=arm, tool=tool, things=moving)


def _refuse_pictures(spec: SceneSpec) -> None:
    for name, shapes in [
        ("the tool", spec.tool.shapes),
        *((body.name, body.shapes) for body in spec.bodies),
    ]:
        if any(shape.picture is not None for shape in shapes):
            raise ConfigError(
                f"Scene {spec.name!r} has a picture on {name}, which PyBullet is not given: "
                "use the workcell mujoco."
            )


def _load(client: Client, folder: Path, name: str, urdf: str, *, fixed: bool) -> int:
    path = folder / f"{name}.urdf"
    path.write_text(urdf)
    number: int = client.loadURDF(
        str(path),
        useFixedBase=fixed,
        # Otherwise inertia is that of the box around a link, and cylinders are prisms with a margin outside.
        flags=client.URDF_USE_INERTIA_FROM_FILE | client.URDF_USE_IMPLICIT_CYLINDER,
    )
    return number


def _add_body(client: Client, folder: Path, body: Body) -> Thing:
    free = body.motion == "free"
    number = _load(client, folder.parent, folder.name, body_urdf(body), fixed=not free)
    _set_contacts(client, number, -1, body.friction, free=free)
    client.changeDynamics(number, -1, linearDamping=0.0, angularDamping=0.0)
    if any(shape.kind == "ellipsoid" for shape in body.shapes):
        client.changeDynamics(number, -1, collisionMargin=0.0)  # a mesh has its margin outside
    _add_patterns(client, folder.parent, number, body)
    *_, centre, turn = client.getDynamicsInfo(number, -1)[:5]
    x, y, z, w = turn
    same = not any(centre) and not any((x, y, z))
    offset = None if same else Pose(position=np.array(centre), quaternion=np.array((w, x, y, z)))
    thing = Thing(number=number, name=body.name, free=free, offset=offset)
    numbers = thing.to_centre(
        Pose(position=np.array(body.position), quaternion=np.array(body.quaternion))
    )
    client.resetBasePositionAndOrientation(number, numbers[:3], numbers[3:])
    return thing


def _add_patterns(client: Client, folder: Path, number: int, body: Body) -> None:
    """Lay their patterns on those shapes of a body that have one."""
    for index, shape in enumerate(shape for shape in body.shapes if shape.visible):
        if shape.texture is not None:
            path = folder / f"{shape.texture}.tga"
            # TGA: no palette, plain RGB, nothing before the first pixel, 24 bits, from the top; blue comes first.
            header = struct.pack("<3B5x4H2B", 0, 0, 2, 0, 0, SIDE, SIDE, 24, 0x20)
            path.write_bytes(header + pattern(shape.texture)[..., ::-1].tobytes())
            texture = client.loadTexture(str(path))
            client.changeVisualShape(number, -1, index, textureUniqueId=texture)


def _add_table(client: Client, friction: float) -> None:
    half = [edge / 2 for edge in TABLE_SIZE]
    shape = client.createCollisionShape(client.GEOM_BOX, halfExtents=half)
    number = client.createMultiBody(0.0, shape, basePosition=(0.0, 0.0, -half[2]))
    # The camera paints the table where nothing else is seen, which is much faster than to draw it.
    client.changeVisualShape(number, -1, rgbaColor=(0.0, 0.0, 0.0, 0.0))
    _set_contacts(client, number, -1, friction, free=False)


def _set_contacts(client: Client, number: int, link: int, friction: float, *, free: bool) -> None:
    """PyBullet multiplies the two frictions of a contact, as MuJoCo's pairs are written to do."""
    client.changeDynamics(
        number,
        link,
        lateralFriction=friction,
        rollingFriction=0.0,
        spinningFriction=0.0,
        restitution=0.0,
    )
    group, mask = (FREE, FREE | STILL) if free else (STILL, FREE)
    client.setCollisionFilterGroupMask(number, link, group, mask)


def _unit_sphere() -> str:
    """A sphere of radius 1 as an OBJ file."""
    lines = []
    columns = 2 * SPHERE_RINGS
    for polar in np.linspace(0.0, np.pi, SPHERE_RINGS + 1):
        for turn in np.arange(columns) * 2 * np.pi / columns:
            x, y, z = np.sin(polar) * np.cos(turn), np.sin(polar) * np.sin(turn), np.cos(polar)
            lines += [f"v {x:.9f} {y:.9f} {z:.9f}", f"vn {x:.9f} {y:.9f} {z:.9f}"]
    for ring in range(SPHERE_RINGS):
        for column in range(columns):
            beside = (column + 1) % columns
            above, below = ring * columns + 1, (ring + 1) * columns + 1
            a, b, c, d = above + column, below + column, below + beside, above + beside
            lines += [f"f {a}//{a} {b}//{b} {c}//{c}", f"f {a}//{a} {c}//{c} {d}//{d}"]
    return "\n".join(lines) + "\n"
