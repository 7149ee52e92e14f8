"""The workcell "particle": a point with N sliding joints between two goals."""

from __future__ import annotations

import numpy as np

from ibc_gym.contracts import Workcell
from ibc_gym.errors import SpecMismatch
from ibc_gym.records import (
    CameraSpec,
    Float64,
    Frame,
    Layout,
    Pose,
    RobotLimits,
    RobotState,
    Target,
    Variation,
)

from ..tasks.particle import CONTROL_PERIOD, FIRST_GOAL, SECOND_GOAL, Particle
from ..tasks.particle_randomisation import POINT
from . import particle_dynamics
from .particle_drawing import Look, camera_spec, draw


class ParticleWorld:
    """The world's whole state; a `Simulation`, `Variable`, and what the robot, the scene and the camera look at."""

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions
        self.vary({})
        self.goals: Float64 = np.full((2, dimensions), 0.5)
        self.place(np.full(dimensions, 0.5))

    def place(self, position: Float64) -> None:
        """Begin anew, at rest at a position (N,) [m]."""
        self.path: list[Float64] = [position]
        self.set_points: list[Float64] = []
        self.velocity: Float64 = np.zeros(self.dimensions)
        self.set_point: Float64 = position
        self.interventions = 0
        self.stopped = False

    def vary(self, variation: Variation) -> None:
        """Have the mass, the damper and the looks of a variation; numbers that speak of nothing here are left alone."""
        self.mass = variation.get(f"mass.{POINT}", 1.0)
        self.friction = variation.get(f"friction.{POINT}", 1.0)
        self.look = Look.of(variation)

    @property
    def position(self) -> Float64:
        """Where the point is, (N,) [m]."""
        return self.path[-1]

    @property
    def periods(self) -> int:
        """Control periods since the reset."""
        return len(self.set_points)

    def save(self) -> Float64:
        """Velocity, set-point, goals, path and set-points so far, and two counts."""
        return np.concatenate(
            [
                [float(self.interventions), float(self.stopped)],
                self.velocity,
                self.set_point,
                *self.goals,
                *self.path,
                *self.set_points,
            ]
        )

    def restore(self, state: Float64) -> None:
        """Go on as if `state` had just been saved here.

        Raises:
            SpecMismatch: The state is of a world with other dimensions.
        """
        rows, rest = divmod(len(state) - 2, self.dimensions)
        steps, odd = divmod(rows - 5, 2)
        if rest or odd or steps < 0:
            raise SpecMismatch(
                f"A state of {len(state)} numbers is not one of a particle in {self.dimensions} dimensions."
            )
        self.interventions, self.stopped = int(state[0]), bool(state[1])
        body = np.array(state[2:]).reshape(rows, self.dimensions)
        self.velocity, self.set_point, self.goals = body[0], body[1], body[2:4]
        self.path, self.set_points = list(body[4 : 5 + steps]), list(body[5 + steps :])

    def advance(self) -> None:
        """Let one control period pass."""
        position = self.position
        if not self.stopped:
            position, self.velocity = particle_dynamics.advance(
                position,
                self.velocity,
                self.set_point,
                mass=self.mass,
                friction=self.friction,
            )
        self.path.append(position)
        self.set_points.append(self.set_point)

    def checked(self, what: str, values: Float64 | None) -> Float64:
        """Values (N,), copied, if they are finite and of the right shape."""
        if values is None or np.shape(values) != (self.dimensions,):
            found = "no joints" if values is None else f"shape {np.shape(values)}"
            raise SpecMismatch(f"{what} has {found}, but the particle takes ({self.dimensions},).")
        if not np.isfinite(values).all():
            raise SpecMismatch(f"{what} {values} is not finite; nothing was done.")
        return np.array(values, dtype=np.float64)


class PointRobot:
    """The point, pulled to its set-point by a spring and a damper."""

    def __init__(self, world: ParticleWorld) -> None:
        self._world = world
        self.limits = RobotLimits(
            control_period=CONTROL_PERIOD,
            lower=(0.0,) * world.dimensions,
            upper=(1.0,) * world.dimensions,
        )

    def reset(self, home: Target | None = None) -> None:
        """Appear at rest at `home` (default: the middle), limited to the unit cube."""
        home = home or Target(joints=np.full(self._world.dimensions, 0.5))
        self._world.place(np.clip(self._world.checked("Home", home.joints), 0.0, 1.0))

    def observe(self) -> RobotState:
        """The state right now; the clock starts at 0 at the reset."""
        world = self._world
        return RobotState(
            time=world.periods * CONTROL_PERIOD,
            joints=world.position,
            joint_velocities=world.velocity,
            tool=None,
            target=Target(joints=world.set_point),
            interventions=world.interventions,
        )

    def command(self, target: Target) -> Target:
        """Take the set-point, limited to the unit cube; a stopped point stays where it is."""
        world = self._world
        asked = world.checked("Set-point", target.joints)
        if not world.stopped:
            world.set_point = np.clip(asked, 0.0, 1.0)
        world.interventions += not np.array_equal(world.set_point, asked)
        return Target(joints=world.set_point)

    def advance(self) -> None:
        """Integrate one control period."""
        self._world.advance()

    def stop(self) -> None:
        """Stand still until the next reset."""
        self._world.stopped = True
        self._world.velocity = np.zeros(self._world.dimensions)
        self._world.set_point = self._world.position

    def close(self) -> None:
        """Nothing is held."""


class ParticleScene:
    """The two goals."""

    def __init__(self, world: ParticleWorld) -> None:
        self._world = world

    def arrange(self, layout: Layout) -> None:
        """Put the goals in their places.

        Raises:
            SpecMismatch: A goal is missing, unknown, of the wrong shape or not finite.
        """
        if set(layout) != {FIRST_GOAL, SECOND_GOAL}:
            raise SpecMismatch(
                f"The particle's layout names {', '.join(sorted(layout)) or 'nothing'}, "
                f"but must place {FIRST_GOAL} and {SECOND_GOAL}."
            )
        self._world.goals = np.stack(
            [self._world.checked(name, layout[name].position) for name in (FIRST_GOAL, SECOND_GOAL)]
        )

    def poses(self) -> Layout:
        """The goals, (N,) each."""
        first, second = self._world.goals
        return {FIRST_GOAL: Pose(position=first), SECOND_GOAL: Pose(position=second)}

    def verdict(self) -> None:
        """The task judges."""


class ParticleCamera:
    """Draws the episode so far; its number counts control periods."""

    def __init__(self, world: ParticleWorld, task: Particle) -> None:
        self._world, self._task = world, task
        self.spec: CameraSpec = camera_spec()

    def read(self) -> Frame:
        """The world as it is now."""
        world = self._world
        image = draw(
            np.stack(world.path),
            np.reshape(world.set_points, (world.periods, world.dimensions)),
            world.goals,
            horizon=self._task.horizon,
            tolerance=self._task.config.goal_tolerance,
            look=world.look,
        )
        return Frame(image=image, time=world.periods * CONTROL_PERIOD, number=world.periods)

    def close(self) -> None:
        """Nothing is held."""


def make_workcell(task: Particle, *, cameras: bool) -> Workcell:
    """A world of the task's dimensions, with its one camera "view" if cameras are wanted."""
    world = ParticleWorld(task.config.dimensions)
    return Workcell(
        name="particle",
        robot=PointRobot(world),
        scene=ParticleScene(world),
        cameras={"view": ParticleCamera(world, task)} if cameras else {},
        simulation=world,
        variable=world,
    )
