"""What works on this machine, tried out: every library is used for a moment in a process of its own.

A library that is installed may still not work: an off-screen renderer without its system library, a camera SDK without
libusb. Only trying tells, and a child process survives (and reports) even a crash.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

TIMEOUT = 120.0
"""How long one trial may take [s]; the first import of torch from a cold disk takes longest."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One row of the doctor's answer."""

    name: str
    works: bool
    detail: str
    """What was found, or why it does not work."""
    fix: str | None = None
    """The one command that gets it, or None where there is nothing to do."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A library, used for a moment."""

    package: str
    """Its name for pip."""
    code: str
    """Python that prints what it found in one line, or fails."""
    fix: str
    """The one command that gets it."""
    environment: Mapping[str, str | None] | None = None
    """Variables to set, or to unset (None), for the trial."""


def _extra(name: str) -> str:
    return f"pip install 'ibc-gym[{name}]'"


_RENDER: Final = """
import mujoco
model = mujoco.MjModel.from_xml_string('<mujoco><worldbody><geom size="1"/></worldbody></mujoco>')
data = mujoco.MjData(model)
mujoco.mj_forward(model, data)
renderer = mujoco.Renderer(model, 16, 16)
renderer.update_scene(data)
print("draws", "x".join(map(str, renderer.render().shape)))
renderer.close()
"""

_STEP: Final = """
import ibc_gym
env = ibc_gym.make_env("{task}")
env.reset(seed=0)
env.step(env.action_space.sample())
print("resets and steps")
"""

_COMPUTE: Final = """
import numpy, onnxruntime
# The least graph there is: y = x, one number.
graph = bytes.fromhex(
    "08093a370a100a017812017922084964656e746974791201675a0f0a0178120a0a08080112040a020801"
    "620f0a0179120a0a08080112040a02080142040a001012"
)
session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
(found,) = session.run(None, {"x": numpy.ones(1, numpy.float32)})
assert found == 1, f"it computes {found}"
print("computes exported policies")
"""

TRIALS: Final[Mapping[str, Trial]] = {
    "mujoco": Trial(
        package="mujoco",
        code="import mujoco; mujoco.MjModel.from_xml_string('<mujoco/>'); print('simulates')",
        fix=_extra("mujoco"),
    ),
    "dm_control": Trial(
        package="dm_control",
        code="from dm_control import mjcf; mjcf.Physics.from_xml_string('<mujoco/>').step(); print('composes')",
        fix=_extra("mujoco"),
    ),
    "images by egl": Trial(
        package="mujoco",
        code=_RENDER,
        fix="sudo apt-get install -y libegl1 libgl1",
        environment={"MUJOCO_GL": "egl", "PYOPENGL_PLATFORM": None},
    ),
    "images by osmesa": Trial(
        package="mujoco",
        code=_RENDER,
        fix="sudo apt-get install -y libosmesa6",
        environment={"MUJOCO_GL": "osmesa", "PYOPENGL_PLATFORM": None},
    ),
    "pybullet": Trial(
        package="pybullet",
        code=(
            "import pybullet; pybullet.connect(pybullet.DIRECT); pybullet.stepSimulation(); "
            "picture = pybullet.getCameraImage(16, 16, renderer=pybullet.ER_TINY_RENDERER); "
            "print('simulates and draws', 'x'.join(map(str, picture[2].shape)))"
        ),
        fix=(
            _extra("pybullet")
            if sys.version_info < (3, 12)
            else "use Python 3.11: nobody builds pybullet for a newer one"
        ),
    ),
    "torch": Trial(
        package="torch",
        code="import torch; print(torch.ones(2).sum().item() and f'computes with {torch.get_num_threads()} threads')",
        fix=_extra("policies"),
    ),
    "gpu": Trial(
        package="torch",
        code=(
            "import torch; assert torch.cuda.is_available(), 'torch sees no GPU; everything runs on the CPU'; "
            "torch.ones(2, device='cuda').sum().item(); print(torch.cuda.get_device_name())"
        ),
        fix="",
    ),
    "onnxruntime": Trial(package="onnxruntime", code=_COMPUTE, fix=_extra("export")),
    "matplotlib": Trial(
        package="matplotlib",
        code="import matplotlib.figure; matplotlib.figure.Figure().add_subplot(); print('draws')",
        fix=_extra("report"),
    ),
    "gamepad": Trial(
        package="pygame",
        code=(
            "import os; os.environ['PYGAME_HIDE_SUPPORT_PROMPT'] = '1'; import pygame; pygame.joystick.init(); "
            "print('reads gamepads,', pygame.joystick.get_count(), 'attached')"
        ),
        fix=_extra("teleop"),
    ),
    "SpaceMouse": Trial(
        package="pyspacemouse",
        code=(
            "import pyspacemouse; found = pyspacemouse.get_connected_devices(); "
            "print('reads SpaceMice,', len(found), 'attached')"
        ),
        fix=f"{_extra('teleop')} && sudo apt-get install -y libhidapi-hidraw0",
    ),
    "PyAV": Trial(
        package="av",
        code="import av; av.CodecContext.create('libx264', 'w'); print('writes H.264 video')",
        fix=_extra("report"),
    ),
    "gymnasium-robotics": Trial(
        package="gymnasium-robotics",
        code=_STEP.format(task="gym:AdroitHandDoor-v1"),
        fix=_extra("human"),
    ),
    "kitchen": Trial(
        package="gymnasium-robotics",
        code=_STEP.format(task="gym:FrankaKitchen-v1"),
        fix=_extra("human"),
    ),
    "Push-T": Trial(
        package="gym-pusht",
        code=_STEP.format(task="gym:gym_pusht/PushT-v0"),
        fix=_extra("human"),
    ),
    "RealSense": Trial(
        package="pyrealsense2",
        code=(
            "import pyrealsense2 as rs; found = len(rs.context().query_devices()); "
            "print(f'cameras connected: {found}')"
        ),
        fix=_extra("realsense"),
    ),
    "OpenCV": Trial(
        package="opencv-python",
        code="import cv2; cv2.calibrateHandEye, cv2.aruco.CharucoDetector; print('calibrates')",
        fix=_extra("calibration"),
    ),
    "xArm": Trial(
        package="xarm-python-sdk",
        code="from xarm.wrapper import XArmAPI; print('the SDK loads')",
        fix=_extra("xarm"),
    ),
}

