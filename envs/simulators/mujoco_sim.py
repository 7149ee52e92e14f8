"""The workcell "mujoco": robot, scene and cameras over one MuJoCo model."""

from __future__ import annotations

import mujoco
import numpy as np

from ibc_gym.contracts import Workcell
from ibc_gym.errors import SpecMismatch
from ibc_gym.records import CameraSpec, Frame, Layout, Pose

from ..scene_spec import StagedTask
from .mujoco_robot import MujocoRobot
from .mujoco_world import MujocoWorld


def make_workcell(task: StagedTask, *, cameras: bool) -> Workcell:
    """The task's scene in MuJoCo.

    Args:
        task: Any task that has a `scene`.
        cameras: Whether pictures will be wanted; without them no OpenGL is looked for.

    Raises:
        MissingSystemLibrary: Pictures are wanted and no OpenGL library was found.
    """
    world = MujocoWorld(task.scene)
    specs = task.scene.cameras if cameras else ()
    return Workcell(
        name="mujoco",
        robot=MujocoRobot(world),
        scene=MujocoScene(world),
        cameras={spec.name: MujocoCamera(world, spec) for spec in specs},
        simulation=world,
    )


class MujocoScene:
    """The things on the table."""

    def __init__(self, world: MujocoWorld) -> None:
        """Take over the things of a world."""
        self._world = world
        self._bodies = {
            body.name: mujoco.mj_name2id(world.model, mujoco.mjtObj.mjOBJ_BODY, body.name)
            for body in world.spec.bodies
            if body.motion != "fixed"
        }
        self._settle_steps = round(world.spec.settle_time / world.spec.mujoco.time_step)

    def arrange(self, layout: Layout) -> None:
        """Put every named thing in its place, then let the world come to rest for the scene's `settle_time`.

        Raises:
            SpecMismatch: The scene has no such thing, or its pose is not finite.
        """
        for name, pose in layout.items():
            self._place(name, pose)
        self._world.step(self._settle_steps)

    def poses(self) -> Layout:
        """Where all movable and placed things are now."""
        data = self._world.data
        return {
            name: Pose(position=data.xpos[body].copy(), quaternion=data.xquat[body].copy())
            for name, body in self._bodies.items()
        }

    def verdict(self) -> bool | None:
        """None: poses are measured, so the task judges."""
        return None

    def _place(self, name: str, pose: Pose) -> None:
        if name not in self._bodies:
            raise SpecMismatch(
                f"Scene {self._world.spec.name!r} has no movable body {name!r}; it has {', '.join(self._bodies)}."
            )
        numbers = np.concatenate([pose.position, pose.quaternion])
        if numbers.shape != (7,) or not np.isfinite(numbers).all():
            raise SpecMismatch(
                f"The pose of {name!r}, {numbers}, is not 3 + 4 finite numbers (x y z, w x y z)."
            )
        model, data = self._world.model, self._world.data
        body = self._bodies[name]
        mocap = int(model.body_mocapid[body])
        if mocap >= 0:
            data.mocap_pos[mocap], data.mocap_quat[mocap] = pose.position, pose.quaternion
            return
        joint = int(model.body_jntadr[body])
        start, velocity = int(model.jnt_qposadr[joint]), int(model.jnt_dofadr[joint])
        data.qpos[start : start + 7] = numbers
        data.qvel[velocity : velocity + 6] = 0.0


class MujocoCamera:
    """A camera of the scene; it sees the world as it is at the moment of reading."""

    def __init__(self, world: MujocoWorld, spec: CameraSpec) -> None:
        """Make ready to draw.

        Raises:
            MissingSystemLibrary: No OpenGL library was found.
        """
        from .mujoco_render import Renderer  # only here: without pictures no OpenGL is touched

        self._world = world
        self._spec = spec
        self._renderer = Renderer(world.model, spec)
        self._drawn_at = -1
        self._frame: Frame | None = None

    @property
    def spec(self) -> CameraSpec:
        """Intrinsics and pose."""
        return self._spec

    def read(self) -> Frame:
        """The picture of this instant, drawn once; its number tells one instant of an episode from another."""
        world = self._world
        if self._frame is None or self._drawn_at != world.revision:
            self._frame = Frame(
                image=self._renderer.draw(world.data), time=world.data.time, number=world.instant
            )
            self._drawn_at = world.revision
        return self._frame

    def close(self) -> None:
        """Let go of OpenGL; may be called twice."""
        self._renderer.close()
