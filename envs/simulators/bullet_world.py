"""One PyBullet client and its state, which robot, scene and cameras share.

PyBullet remembers more than it shows: the contacts of the step before, and in which order it came upon them. So the state
is kept here, as numbers, and whenever time passes PyBullet begins from these and nothing else: all that moves is taken
apart, so that every contact is forgotten, and put back where the numbers say. Two worlds with different pasts then go on
alike, bit for bit, in any process.
"""

from __future__ import annotations

from math import ceil
from typing import Final

import numpy as np

from ibc_gym.errors import SpecMismatch
from ibc_gym.records import Float64, Pose, Variation
from ibc_gym.xarm6 import XARM6

from ..randomisation import varied
from ..scene_spec import SceneSpec
from .bullet_client import Client
from .bullet_scene import build
from .following import JOINTS, PEAK_TORQUE, SAVED, Following

CORRECTIONS: Final = 4
"""How often in a period the joints' speeds are set, so that they arrive in time."""
APART: Final = 50.0
"""Where things are taken so that they forget their contacts, and how far from each other [m]."""
OWN: Final = 3
"""Numbers that are neither the arm's nor a thing's: time, instant, penetration."""
BODY: Final = 13
"""Numbers of a thing: position, quaternion xyzw, velocity, angular velocity; of its centre of mass."""


