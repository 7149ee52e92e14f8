"""What tabletop tasks look like: the stage with its board, tool and camera, and the blocks and zones on it, as data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil, pi
from typing import Final

from scipy.spatial.transform import Rotation

from ibc_gym import geometry
from ibc_gym.records import CameraSpec

from ..scene_spec import Body, BulletSettings, Colour, MujocoSettings, SceneSpec, Shape, Tool

TIP_HEIGHT: Final = 0.01
"""Of the tool's tip over the table while pushing [m]."""
BLOCK_SIDE: Final = 0.04
BLOCK_MASS: Final = 0.01
"""[kg]"""
ZONE_SIDE: Final = 0.12
"""Outer edge of the target's frame [m]."""
ZONE_RIM: Final = 0.006

RED: Final[Colour] = (1.0, 0.341, 0.349)
GREEN: Final[Colour] = (0.30, 0.80, 0.42)
LIME: Final[Colour] = (0.341, 1.0, 0.349)
SLATE: Final[Colour] = (0.2, 0.2, 0.2)
BLUE: Final[Colour] = (0.16, 0.42, 0.92)
BLACK: Final[Colour] = (0.10, 0.10, 0.11)
STEEL: Final[Colour] = (0.75, 0.77, 0.80)

PIN_RADIUS: Final = 0.002
TOOL_LENGTH: Final = 0.135
PIN_LENGTH: Final = 0.035
"""The part of the tool that touches: slender (published: radius 1 mm), but just longer than the block is high."""

GRAVITY: Final = 9.8
"""As in the published environment [m/s^2]."""


@dataclass(frozen=True, kw_only=True)
class Physics:
    """How a stage is simulated; by default for a block of 10 g that is pushed at up to 1 m/s per axis."""

    rate: int = 300
    """MuJoCo's steps per second, at least."""
    table_load: float = 3.0
    """See `MujocoSettings.table_load`."""
    skin: float = 0.0005
    """[m]; see `MujocoSettings.skin`."""
    impratio: float = 1.0
    """See `MujocoSettings.impratio`."""
    bullet: BulletSettings = field(default_factory=BulletSettings)
    watch_contacts: bool = False
    """See `SceneSpec.watch_contacts`."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A place to push things about: where the tip may go, what the ground looks like, and who looks on."""

    lower: tuple[float, float]
    """Least x and y of the tip [m]."""
    upper: tuple[float, float]
    """Greatest x and y of the tip [m]."""
    home: tuple[float, float]
    """Where the tip begins an episode [m]."""
    board: Body
    """What is seen of the ground; nothing touches it."""
    tool: Tool
    camera: Callable[[tuple[int, int]], CameraSpec]
    """The camera for a picture of this height and width [px]."""
    physics: Physics = Physics()


def tabletop_scene(
    name: str,
    stage: Stage,
    bodies: tuple[Body, ...],
    *,
    control_period: float,
    image_size: tuple[int, int],
) -> SceneSpec:
    """The scene of a task whose tool pushes things about in a plane.

    Args:
        name: The task's.
        stage: Where it happens.
        bodies: What stands on the stage; what lies flat first.
        control_period: [s]
        image_size: Height and width of the picture [px].
    """
    physics = stage.physics
    substeps = ceil(control_period * physics.rate - 1e-6)
    return SceneSpec(
        name=name,
        control_period=control_period,
        tool=stage.tool,
        home=(*stage.home, TIP_HEIGHT),
        workspace_lower=(*stage.lower, TIP_HEIGHT),
        workspace_upper=(*stage.upper, TIP_HEIGHT),
        bodies=(stage.board, *bodies),
        cameras=(stage.camera(image_size),),
        gravity=GRAVITY,
        mujoco=MujocoSettings(
            time_step=control_period / substeps,
            impratio=physics.impratio,
            table_load=physics.table_load,
            skin=physics.skin,
        ),
        bullet=physics.bullet,
        watch_contacts=physics.watch_contacts,
    )


