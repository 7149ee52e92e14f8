"""Domain randomisation: every episode in a world that differs a little from its description.

What is drawn is a `Variation`, plain numbers by name, and is kept with the episode. A varied world is nothing special:
`varied` makes another `SceneSpec`, and each simulator builds it like any other. What is noisy or late from step to step
(observations, actions) is left to the environment, which knows no scene.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import ClassVar, Final

import numpy as np
from scipy.spatial.transform import Rotation

from ibc_gym import geometry
from ibc_gym.checks import require_finite
from ibc_gym.errors import ConfigError
from ibc_gym.records import CameraSpec, Layout, Pose, Variation

from .scene_spec import Body, Colour, SceneSpec, Shape, Vector

AXES: Final = ("x", "y", "z")
CHANNELS: Final = ("r", "g", "b")
STREAMS: Final = (
    "camera",
    "light",
    "colour",
    "texture",
    "friction",
    "mass",
    "size",
    "sensing",
    "arm",
)
"""Every group has a stream of its own: switching one on leaves the draws of the others alone."""


@dataclass(frozen=True, kw_only=True)
class SensingRandomisation:
    """What is noisy or late, in any world. All zero: nothing is."""

    observation_noise: float = 0.0
    """Greatest deviation of normal noise on "state" and "robot", in their units [m, rad]; every episode has its own."""
    action_noise: float = 0.0
    """Greatest deviation of normal noise on actions, in their units; every episode has its own."""
    latency: int = 0
    """Greatest number of control periods by which observations come late; every episode has its own."""

    most: ClassVar[Mapping[str, float]] = {}
    """Greatest values of those that have one."""

    def __post_init__(self) -> None:
        require_finite(self)
        for field in fields(self):
            value, most = getattr(self, field.name), self.most.get(field.name)
            if value < 0 or (most is not None and value > most):
                bound = "be at least 0" if most is None else f"lie in 0 to {most}"
                raise ConfigError(
                    f"{type(self).__name__}.{field.name} is {value}, but must {bound}."
                )

    @property
    def on(self) -> bool:
        """Whether anything is drawn at all."""
        return any(getattr(self, field.name) for field in fields(self))

    def sensing(self, rng: np.random.Generator) -> dict[str, float]:
        """Noise and delay of one episode, by name; those that are off are drawn, too, and left out."""
        noise, shake = rng.uniform(0, 1, 2).tolist()
        late = float(rng.integers(0, self.latency + 1))
        drawn = {
            "observation_noise": noise * self.observation_noise,
            "action_noise": shake * self.action_noise,
            "latency": late,
        }
        return {name: value for name, value in drawn.items() if getattr(self, name)}


@dataclass(frozen=True, kw_only=True)
class Randomisation(SensingRandomisation):
    """How far a world may be from its description. All zero: it is as described."""

    camera_position: float = 0.0
    """Greatest shift of a camera along each axis [m]."""
    camera_rotation: float = 0.0
    """Greatest turn of a camera about each of its axes [rad]."""
    light_direction: float = 0.0
    """Greatest turn of the light about each horizontal axis [rad]."""
    light_brightness: float = 0.0
    """Greatest change of the light's brightness, as a share."""
    colours: float = 0.0
    """How far colours go towards a random one: 0 not at all, 1 all the way. Up to 0.3, red stays red."""
    textures: bool = False
    """Whether table and board have random patterns."""
    friction: float = 0.0
    """Friction of things, tool and table is multiplied or divided by up to 1 plus this."""
    mass: float = 0.0
    """Masses of free things are multiplied or divided by up to 1 plus this."""
    size: float = 0.0
    """Greatest change of the size of free things, as a share. They keep their shapes."""
    lag: float = 0.0
    """Greatest time by which the arm follows its targets late [s], under a control period; a real one does by some 20 ms."""

    most: ClassVar[Mapping[str, float]] = {"light_brightness": 1.0, "colours": 1.0, "size": 0.3}

    def draw(self, scene: SceneSpec, rng: np.random.Generator) -> Variation:
        """One world, as numbers by name; empty, and nothing is drawn, where all is zero."""
        if not self.on:
            return {}
        streams = streams_of(rng, STREAMS)
        drawn: dict[str, float] = {}
        for camera in scene.cameras:
            shift, turn = self.camera_position, self.camera_rotation
            drawn |= _vector(f"camera.{camera.name}.shift", shift, streams["camera"])
            drawn |= _vector(f"camera.{camera.name}.turn", turn, streams["camera"])
        drawn |= _vector("light.turn", self.light_direction, streams["light"], AXES[:2])
        if self.light_brightness:
            share = self.light_brightness
            drawn["light.brightness"] = float(streams["light"].uniform(1 - share, 1 + share))
        painted = ["table", "tool", *(body.name for body in scene.bodies)]
        drawn |= colours(painted, self.colours, streams["colour"])
        if self.textures:
            for name in ("table", *(body.name for body in _grounds(scene))):
                drawn[f"texture.{name}"] = float(streams["texture"].integers(1, 2**31))
        free = [body.name for body in scene.bodies if body.motion == "free"]
        solid = [body.name for body in scene.bodies if any(shape.collides for shape in body.shapes)]
        drawn |= factors("friction", ["table", "tool", *solid], self.friction, streams["friction"])
        drawn |= factors("mass", free, self.mass, streams["mass"])
        if self.size:
            for name in free:
                drawn[f"size.{name}"] = 1 + self.size * float(streams["size"].uniform(-1, 1))
        if self.lag:
            drawn["arm.lag"] = self.lag * float(streams["arm"].uniform())
        return drawn | self.sensing(streams["sensing"])