class BulletWorld:
    """The world of a scene; as the workcell's `Simulation` it can be saved and restored."""

    def __init__(self, spec: SceneSpec) -> None:
        """Build the scene and place the arm at its home."""
        self._described = spec
        self.substeps = ceil(spec.control_period / spec.bullet.time_step - 1e-6)
        self.time_step = spec.control_period / self.substeps
        self._joints = list(range(JOINTS))
        self._forces = [PEAK_TORQUE * joint.effort for joint in XARM6.joints]
        self.revision = 0
        """Counts changes of the state, restored ones too; never goes back."""
        self._tip: Pose | None = None
        self._build(spec)

    def vary(self, variation: Variation) -> None:
        """Be the world as described but for this, and as if just built."""
        spec = varied(self._described, variation) if variation else self._described
        if spec != self.spec:
            self.client.close()
            self._build(spec)

    def _build(self, spec: SceneSpec) -> None:
        self.spec = spec
        self.late_substeps = round(spec.arm_lag / self.time_step)
        """Physics steps in which the arm does not know its newest target yet."""
        self.following = Following(spec)
        self.client = Client()
        self.built = build(self.client, spec)
        _set_options(self.client, spec, self.time_step)
        self._numbers = np.zeros(OWN + 3 * JOINTS + BODY * len(self.built.things))
        arm = self._numbers[OWN : OWN + 3 * JOINTS].reshape(3, JOINTS)
        self.joints, self.joint_velocities, self.set_points = arm
        """Measured [rad], [rad/s], and where the joints were told to be by now [rad]; (J,) each."""
        self._things = self._numbers[OWN + 3 * JOINTS :].reshape(-1, BODY)
        for thing, row in zip(self.built.things, self._things, strict=True):
            place, turn = self.client.getBasePositionAndOrientation(thing.number)
            row[:7] = (*place, *turn)
        self.place_arm()
        self._home = self.save()

    @property
    def time(self) -> float:
        """Since the reset [s]."""
        return float(self._numbers[0])

    @property
    def instant(self) -> int:
        """Counts the states of the world since the reset, and so its pictures; saved and restored."""
        return int(self._numbers[1])

    @property
    def penetration(self) -> float:
        """The greatest depth of a contact at any step since things were arranged, where the scene asks for it [m]."""
        return float(self._numbers[2])

    def place_arm(self) -> None:
        """Put the arm where it is commanded to be, at rest."""
        self.joints[:] = self.set_points[:] = self.following.joints
        self.joint_velocities[:] = 0.0
        self.changed()

    def place(self, index: int, pose: Pose) -> None:
        """Put a thing somewhere, at rest."""
        row = self._things[index]
        row[:7] = self.built.things[index].to_centre(pose)
        row[7:] = 0.0

    def pose(self, index: int) -> Pose:
        """Where a thing is."""
        return self.built.things[index].to_body(self._things[index])

    def tool(self) -> Pose:
        """Where the tool's tip is, by the frame of its link; not by its centre of mass."""
        if self._tip is None:
            self.show()
            self._tip = self._look_at_tip()
        return self._tip

    def reset(self) -> None:
        """Go back to the state after building."""
        self.restore(self._home)

    def step(self, count: int, aim: Float64, late: int = 0) -> None:
        """Let `count` physics steps pass, in which the joints run evenly to `aim` (J,) [rad].

        Where the arm is `late`, it gets to where it was told to be before in so many steps, and to `aim` in as many
        after the last.
        """
        self._forget_contacts()
        self.show()
        if late:
            self._go(self.set_points, late, late)
        self._go(aim, count - late, count)
        self._read()
        self._numbers[0] += count * self.time_step
        self.set_points[:] = aim
        self.changed()

    def forget_penetration(self) -> None:
        """Look only at contacts from now on."""
        self._numbers[2] = 0.0

    def changed(self) -> None:
        """Note that the state is another."""
        self._numbers[1] += 1
        self._renew()

    def show(self) -> None:
        """Put everything in PyBullet where the state says."""
        client = self.client
        client.resetJointStatesMultiDof(
            self.built.arm,
            self._joints,
            targetValues=self.joints[:, None].tolist(),
            targetVelocities=self.joint_velocities[:, None].tolist(),
        )
        for thing, row in zip(self.built.things, self._things.tolist(), strict=True):
            client.resetBasePositionAndOrientation(thing.number, row[:3], row[3:7])
            if thing.free:
                client.resetBaseVelocity(thing.number, row[7:10], row[10:])

    def save(self) -> Float64:
        """Time, instant, penetration, joints, things, and what the arm follows, (S,)."""
        return np.concatenate([self._numbers, self.following.save()])

    def restore(self, state: Float64) -> None:
        """Continue from what `save` gave, bit for bit.

        Raises:
            SpecMismatch: It was saved by another scene.
        """
        size = len(self._numbers) + SAVED
        if state.shape != (size,):
            raise SpecMismatch(
                f"A state of shape {state.shape} was not saved by scene {self.spec.name!r} in PyBullet, which has "
                f"({size},)."
            )
        self._numbers[:] = state[:-SAVED]
        self.following.restore(state[-SAVED:])
        self._renew()

    def close(self) -> None:
        """Let go of the client; may be called twice."""
        self.client.close()

    def _renew(self) -> None:
        self._tip = None
        self.revision += 1

    def _look_at_tip(self) -> Pose:
        """The tip of the arm as it stands in PyBullet."""
        *_, place, turn = self.client.getLinkState(
            self.built.arm, self.built.tool, computeForwardKinematics=1
        )[:6]
        x, y, z, w = turn
        quaternion = np.array((w, x, y, z))
        quaternion /= np.linalg.norm(quaternion)  # PyBullet's are of unit length to seven digits
        w, x, y, z = quaternion.tolist()
        along = np.array((2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)))
        return Pose(position=place + self.spec.tool.length * along, quaternion=quaternion)

    def _forget_contacts(self) -> None:
        """Take everything apart, so that no two things are near each other."""
        client = self.client
        away = self.joints + np.pi / 2
        client.resetJointStatesMultiDof(
            self.built.arm, self._joints, targetValues=away[:, None].tolist()
        )
        for index, thing in enumerate(self.built.things, start=1):
            client.resetBasePositionAndOrientation(
                thing.number, (index * APART, 0.0, APART), (0.0, 0.0, 0.0, 1.0)
            )
        client.performCollisionDetection()

    def _run(self, speeds: Float64) -> None:
        self.client.setJointMotorControlArray(
            self.built.arm,
            self._joints,
            self.client.VELOCITY_CONTROL,
            targetVelocities=speeds.tolist(),
            forces=self._forces,
        )

    def _go(self, aim: Float64, count: int, arriving: int) -> None:
        """Let `count` physics steps pass on the way to `aim`, which is reached evenly in `arriving` steps."""
        for part in range(CORRECTIONS):
            begun, end = part * count // CORRECTIONS, (part + 1) * count // CORRECTIONS
            left = (arriving - begun) * self.time_step
            self._run((aim - self._measured()[0]) / left)
            self._pass(end - begun)

    def _pass(self, count: int) -> None:
        """Let physics steps pass."""
        step = self.client.stepSimulation
        for _ in range(count):
            step()
            if self.spec.watch_contacts:
                depths = [-contact[8] for contact in self.client.getContactPoints()]
                self._numbers[2] = max(self._numbers[2], *depths, 0.0)

    def _measured(self) -> Float64:
        """Joints and their velocities as they are in PyBullet, (2, J)."""
        states = self.client.getJointStates(self.built.arm, self._joints)
        return np.array([(state[0], state[1]) for state in states]).T

    def _read(self) -> None:
        """Take the state over from PyBullet."""
        self.joints[:], self.joint_velocities[:] = self._measured()
        for thing, row in zip(self.built.things, self._things, strict=True):
            if thing.free:
                place, turn = self.client.getBasePositionAndOrientation(thing.number)
                velocity, spin = self.client.getBaseVelocity(thing.number)
                row[:] = (*place, *turn, *velocity, *spin)


def _set_options(client: Client, spec: SceneSpec, time_step: float) -> None:
    settings = spec.bullet
    client.setGravity(0.0, 0.0, -spec.gravity)
    client.setPhysicsEngineParameter(
        fixedTimeStep=time_step,
        numSubSteps=0,
        numSolverIterations=settings.solver_iterations,
        solverResidualThreshold=settings.residual,
        contactERP=settings.contact_erp,
        deterministicOverlappingPairs=1,
        enableFileCaching=0,
    )