_CAUSES: Final = (
    ("eglQueryString", "libEGL is missing", "sudo apt-get install -y libegl1 libgl1"),
    ("PLATFORM_DEVICE", "EGL has no driver", "sudo apt-get install -y libgl1 libgl1-mesa-dri"),
    ("EGLError", "libGL is missing", "sudo apt-get install -y libgl1"),
    ("glGetError", "libOSMesa is missing", "sudo apt-get install -y libosmesa6"),
    ("calibrateHandEye", "this release cannot calibrate", "pip install 'opencv-python>=4.10,<5'"),
    ("libusb-1.0", "libusb is missing", "sudo apt-get install -y libusb-1.0-0"),
)
"""What a library says when a part of the system is missing, what it means, and what to do."""


def examine(on_progress: Callable[[float, str], None] | None = None) -> list[Finding]:
    """Look at the machine and try every library; takes some seconds.

    Args:
        on_progress: Told after every trial the share that is done, and its name.
    """
    findings = [_python(), _processor(), _disk()]
    with ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 1)) as pool:
        waiting = {name: pool.submit(attempt, name, trial) for name, trial in TRIALS.items()}
        for done, (name, future) in enumerate(waiting.items()):
            findings.append(future.result())
            if on_progress:
                on_progress((done + 1) / len(waiting), name)
    return [*findings, _route({finding.name: finding for finding in findings})]


def attempt(name: str, trial: Trial) -> Finding:
    """Use a library in a child process and say what came of it."""
    try:
        installed = version(trial.package)
    except PackageNotFoundError:
        return Finding(
            name=name,
            works=False,
            detail=f"{trial.package} is not installed",
            fix=trial.fix or None,
        )
    environment = {**os.environ, **(trial.environment or {})}
    try:
        child = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", trial.code],
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
            env={key: value for key, value in environment.items() if value is not None},
        )
    except subprocess.TimeoutExpired:
        return Finding(name=name, works=False, detail=f"no answer in {TIMEOUT:.0f} s")
    if child.returncode == 0:
        said = (child.stdout.strip().splitlines() or ["works"])[-1]
        return Finding(name=name, works=True, detail=f"{trial.package} {installed} {said}")
    detail, fix = diagnose(child.returncode, child.stderr)
    return Finding(name=name, works=False, detail=f"{trial.package} {installed}: {detail}", fix=fix)


def diagnose(code: int, complaint: str) -> tuple[str, str | None]:
    """A library's complaint in plain words, and the command that helps where it is known."""
    for sign, meaning, fix in _CAUSES:
        if sign in complaint:
            return meaning, fix
    if code < 0:
        return f"it crashed (signal {-code})", None
    last = (complaint.strip().splitlines() or ["it failed without a word"])[-1]
    return last.removeprefix("AssertionError: "), None


def _python() -> Finding:
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    works = (3, 11) <= sys.version_info[:2] <= (3, 13)
    fix = None if works else "install Python 3.11, 3.12 or 3.13"
    return Finding(name="python", works=works, detail=found, fix=fix)


def _processor() -> Finding:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    threads = os.environ.get("OMP_NUM_THREADS", "not set")
    return Finding(
        name="processor",
        works=True,
        detail=f"cores to use: {usable}; OMP_NUM_THREADS is {threads}",
    )


def _disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    works = free > 1
    return Finding(
        name="disk",
        works=works,
        detail=f"{free:.1f} GB free here",
        fix=None if works else "make room: a data set of images takes a gigabyte",
    )


def _route(found: Mapping[str, Finding]) -> Finding:
    """Which way MuJoCo will draw; the user's own choice goes first."""
    chosen = os.environ.get("MUJOCO_GL")
    working = [route for route in ("egl", "osmesa") if found[f"images by {route}"].works]
    if chosen in ("egl", "osmesa") and chosen not in working:
        fix = f"export MUJOCO_GL={working[0]}" if working else found[f"images by {chosen}"].fix
        detail = f"MUJOCO_GL={chosen} is set, but does not work here"
        return Finding(name="images", works=False, detail=detail, fix=fix)
    if chosen:
        return Finding(name="images", works=True, detail=f"MUJOCO_GL={chosen}, as you set it")
    if not working:
        return Finding(
            name="images",
            works=False,
            detail="no way to draw without a display; states alone need none",
            fix="sudo apt-get install -y libosmesa6",
        )
    return Finding(name="images", works=True, detail=f"drawn by {working[0]}")
