"""A scene as data: what stands on the table, which tool the arm holds, what the cameras see.

Each simulator builds its world from this and nothing else, so that two of them show the same scene. All records are
frozen and hashable: a simulator may keep what it has built for a spec it has met before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from ibc_gym.checks import require_finite
from ibc_gym.contracts import Task
from ibc_gym.errors import ConfigError
from ibc_gym.records import CameraSpec

Vector = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]
Colour = tuple[float, float, float]

SIZES = {"box": 3, "cylinder": 2, "capsule": 2, "sphere": 1, "ellipsoid": 3}
"""How many numbers say the size of each kind of shape."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """Something printed, in shades of grey."""

    width: int
    """[px]"""
    height: int
    """[px]"""
    pixels: bytes
    """Row by row from the top left, 0 black, 255 white."""

    def __post_init__(self) -> None:
        if min(self.width, self.height) < 1 or len(self.pixels) != self.width * self.height:
            raise ConfigError(
                f"A picture of {self.width} x {self.height} px takes as many bytes, not {len(self.pixels)}."
            )


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A primitive solid, fixed to the frame of its body."""

    kind: Literal["box", "cylinder", "capsule", "sphere", "ellipsoid"]
    size: tuple[float, ...]
    """[m]. Box: edges x, y, z. Cylinder: radius, height along z. Capsule: radius, distance along z between the centres
    of its caps. Sphere: radius. Ellipsoid: radii."""
    position: Vector = (0.0, 0.0, 0.0)
    """Of the solid's centre [m]."""
    quaternion: Quaternion = (1.0, 0.0, 0.0, 0.0)
    """wxyz"""
    colour: Colour = (0.5, 0.5, 0.5)
    """RGB, 0 to 1."""
    collides: bool = True
    visible: bool = True
    texture: int | None = None
    """Number of a random pattern on its surface; None is plain."""
    picture: Picture | None = None
    """Printed over the whole of a box's +z face, read with the box's +x to the right and its +y up; in MuJoCo only. The
    face behind shows it mirrored, and the sides its edges: take a thin box, and something plain behind it."""

    def __post_init__(self) -> None:
        if self.picture is not None and (self.kind != "box" or self.texture is not None):
            raise ConfigError("A picture is printed on a box that has no pattern; take a thin one.")
        if len(self.size) != SIZES[self.kind] or min(self.size) <= 0:
            raise ConfigError(
                f"A {self.kind} takes {SIZES[self.kind]} positive sizes [m], not {self.size}."
            )


@dataclass(frozen=True, kw_only=True)
class Body:
    """A thing of the scene."""

    name: str
    shapes: tuple[Shape, ...]
    motion: Literal["free", "placed", "fixed"]
    """"free" is moved by forces, "placed" only by `Scene.arrange`, "fixed" never."""
    mass: float = 0.0
    """Of a free body, spread evenly over its colliding shapes [kg]."""
    friction: float = 1.0
    """Coulomb coefficient; a contact has the product of the two."""
    position: Vector = (0.0, 0.0, 0.0)
    """Where it stands before anything is arranged [m]."""
    quaternion: Quaternion = (1.0, 0.0, 0.0, 0.0)
    """wxyz"""

    def __post_init__(self) -> None:
        if self.motion == "free" and self.mass <= 0:
            raise ConfigError(
                f"Body {self.name!r} moves freely, so its mass must be positive [kg]."
            )


@dataclass(frozen=True, kw_only=True)
class Tool:
    """What is screwed to the arm's flange; its frame is the flange's, +z pointing away from the arm."""

    shapes: tuple[Shape, ...]
    length: float
    """From the flange to the tip, along +z [m]; poses of the robot speak of the tip."""
    mass: float
    """[kg]"""
    friction: float = 1.0


