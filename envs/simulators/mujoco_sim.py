"""The workcell "mujoco": robot, scene and cameras over one MuJoCo model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import mujoco

from ibc_gym.contracts import Workcell
from ibc_gym.records import CameraSpec, Layout, Pose, UInt8

from ..scene_spec import StagedTask
from .mujoco_robot import MujocoRobot
from .mujoco_world import MujocoWorld
from .simulated import Picturing, SimulatedCamera, checked_pose


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
        cameras={
            spec.name: SimulatedCamera(world, spec, partial(_renderer, world)) for spec in specs
        },
        simulation=world,
        variable=world,
        contacts=world if task.scene.watch_contacts else None,
    )


def _renderer(world: MujocoWorld, spec: CameraSpec) -> Picturing:
    from .mujoco_render import Renderer  # only here: without pictures no OpenGL is touched

    return Renderer(world.model, world.data, spec)


def drawn_layouts(task: StagedTask, spec: CameraSpec) -> Callable[[Layout], UInt8]:
    """What a camera would see of the task's things in their places, before anything moves: a function of the layout.

    Args:
        task: Any task that has a `scene`.
        spec: The camera, which need not be one of the scene's; pictures are (H, W, 3) of its size.
    """
    world = MujocoWorld(replace(task.scene, cameras=(spec,)))
    scene = MujocoScene(world)

    def draw(layout: Layout) -> UInt8:
        world.reset()
        scene.arrange(layout)
        renderer = _renderer(world, spec)  # few pictures are wanted, and far between
        try:
            return renderer.draw()
        finally:
            renderer.close()

    return draw


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
        self._world.penetration = 0.0  # what was arranged is no one's doing

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
        numbers = checked_pose(self._world.spec.name, self._bodies, name, pose)
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
