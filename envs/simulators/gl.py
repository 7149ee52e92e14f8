"""Which OpenGL draws MuJoCo's pictures, and a clear line where there is none.

`MUJOCO_GL` is respected when it is set ("egl", "osmesa", "glfw"). Otherwise EGL is taken where its libraries and a
driver answer, which is asked without loading anything else, and OSMesa where not.
"""

from __future__ import annotations

import ctypes
import os
import sys
from importlib import import_module
from typing import Any, Final

from ibc_gym.errors import ConfigError, MissingSystemLibrary

PACKAGES: Final = {
    "egl": "libegl1 libgl1",
    "osmesa": "libosmesa6",
    "glfw": "libglfw3 (and a display)",
}
"""Debian packages that bring each route."""
OFF: Final = ("disable", "disabled", "off", "false", "0")
ANY: Final = ("", "on", "enable", "enabled", "true", "1", "glx")

EGL_PLATFORM_DEVICE: Final = 0x313F


def choose() -> str:
    """The route that pictures will take: "egl", "osmesa" or "glfw".

    Raises:
        ConfigError: `MUJOCO_GL` names nothing that exists, or forbids pictures.
    """
    wanted = os.environ.get("MUJOCO_GL", "").strip().lower()
    if wanted in PACKAGES:
        return wanted
    if wanted in OFF:
        raise ConfigError(f"MUJOCO_GL={wanted} forbids pictures; unset it, or ask for states only.")
    if wanted not in ANY:
        raise ConfigError(f"MUJOCO_GL={wanted} is not known; use {', '.join(PACKAGES)}.")
    if not sys.platform.startswith("linux"):
        return "glfw"
    loaded = os.environ.get("PYOPENGL_PLATFORM", "")  # PyOpenGL keeps to the first one it loads
    if loaded in PACKAGES:
        return loaded
    return "egl" if egl_answers() else "osmesa"


def make_context(width: int, height: int) -> Any:
    """An off-screen OpenGL context, made current.

    Raises:
        MissingSystemLibrary: Its library or driver is missing; says which package brings it.
    """
    route = choose()
    try:
        context = import_module(f"mujoco.{route}").GLContext(width, height)
        context.make_current()
    except (
        Exception
    ) as error:  # a missing library shows as AttributeError, EGLError, ImportError, ...
        raise MissingSystemLibrary(
            f"Pictures need OpenGL, and the route {route!r} does not work here ({type(error).__name__}: {error}): "
            f"apt-get install {PACKAGES[route]}, or install libosmesa6 and set MUJOCO_GL=osmesa."
        ) from error
    return context


def egl_answers() -> bool:
    """Whether EGL and OpenGL can be loaded and some device initialises."""
    try:
        egl = ctypes.CDLL("libEGL.so.1")
        ctypes.CDLL("libGL.so.1")
    except OSError:
        return False
    pointer = ctypes.c_void_p
    egl.eglGetProcAddress.restype = pointer
    query_address = egl.eglGetProcAddress(b"eglQueryDevicesEXT")
    display_address = egl.eglGetProcAddress(b"eglGetPlatformDisplayEXT")
    if not query_address or not display_address:
        return False
    query = ctypes.CFUNCTYPE(
        ctypes.c_uint, ctypes.c_int, ctypes.POINTER(pointer), ctypes.POINTER(ctypes.c_int)
    )(query_address)
    display_of = ctypes.CFUNCTYPE(pointer, ctypes.c_uint, pointer, pointer)(display_address)
    egl.eglInitialize.argtypes = [pointer, pointer, pointer]
    egl.eglTerminate.argtypes = [pointer]
    devices, count = (pointer * 16)(), ctypes.c_int(0)
    if not query(16, devices, ctypes.byref(count)):
        return False
    for device in devices[: count.value]:
        display = display_of(EGL_PLATFORM_DEVICE, device, None)
        if display and egl.eglInitialize(display, None, None):
            egl.eglTerminate(display)
            return True
    return False
