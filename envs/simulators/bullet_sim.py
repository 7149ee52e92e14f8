"""The workcell "pybullet": robot, scene and cameras over one PyBullet client."""

from __future__ import annotations

from functools import partial

from ibc_gym.contracts import Workcell
from ibc_gym.records import Layout

from ..scene_spec import StagedTask
from .bullet_render import Renderer
from .bullet_robot import BulletRobot
from .bullet_world import BulletWorld
from .simulated import SimulatedCamera, checked_pose


def make_workcell(task: StagedTask, *, cameras: bool) -> Workcell:
    """The task's scene in PyBullet; its pictures need no library of the system.

    Args:
        task: Any task that has a `scene`.
        cameras: Whether pictures will be wanted.
    """
    world = BulletWorld(task.scene)
    specs = task.scene.cameras if cameras else ()
    return Workcell(
        name="pybullet",
        robot=BulletRobot(world),
        scene=BulletScene(world),
        cameras={
            spec.name: SimulatedCamera(world, spec, partial(Renderer, world)) for spec in specs
        },
        simulation=world,
        variable=world,
        contacts=world if task.scene.watch_contacts else None,
    )


class BulletScene:
    """The things on the table."""

    def __init__(self, world: BulletWorld) -> None:
        """Take over the things of a world."""
        self._world = world
        names = [thing.name for thing in world.built.things]
        # In the order of the scene, as in any other simulator.
        self._things = {
            body.name: names.index(body.name) for body in world.spec.bodies if body.name in names
        }
        self._settle_steps = round(world.spec.settle_time / world.time_step)

    def arrange(self, layout: Layout) -> None:
        """Put every named thing in its place, then let the world come to rest for the scene's `settle_time`.

        Raises:
            SpecMismatch: The scene has no such thing, or its pose is not finite.
        """
        for name, pose in layout.items():
            checked_pose(self._world.spec.name, self._things, name, pose)
            self._world.place(self._things[name], pose)
        self._world.step(self._settle_steps, self._world.set_points.copy())
        self._world.forget_penetration()  # what was arranged is no one's doing

    def poses(self) -> Layout:
        """Where all movable and placed things are now."""
        return {name: self._world.pose(index) for name, index in self._things.items()}

    def verdict(self) -> bool | None:
        """None: poses are measured, so the task judges."""
        return None
