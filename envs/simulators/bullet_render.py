"""Pictures of a PyBullet world by its software renderer, which needs no library of the system."""

from __future__ import annotations

from typing import Final

import numpy as np

from ibc_gym import geometry
from ibc_gym.records import CameraSpec, Float32, Float64, UInt8

from ..scene_spec import SceneSpec
from .bullet_world import BulletWorld
from .patterns import LENGTH, SIDE, pattern
from .simulated import BACKGROUND, FLOOR_SIDE

NEAR: Final = 0.01
"""Nothing nearer to the camera is seen [m]."""
FAR: Final = 10.0
AMBIENT: Final = 0.62
DIFFUSE: Final = 0.53
SPECULAR: Final = 0.1


class Renderer:
    """Draws what one camera of a world sees; drawing does not change the physics."""

    def __init__(self, world: BulletWorld, spec: CameraSpec) -> None:
        """Make ready to draw."""
        self._world, self._spec = world, spec
        self._view = _view(spec).T.ravel().tolist()  # column by column, as OpenGL has them
        self._projection = _projection(spec).T.ravel().tolist()
        light = world.spec.light
        self._light = (-np.array(light.direction)).tolist()
        self._diffuse = DIFFUSE * light.brightness
        self._reach, self._behind = _background(world.spec, spec)
        self._away: Float32 = self._reach

    def draw(self) -> UInt8:
        """The picture, (H, W, 3) RGB."""
        spec, client = self._spec, self._world.client
        self._world.show()
        _, _, colours, buffer, seen = client.getCameraImage(
            spec.width,
            spec.height,
            viewMatrix=self._view,
            projectionMatrix=self._projection,
            lightDirection=self._light,
            lightColor=(1.0, 1.0, 1.0),
            lightAmbientCoeff=AMBIENT,
            lightDiffuseCoeff=self._diffuse,
            lightSpecularCoeff=SPECULAR,
            shadow=0,
            renderer=client.ER_TINY_RENDERER,
        )
        shape = (spec.height, spec.width)
        image = np.asarray(colours, dtype=np.uint8).reshape(*shape, 4)[..., :3]
        nothing = np.asarray(seen).reshape(shape) < 0
        if spec.depth:
            away = FAR * NEAR / (FAR - np.asarray(buffer).reshape(shape) * (FAR - NEAR))
            self._away = np.where(nothing, self._reach, away).astype(np.float32)
        return np.where(nothing[..., None], self._behind, image)

    def measure(self) -> Float32:
        """How far away what was drawn last is, along the optical axis, (H, W) [m]; 0 where there is nothing."""
        return self._away

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
    # The renderer looks through the corner of a pixel, its lower left one, where we look through the middle.
    cx, cy = spec.cx - 0.5, spec.cy + 0.5
    depth = FAR - NEAR
    return np.array(
        [
            [2 * spec.fx / w, 0.0, 1 - 2 * cx / w, 0.0],
            [0.0, 2 * spec.fy / h, 2 * cy / h - 1, 0.0],
            [0.0, 0.0, -(FAR + NEAR) / depth, -2 * FAR * NEAR / depth],
            [0.0, 0.0, -1.0, 0.0],
        ]
    )


def _background(scene: SceneSpec, spec: CameraSpec) -> tuple[Float32, UInt8]:
    """What is seen where nothing stands, the table as far as it goes and what is behind it: depth (H, W) and (H, W, 3).

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
    x, y = (at + reach * along for at, along in zip(spec.position, (x, y), strict=False))
    table = np.array(scene.table_colour) * _from_above(scene) * _patterned(scene, x, y)
    image = np.where(on_table[..., None], _bytes(table), _bytes(np.array(BACKGROUND)))
    return np.where(on_table, reach, 0.0).astype(np.float32), image


def _from_above(scene: SceneSpec) -> float:
    """Brightness of what lies flat."""
    direction = np.array(scene.light.direction)
    down = -float(direction[2] / np.linalg.norm(direction))
    return AMBIENT + DIFFUSE * scene.light.brightness * max(down, 0.0)


def _patterned(scene: SceneSpec, x: Float64, y: Float64) -> Float64:
    """What the table's colour is multiplied by at these places (H, W) [m], (H, W, 3) or (1, 1, 3)."""
    if scene.table_texture is None:
        return np.ones((1, 1, 3))
    row, column = (np.floor(at / LENGTH * SIDE).astype(int) % SIDE for at in (x, y))
    shares: Float64 = pattern(scene.table_texture)[row, column] / 255.0
    return shares


def _bytes(colour: Float64) -> UInt8:
    return (np.clip(colour, 0.0, 1.0) * 255).astype(np.uint8)


def _turn(spec: CameraSpec) -> Float64:
    """base_R_camera, (3, 3)."""
    return np.asarray(geometry.rotation(np.array(spec.quaternion)).as_matrix())
