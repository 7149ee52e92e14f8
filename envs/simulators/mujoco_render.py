"""Pictures of a MuJoCo model, drawn off screen and fast: no shadows, no reflections, no multi-sampling."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np

from ibc_gym.errors import ConfigError
from ibc_gym.records import CameraSpec, Float32, UInt8

from .gl import make_context

MOST_SHAPES = 500
"""Room for this many visible shapes."""


class Renderer:
    """Draws what one camera of a model sees; drawing does not change the physics."""

    def __init__(self, model: mujoco.MjModel, data: mujoco.MjData, spec: CameraSpec) -> None:
        """Open an OpenGL context of its own.

        Raises:
            MissingSystemLibrary: There is no OpenGL.
            ConfigError: The picture is larger than the model's buffer.
        """
        buffer = model.vis.global_
        if spec.width > buffer.offwidth or spec.height > buffer.offheight:
            raise ConfigError(
                f"Camera {spec.name!r} has {spec.width} x {spec.height} px, more than the largest picture, "
                f"{buffer.offwidth} x {buffer.offheight}."
            )
        self._model, self._data = model, data
        self._context = make_context(spec.width, spec.height)
        self._scene = mujoco.MjvScene(model, MOST_SHAPES)
        self._scene.flags[int(mujoco.mjtRndFlag.mjRND_SHADOW)] = 0
        self._scene.flags[int(mujoco.mjtRndFlag.mjRND_REFLECTION)] = 0
        self._scene.flags[int(mujoco.mjtRndFlag.mjRND_SKYBOX)] = 0
        self._option = mujoco.MjvOption()
        self._perturbation = mujoco.MjvPerturb()
        self._camera = mujoco.MjvCamera()
        self._camera.type = int(mujoco.mjtCamera.mjCAMERA_FIXED)
        self._camera.fixedcamid = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_CAMERA, spec.name)
        self._drawing: Any = mujoco.MjrContext(model, int(mujoco.mjtFontScale.mjFONTSCALE_100))
        mujoco.mjr_resizeOffscreen(spec.width, spec.height, self._drawing)
        mujoco.mjr_setBuffer(int(mujoco.mjtFramebuffer.mjFB_OFFSCREEN), self._drawing)
        self._view = mujoco.MjrRect(0, 0, spec.width, spec.height)
        self._pixels = np.empty((spec.height, spec.width, 3), dtype=np.uint8)
        self._buffer: Float32 = np.empty((spec.height, spec.width), dtype=np.float32)
        self._drawing.readDepthMap = int(mujoco.mjtDepthMap.mjDEPTH_ZEROFAR)
        extent = model.stat.extent
        self._near, self._far = model.vis.map.znear * extent, model.vis.map.zfar * extent

    def draw(self) -> UInt8:
        """The picture, (H, W, 3) RGB; poses in the data must be up to date."""
        self._context.make_current()
        mujoco.mj_camlight(self._model, self._data)
        mujoco.mjv_updateScene(
            self._model,
            self._data,
            self._option,
            self._perturbation,
            self._camera,
            int(mujoco.mjtCatBit.mjCAT_ALL),
            self._scene,
        )
        mujoco.mjr_render(self._view, self._scene, self._drawing)
        mujoco.mjr_readPixels(self._pixels, None, self._view, self._drawing)
        return np.ascontiguousarray(self._pixels[::-1])  # OpenGL begins at the bottom

    def measure(self) -> Float32:
        """How far away what was drawn last is, along the optical axis, (H, W) [m]; 0 where there is nothing."""
        self._context.make_current()
        mujoco.mjr_readPixels(None, self._buffer, self._view, self._drawing)
        near, far = self._near, self._far
        # The buffer is 1 at the near plane and 0 at the far one, and even in 1 / z.
        away: Float32 = near * far / (near + self._buffer * (far - near))
        away[self._buffer <= 0.0] = 0.0
        return np.ascontiguousarray(away[::-1])

    def close(self) -> None:
        """Free the OpenGL context; may be called twice."""
        if self._drawing is not None:
            self._context.make_current()
            self._drawing.free()
            self._context.free()
            self._drawing = None