def block(name: str, colour: Colour) -> Body:
    """The published cube: 4 cm, 10 g, friction 1."""
    return Body(
        name=name,
        motion="free",
        mass=BLOCK_MASS,
        position=(0.4, -0.2, BLOCK_SIDE / 2),
        shapes=(Shape(kind="box", size=(BLOCK_SIDE,) * 3, colour=colour),),
    )


def target_zone(name: str, colour: Colour) -> Body:
    """A flat square frame that nothing touches, with a dim ground that small pictures show too."""
    centre = (ZONE_SIDE - ZONE_RIM) / 2
    inner = ZONE_SIDE - 2 * ZONE_RIM
    dim = (0.2 + 0.2 * colour[0], 0.2 + 0.2 * colour[1], 0.2 + 0.2 * colour[2])
    return Body(
        name=name,
        motion="placed",
        position=(0.4, 0.2, 0.0),
        shapes=(
            _plate((inner, inner), (0.0, 0.0), dim),
            *(_plate((ZONE_SIDE, ZONE_RIM), (0.0, side * centre), colour) for side in (-1, 1)),
            *(_plate((ZONE_RIM, inner), (side * centre, 0.0), colour) for side in (-1, 1)),
        ),
    )


def _plate(size: tuple[float, float], centre: tuple[float, float], colour: Colour) -> Shape:
    return Shape(
        kind="box",
        size=(*size, 0.001),
        position=(*centre, 0.001),
        colour=colour,
        collides=False,
    )


def workspace_plane() -> Body:
    """The dark board that shows about where the tip may go: it begins with the workspace, and ends 5 cm before it.

    The published board has the same size and lies 5 cm nearer to the arm.
    """
    board = Shape(kind="box", size=(0.5, 1.0, 0.001), colour=SLATE, collides=False)
    return Body(name="workspace", motion="fixed", position=(0.40, 0.0, 0.0005), shapes=(board,))


def pushing_tool() -> Tool:
    """A black shaft with a blue sleeve and a slender steel pin, which alone touches the block."""
    pin_from = TOOL_LENGTH - PIN_LENGTH
    return Tool(
        length=TOOL_LENGTH,
        mass=0.1,
        shapes=(
            Shape(
                kind="capsule",
                size=(PIN_RADIUS, PIN_LENGTH - 2 * PIN_RADIUS),
                position=(0.0, 0.0, TOOL_LENGTH - PIN_LENGTH / 2),
                colour=STEEL,
            ),
            _looks("cylinder", (0.0315, 0.008), 0.004, BLACK),
            _looks("cylinder", (0.011, pin_from - 0.036), (pin_from - 0.020) / 2, BLACK),
            _looks("cylinder", (0.010, 0.026), pin_from - 0.013, BLUE),
        ),
    )


def _looks(kind: str, size: tuple[float, ...], along: float, colour: Colour) -> Shape:
    return Shape(
        kind=kind,  # type: ignore[arg-type]  # a literal, by the calls above
        size=size,
        position=(0.0, 0.0, along),
        colour=colour,
        collides=False,
    )


def front_camera(image_size: tuple[int, int]) -> CameraSpec:
    """The published camera: it faces the arm from above the far edge of the table."""
    height, width = image_size
    focal = 0.803 * width
    turn = Rotation.from_euler("xyz", [pi / 4, pi, -pi / 2])
    w, x, y, z = (float(part) for part in geometry.quaternion(turn))
    return CameraSpec(
        name="front",
        width=width,
        height=height,
        fx=focal,
        fy=focal,
        cx=width / 2,
        cy=height / 2,
        position=(1.0, 0.0, 0.75),
        quaternion=(w, x, y, z),
    )


PUBLISHED_STAGE: Final = Stage(
    lower=(0.15, -0.5),
    upper=(0.70, 0.5),
    home=(0.3, -0.4),
    board=workspace_plane(),
    tool=pushing_tool(),
    camera=front_camera,
)
"""Of the simulated tasks of Florence et al. 2021."""