@dataclass(frozen=True, kw_only=True)
class MujocoSettings:
    """How MuJoCo integrates the scene. Contacts are as stiff as the time step allows: critically damped within two."""

    time_step: float
    """[s]; the control period must be a multiple."""
    solimp: tuple[float, float, float] = (0.99, 0.999, 0.0001)
    """Impedance at zero depth, at full depth, and that depth [m]."""
    impratio: float = 1.0
    """Frictional against normal impedance; over 1 for tight fits."""
    table_load: float = 1.0
    """Gravity is this many times the scene's, and the table's friction is divided by it.

    Over 1 for light things that are pushed fast. In MuJoCo's convex contact model two surfaces that slide at speed v
    with friction mu are also pushed apart, at up to mu v: a light block that is hit by the tool would hop and spin
    away. Inertia and friction of a sliding block stay as they are; the hop is gone, and with it tipping over. Not for
    scenes in which things are lifted or dropped: they would weigh and fall as much more."""
    skin: float = 0.0
    """Things begin to push each other this long before they touch [m], so that a fast approach does not end inside.
    Nothing of the kind lies between things and the table."""


@dataclass(frozen=True, kw_only=True)
class BulletSettings:
    """How PyBullet integrates the scene.

    The defaults are for pushing. With them a gap of a millimetre does not exist, because walls give by more; for tight
    fits take a time step of 1/500 s, 200 iterations and a `contact_erp` of 0.9.
    """

    time_step: float = 1 / 240
    """[s], at most: a control period is divided into equal steps."""
    solver_iterations: int = 50
    """Of the contact solver in every step, at most."""
    residual: float = 1e-12
    """Below this squared change of a velocity in one iteration the solver is done. PyBullet's own, 1e-7, saves a third of
    the time, but things at rest creep by a hundredth of a millimetre per second."""
    contact_erp: float = 0.2
    """Part of a penetration that is mended in one step."""

    def __post_init__(self) -> None:
        require_finite(self)
        if self.time_step <= 0 or self.solver_iterations < 1 or self.residual < 0:
            raise ConfigError(
                f"{self} makes no sense: the time step must be positive, the solver needs at least one iteration, and "
                "the residual must not be negative."
            )
        if not 0 < self.contact_erp <= 1:
            raise ConfigError(
                f"BulletSettings.contact_erp is {self.contact_erp}, but must lie in (0, 1]; 0.2 is PyBullet's own."
            )


@dataclass(frozen=True, kw_only=True)
class Light:
    """The lamp, far away."""

    direction: Vector = (-0.3, 0.35, -1.0)
    """The way it shines; of any length."""
    brightness: float = 1.0
    """Times the usual."""


@dataclass(frozen=True, kw_only=True)
class SceneSpec:
    """Everything that a simulator needs to build the world of a task."""

    name: str
    control_period: float
    """[s]"""
    tool: Tool
    home: Vector
    """Where the tool tip is at the start of an episode, pointing straight down [m]."""
    workspace_lower: Vector
    """Least position of the tool tip [m]."""
    workspace_upper: Vector
    bodies: tuple[Body, ...]
    cameras: tuple[CameraSpec, ...] = ()
    table_friction: float = 1.0
    """The table is the half-space z < 0."""
    table_colour: Colour = (0.66, 0.68, 0.70)
    table_texture: int | None = None
    """Number of a random pattern on it; None is plain."""
    light: Light = Light()
    gravity: float = 9.81
    """Straight down [m/s^2]."""
    arm_lag: float = 0.0
    """How long after the arm was told where to go it goes there [s]; shorter than a control period."""
    settle_time: float = 100 / 240
    """How long the world is left to itself after everything has been put in its place [s]."""
    mujoco: MujocoSettings = MujocoSettings(time_step=0.002)
    bullet: BulletSettings = BulletSettings()
    watch_contacts: bool = False
    """Whether the simulator looks after every physics step how deep things are in each other."""

    def __post_init__(self) -> None:
        names = [body.name for body in self.bodies]
        if len(set(names)) != len(names):
            raise ConfigError(f"Scene {self.name!r} has two bodies of one name: {names}.")
        if not 0 <= self.arm_lag < self.control_period:
            raise ConfigError(
                f"Scene {self.name!r}: the arm's lag is {self.arm_lag} s, but must be at least 0 and shorter than a "
                f"control period, {self.control_period:g} s."
            )


class StagedTask(Task, Protocol):
    """A task that says what its world looks like, so that a simulator can host it."""

    @property
    def scene(self) -> SceneSpec:
        """The world it happens in."""
