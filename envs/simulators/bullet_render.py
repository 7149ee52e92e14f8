"""Pictures of a PyBullet world by its software renderer, which needs no library of the system."""

from __future__ import annotations

from typing import Final

import numpy as np

from ibc_gym import geometry
from ibc_gym.records import CameraSpec, Float64, UInt8

from .bullet_world import BulletWorld
from .simulated import BACKGROUND, FLOOR, FLOOR_SIDE

NEAR: Final = 0.01
"""Nothing nearer to the camera is seen [m]."""
FAR: Final = 10.0
LIGHT: Final = (0.3, -0.35, 1.0)
"""Direction towards the light."""
AMBIENT: Final = 0.62
DIFFUSE: Final = 0.53
SPECULAR: Final = 0.1
FROM_ABOVE: Final = AMBIENT + DIFFUSE * LIGHT[2] / float(np.linalg.norm(LIGHT))
"""Brightness of what lies flat."""


class Renderer:
    """Draws what one camera of a world sees; drawing does not change the physics."""

    def __init__(self, world: BulletWorld, spec: CameraSpec) -> None:
        """Make ready to draw."""
        self._world, self._spec = world, spec
        self._view = _view(spec).T.ravel().tolist()  # column by column, as OpenGL has them
        self._projection = _projection(spec).T.ravel().tolist()
        self._behind = _background(spec)

    def draw(self) -> UInt8:
        """The picture, (H, W, 3) RGB."""
        spec, client = self._spec, self._world.client
        self._world.show()
        _, _, colours, _, seen = client.getCameraImage(
            spec.width,
            spec.height,
            viewMatrix=self._view,
            projectionMatrix=self._projection,
            lightDirection=LIGHT,
            lightColor=(1.0, 1.0, 1.0),
            lightAmbientCoeff=AMBIENT,
            lightDiffuseCoeff=DIFFUSE,
            lightSpecularCoeff=SPECULAR,
            shadow=0,
            renderer=client.ER_TINY_RENDERER,
        )
        shape = (spec.height, spec.width)
        image = np.asarray(colours, dtype=np.uint8).reshape(*shape, 4)[..., :3]
        nothing = (np.asarray(seen).reshape(shape) < 0)[..., None]
        return np.where(nothing, self._behind, image)

    def close(self) -> None:
        """Nothing is held."""


def _view(spec: CameraSpec) -> Float64:
    """camera_T_base for a camera that looks along its -z with +y up; ours looks along +z with +y down."""
    turn = np.diag([1.0, -1.0, -1.0]) @ _turn(spec).T
    camera_T_base = np.eye(4)
    camera_T_base[:3, :3] = turn
    camera_T_base[:3, 3] = -turn @ np.array(spec.position)
    return camera_T_base


def _projection(spec: CameraSpec) -> Float64:
    """OpenGL's projection with the spec's focal lengths and principal point, (4, 4)."""
    w, h = spec.width, spec.height
    depth = FAR - NEAR
    return np.array(
        [
            [2 * spec.fx / w, 0.0, 1 - 2 * spec.cx / w, 0.0],
            [0.0, 2 * spec.fy / h, 2 * spec.cy / h - 1, 0.0],
            [0.0, 0.0, -(FAR + NEAR) / depth, -2 * FAR * NEAR / depth],
            [0.0, 0.0, -1.0, 0.0],
        ]
    )


def _background(spec: CameraSpec) -> UInt8:
    """What is seen where nothing stands, (H, W, 3): the table as far as it goes, and what is behind it.

    The renderer would take longer for the table alone than for all that stands on it.
    """
    across, down = np.meshgrid(np.arange(spec.width) + 0.5, np.arange(spec.height) + 0.5)
    rays = np.stack(
        [(across - spec.cx) / spec.fx, (down - spec.cy) / spec.fy, np.ones_like(across)], axis=-1
    )
    x, y, z = np.moveaxis(rays @ _turn(spec).T, -1, 0)
    reach = np.divide(-spec.position[2], z, out=np.full_like(z, -1.0), where=np.abs(z) > 1e-9)
    on_table = reach > 0
    for at, along in zip(spec.position, (x, y), strict=False):
        on_table &= np.abs(at + reach * along) <= FLOOR_SIDE / 2
    floor, beyond = (_bytes(np.array(FLOOR) * FROM_ABOVE), _bytes(np.array(BACKGROUND)))
    return np.where(on_table[..., None], floor, beyond)


def _bytes(colour: Float64) -> UInt8:
    return (np.clip(colour, 0.0, 1.0) * 255).astype(np.uint8)


def _turn(spec: CameraSpec) -> Float64:
    """base_R_camera, (3, 3)."""
    return np.asarray(geometry.rotation(np.array(spec.quaternion)).as_matrix())
