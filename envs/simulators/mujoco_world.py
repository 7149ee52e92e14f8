"""One MuJoCo model and its state, which robot, scene and cameras share."""

from __future__ import annotations

import mujoco
import numpy as np

from ibc_gym.errors import ConfigError, SpecMismatch
from ibc_gym.records import Float64, Variation

from ..randomisation import varied
from ..scene_spec import SceneSpec
from .following import JOINTS, SAVED, Following
from .mujoco_scene import compile_anew, compile_scene

STATE = mujoco.mjtState.mjSTATE_INTEGRATION
"""Everything that the next physics step depends on, the solver's warm start included."""


class MujocoWorld:
    """The world of a scene; as the workcell's `Simulation` it can be saved and restored."""

    def __init__(self, spec: SceneSpec) -> None:
        """Build the scene and place the arm at its home.

        Raises:
            ConfigError: The control period is not a whole number of physics steps.
        """
        self._described = spec
        self.substeps = round(spec.control_period / spec.mujoco.time_step)
        if abs(self.substeps * spec.mujoco.time_step - spec.control_period) > 1e-9:
            raise ConfigError(
                f"Scene {spec.name!r}: a control period of {spec.control_period} s is not a whole number of "
                f"physics steps of {spec.mujoco.time_step} s."
            )
        self.instant = 0
        """Counts the states of the world since the reset, and so its pictures; saved and restored."""
        self.revision = 0
        """Counts changes of the state, restored ones too; never goes back."""
        self.penetration = 0.0
        """The greatest depth of a contact at any step since things were arranged, where the scene asks for it [m]."""
        self._build(spec, compile_scene(spec))

    def vary(self, variation: Variation) -> None:
        """Be the world as described but for this, and as if just built."""
        if variation:
            spec = varied(self._described, variation)
            if spec != self.spec:
                self._build(spec, compile_anew(spec))
        elif self.spec is not self._described:
            self._build(self._described, compile_scene(self._described))

    def _build(self, spec: SceneSpec, model: mujoco.MjModel) -> None:
        self.spec, self.model = spec, model
        self.late_substeps = round(spec.arm_lag / spec.mujoco.time_step)
        """Physics steps in which the arm does not know its newest target yet."""
        self.data = mujoco.MjData(model)
        self._size = mujoco.mj_stateSize(model, STATE)
        self.following = Following(spec)
        self.instant, self.penetration = 0, 0.0
        self.place_arm()
        self._home = self.save()

    @property
    def time(self) -> float:
        """Since the reset [s]."""
        return float(self.data.time)

    def place_arm(self) -> None:
        """Put the arm where it is commanded to be, at rest."""
        self.data.qpos[:JOINTS] = self.following.joints
        self.data.qvel[:JOINTS] = 0.0
        self.data.act[:] = self.following.joints
        self.data.ctrl[:] = 0.0
        self.refresh()

    def reset(self) -> None:
        """Go back to the state after building."""
        self.restore(self._home)

    def step(self, count: int) -> None:
        """Let `count` physics steps pass, and compute where everything then is."""
        self.let_pass(count)
        self.refresh()

    def let_pass(self, count: int) -> None:
        """Let `count` physics steps pass; poses are computed by a `step` that must follow."""
        if self.spec.watch_contacts:
            for _ in range(count):
                mujoco.mj_step(self.model, self.data)
                self._look_at_contacts()
        else:
            mujoco.mj_step(self.model, self.data, nstep=count)

    def refresh(self) -> None:
        """Compute poses from the state; a physics step leaves them one step behind."""
        mujoco.mj_kinematics(self.model, self.data)
        self.instant += 1
        self.revision += 1

    def save(self) -> Float64:
        """Physics, the instant, the worst penetration, and what the arm follows, (S,)."""
        physics = np.empty(self._size)
        mujoco.mj_getState(self.model, self.data, physics, STATE)
        own = (float(self.instant), self.penetration)
        return np.concatenate([physics, own, self.following.save()])

    def restore(self, state: Float64) -> None:
        """Continue from what `save` gave, bit for bit.

        Raises:
            SpecMismatch: It was saved by another scene.
        """
        size = self._size + 2 + SAVED
        if state.shape != (size,):
            raise SpecMismatch(
                f"A state of shape {state.shape} was not saved by scene {self.spec.name!r}, which has ({size},)."
            )
        mujoco.mj_setState(self.model, self.data, state[: self._size], STATE)
        self.refresh()
        self.instant = int(state[self._size])
        self.penetration = float(state[self._size + 1])
        self.following.restore(state[-SAVED:])

    def _look_at_contacts(self) -> None:
        """Note how deep the deepest contact was that the last physics step had to deal with."""
        if self.data.ncon:
            self.penetration = max(self.penetration, -float(self.data.contact.dist.min()))