def streams_of(
    rng: np.random.Generator, names: tuple[str, ...]
) -> Mapping[str, np.random.Generator]:
    """A generator for every name, all from one number of `rng`."""
    seed = int(rng.integers(2**63))
    return {name: np.random.default_rng([seed, number]) for number, name in enumerate(names)}


def colours(names: Sequence[str], share: float, rng: np.random.Generator) -> dict[str, float]:
    """A random colour for every name, and how far all go there, up to `share`; nothing where that is 0."""
    if not share:
        return {}
    drawn: dict[str, float] = {}
    for name in names:
        colour = rng.uniform(0, 1, 3)
        drawn |= {
            f"colour.{name}.{channel}": float(part)
            for channel, part in zip(CHANNELS, colour, strict=True)
        }
    return drawn | {"colour.share": float(rng.uniform(0, share))}


def factors(
    kind: str, names: Sequence[str], share: float, rng: np.random.Generator
) -> dict[str, float]:
    """For every name one evenly between division and multiplication by 1 + share, on a scale of ratios."""
    if not share:
        return {}
    return {f"{kind}.{name}": float((1 + share) ** rng.uniform(-1, 1)) for name in names}


def varied(scene: SceneSpec, variation: Variation) -> SceneSpec:
    """The scene as a variation has it; numbers that speak of no scene are left to others."""
    return replace(
        scene,
        bodies=tuple(_varied_body(body, variation) for body in scene.bodies),
        cameras=tuple(_varied_camera(camera, variation) for camera in scene.cameras),
        tool=replace(
            scene.tool,
            friction=scene.tool.friction * variation.get("friction.tool", 1.0),
            shapes=tuple(_painted(shape, "tool", variation) for shape in scene.tool.shapes),
        ),
        light=replace(
            scene.light,
            direction=_tilted(scene.light.direction, variation),
            brightness=scene.light.brightness * variation.get("light.brightness", 1.0),
        ),
        table_friction=scene.table_friction * variation.get("friction.table", 1.0),
        table_colour=mixed(scene.table_colour, "table", variation),
        table_texture=_texture("table", variation),
        arm_lag=variation.get("arm.lag", scene.arm_lag),
    )


def standing_as_varied(layout: Layout, variation: Variation) -> Layout:
    """The layout, with things of another size standing on the table and not in it."""
    return {
        name: _lifted(pose, variation.get(f"size.{name}", 1.0)) for name, pose in layout.items()
    }


def _lifted(pose: Pose, factor: float) -> Pose:
    if factor == 1.0:
        return pose
    return replace(pose, position=pose.position * np.array([1.0, 1.0, factor]))


def _varied_body(body: Body, variation: Variation) -> Body:
    size = variation.get(f"size.{body.name}", 1.0)
    texture = _texture(body.name, variation)
    shapes = (_painted(_scaled(shape, size), body.name, variation) for shape in body.shapes)
    return replace(
        body,
        mass=body.mass * variation.get(f"mass.{body.name}", 1.0),
        friction=body.friction * variation.get(f"friction.{body.name}", 1.0),
        shapes=tuple(replace(shape, texture=texture or shape.texture) for shape in shapes),
    )


def _scaled(shape: Shape, factor: float) -> Shape:
    if factor == 1.0:
        return shape
    x, y, z = shape.position
    return replace(
        shape,
        size=tuple(length * factor for length in shape.size),
        position=(x * factor, y * factor, z * factor),
    )


def _painted(shape: Shape, owner: str, variation: Variation) -> Shape:
    return replace(shape, colour=mixed(shape.colour, owner, variation))


def mixed(colour: Colour, owner: str, variation: Variation) -> Colour:
    """The colour on its way to the drawn one; all shapes of a thing go the same way, so they stay a set."""
    share = variation.get("colour.share", 0.0)
    if not share:
        return colour
    r, g, b = (
        (1 - share) * part + share * variation.get(f"colour.{owner}.{channel}", part)
        for channel, part in zip(CHANNELS, colour, strict=True)
    )
    return (r, g, b)


def _varied_camera(camera: CameraSpec, variation: Variation) -> CameraSpec:
    shift, turn = (
        np.array([variation.get(f"camera.{camera.name}.{kind}.{axis}", 0.0) for axis in AXES])
        for kind in ("shift", "turn")
    )
    if not (shift.any() or turn.any()):
        return camera
    rotation = geometry.rotation(np.array(camera.quaternion)) * Rotation.from_rotvec(turn)
    x, y, z = (np.array(camera.position) + shift).tolist()
    w, i, j, k = geometry.quaternion(rotation).tolist()
    return replace(camera, position=(x, y, z), quaternion=(w, i, j, k))


def _tilted(direction: Vector, variation: Variation) -> Vector:
    turn = [variation.get(f"light.turn.{axis}", 0.0) for axis in AXES[:2]]
    if not any(turn):
        return direction
    x, y, z = Rotation.from_rotvec([*turn, 0.0]).apply(direction).tolist()
    return (x, y, z)


def _texture(owner: str, variation: Variation) -> int | None:
    seed = variation.get(f"texture.{owner}")
    return None if seed is None else int(seed)


def _grounds(scene: SceneSpec) -> Iterator[Body]:
    """What lies still and is only looked at."""
    for body in scene.bodies:
        if body.motion == "fixed" and not any(shape.collides for shape in body.shapes):
            yield body


def _vector(
    name: str, most: float, rng: np.random.Generator, axes: tuple[str, ...] = AXES
) -> dict[str, float]:
    drawn = rng.uniform(-1, 1, len(axes)).tolist()  # also where it is off: the next draw stays
    if not most:
        return {}
    return {f"{name}.{axis}": most * part for axis, part in zip(axes, drawn, strict=True)}
