"""The table of the real experiments, simulated: the wooden board, the pipe that pushes, and the camera over its edge.

After Florence et al. 2021, §C.3: a cutting board of 24 x 18 inch, a plastic pipe held upright, an Intel RealSense D415.
Where the paper is silent, the released environment's "real visuals" are followed: the camera's pose, the pipe's radius,
and the workspace.
"""

from __future__ import annotations

from math import pi
from typing import Final

from scipy.spatial.transform import Rotation

from ibc_gym import geometry
from ibc_gym.records import CameraSpec

from ..scene_spec import Body, BulletSettings, Colour, Shape, Tool
from .tabletop_scene import Physics, Stage

BOARD: Final = (0.4572, 0.6096)
"""18 by 24 inch, across and along the front of the arm [m]."""
PIPE_RADIUS: Final = 0.0127
"""Half an inch [m]."""
PIPE_LENGTH: Final = 0.1524
"""6 inch [m]."""
CLAMP: Final = 0.008
"""Thickness of what holds the pipe [m]."""

MAPLE: Final[Colour] = (0.72, 0.60, 0.45)
PVC: Final[Colour] = (0.88, 0.89, 0.90)
GRAPHITE: Final[Colour] = (0.10, 0.10, 0.11)


def wooden_board() -> Body:
    """The cutting board; its top is the table's, so nothing falls off its edge."""
    plank = Shape(kind="box", size=(*BOARD, 0.001), colour=MAPLE, collides=False)
    return Body(name="workspace", motion="fixed", position=(0.375, 0.0, 0.0005), shapes=(plank,))


def pipe() -> Tool:
    """An upright pipe. What touches is as wide but round below the tip, where nothing is.

    A capsule has two points of contact with an upright face, where a cylinder has one that jumps.
    """
    visible = PIPE_LENGTH - CLAMP
    return Tool(
        length=PIPE_LENGTH,
        mass=0.1,
        shapes=(
            Shape(
                kind="capsule",
                size=(PIPE_RADIUS, visible),
                position=(0.0, 0.0, PIPE_LENGTH - visible / 2),
                visible=False,
            ),
            Shape(
                kind="cylinder",
                size=(PIPE_RADIUS, visible),
                position=(0.0, 0.0, PIPE_LENGTH - visible / 2),
                colour=PVC,
                collides=False,
            ),
            Shape(
                kind="cylinder",
                size=(0.0315, CLAMP),
                position=(0.0, 0.0, CLAMP / 2),
                colour=GRAPHITE,
                collides=False,
            ),
        ),
    )


def board_camera(image_size: tuple[int, int]) -> CameraSpec:
    """The released "real visuals" camera, which faces the arm from above the board's far edge; 9 : 16."""
    height, width = image_size
    focal = 0.803 * width
    turn = Rotation.from_euler("xyz", [pi / 5, pi, -pi / 2])
    w, x, y, z = (float(part) for part in geometry.quaternion(turn))
    return CameraSpec(
        name="front",
        width=width,
        height=height,
        fx=focal,
        fy=focal,
        cx=width / 2,
        cy=height / 2,
        position=(0.75, 0.0, 0.5),
        quaternion=(w, x, y, z),
    )


TIGHT_FIT: Final = Physics(
    rate=1000,
    table_load=3.0,
    skin=0.0,
    impratio=10.0,
    bullet=BulletSettings(time_step=1 / 500, solver_iterations=200, contact_erp=0.9),
    watch_contacts=True,
)
"""Walls that give by less than 0.1 mm while a block is slid in, so that a gap of half a millimetre is a gap; docs/tasks.md has
what was measured, also of blocks that are pressed against them."""

TIGHT_STAGE: Final = Stage(
    lower=(0.15, -0.3048),
    upper=(0.60, 0.3048),
    home=(0.25, -0.28),
    board=wooden_board(),
    tool=pipe(),
    camera=board_camera,
    physics=TIGHT_FIT,
)
"""The board with physics for tight fits."""
