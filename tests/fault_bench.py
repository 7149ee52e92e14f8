"""Every fault of the emulated table in one list, and a table that lives through them, one after another."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from math import inf
from typing import Any

import numpy as np
import pytest
from gymnasium.vector import SyncVectorEnv

from ibc_gym.env import Env
from ibc_gym.errors import CameraTimeout, IbcGymError, RobotFault
from ibc_gym.hardware.arm.config import XArmConfig
from ibc_gym.hardware.cameras.config import RealSenseConfig
from ibc_gym.hardware.cameras.ladder import RecoveryConfig
from ibc_gym.hardware.cameras.realsense import RealSenseCamera
from ibc_gym.hardware.safety import SafeRobot
from ibc_gym.hardware.workcells import emulated
from ibc_gym.hardware.workcells.emulated import EmulatedArm
from ibc_gym.records import Bool, Float32, Observation
from ibc_gym.registry import make_oracle, make_vec_env

WORKCELL = "xarm-emulated"
AT = 2
"""Step of an episode at which something goes wrong."""
STRIDE = 0.008
"""Of a step of the episode in which something goes wrong [m]."""
AT_REST = 2e-4
"""By which joints of an arm with a mass move in a tenth of a second while they rest [rad]."""
STEADY = 10
"""Good pictures after which a camera is back."""
PATIENCE = 15.0
"""By when an arm stands, or is had back [s]: others may need this machine, too."""
PROMPT: dict[str, Any] = {
    "settle_frames": 10,
    "recovery": RecoveryConfig(
        restart_after=1.5, restarts=1, patience=1.5, reset_timeout=3.0, forgive_after=0.5
    ),
}
"""Cameras that are there soon, and restarted only where their trouble lasts longer than a person needs to end it."""
LONG = 150
"""Steps of an episode in which what goes wrong must have been noticed, or gone by."""
NEAR = 0.05
"""Who is nearer to the goal has reached it [m]."""
SHORT = 25
"""Seed of an episode whose goal is as near as that from the start; that of the next is not."""
FARTHER = range(2839, 2870)
"""Seeds of episodes whose goals are all farther than what passes by leads."""


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """One thing that goes wrong in the middle of an episode, and what must come of it."""

    words: str
    """As `EmulatedTable.faults` takes them, counted from step `AT`."""
    told: str | None = None
    """What the message that ends the episode must speak of; None where the episode goes on."""
    late: int = 0
    """Set-points that are counted late at least, where the episode goes on."""
    lasts: float = 1.0
    """By when it has gone by, where the episode goes on [s]."""

    @property
    def of_cameras(self) -> bool:
        """Whether it is the cameras' trouble."""
        return self.words.startswith("camera-")


TROUBLES = (
    Trouble(
        words="error", told=r"could not plan the motion \(controller error 25\).*nearer together"
    ),
    Trouble(words="collision", told="a collision.*31"),
    Trouble(words="joint-limit", told="a joint is at its limit.*23"),
    Trouble(words="speed", told="more speed than the arm has.*24"),
    Trouble(words="emergency-stop", told="emergency stop button.*Let go of it"),
    Trouble(words="close", told="connection|hung up|closed"),
    Trouble(words="freeze+30s", told="frozen|reported nothing|no answer.*check power and cable"),
    Trouble(words="unplug+30s", told="reported nothing|no answer|cable.*check power and cable"),
    Trouble(words="delay=1.5s+30s", told="did not take 'servo_joints'.*answer"),
    Trouble(words="reject+30s", told="did not take 'servo_joints'.*Find out who or what"),
    Trouble(words="stale-reports+30s", told="the very same joints.*repeat themselves"),
    Trouble(
        words="warning gripper@0.1s refuse@0.2s+0.3s "
        "stall@0.6s delay@1.1s+0.3s half-frames@1.7s+0.3s unplug@2.3s+0.3s",
        late=44,
        lasts=2.9,
    ),
    Trouble(words="camera-drop+30s", told="no fresh picture.*check its cable"),
    Trouble(words="camera-half+30s", told="no fresh picture"),
    Trouble(words="camera-repeat+30s", told="no fresh picture.*repeated number"),
    Trouble(words="camera-freeze+30s", told="no fresh picture.*frozen picture"),
    Trouble(words="camera-late+30s", told="no fresh picture"),
    Trouble(words="camera-black+30s", told="no fresh picture.*blank picture"),
    Trouble(words="camera-leap+30s", told="no fresh picture.*impossible stamp"),
    Trouble(words="camera-stall", told="no fresh picture"),
    Trouble(words="camera-hang", told="no fresh picture"),
    Trouble(words="camera-unplug+30s", told="no fresh picture|is lost"),
    Trouble(words="camera-drop+0.05s"),
)
"""All of them; each ends the episode or goes by, and what goes by does so in one episode, one after another."""


class Table:
    """One emulated table, which many tests in turn record and evaluate on."""

    def __init__(self, *, cameras: bool) -> None:
        """Start it; it takes some seconds."""
        self.options: dict[str, Any] = {"goal_tolerance": NEAR, "horizon": LONG}
        if cameras:
            self.options |= {"image_size": (120, 160), "control_rate": 5.0}
        seen = "state+image" if cameras else "state"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(emulated, "_emulated", unhurried(emulated._emulated))
            patch.setattr(emulated, "RealSenseConfig", partial(RealSenseConfig, **PROMPT))
            made = make_vec_env(
                "reach",
                1,
                workcell=WORKCELL,
                observation=seen,
                autoreset_mode="disabled",
                **self.options,
            )
        assert isinstance(made, SyncVectorEnv)
        self.envs, self.observation = made, seen
        env = made.envs[0].unwrapped
        assert isinstance(env, Env) and isinstance(env.workcell.robot, SafeRobot)
        self.env, self.robot = env, env.workcell.robot
        assert isinstance(self.robot.inner, EmulatedArm)
        self.arm = self.robot.inner

    @contextmanager
    def given_to_programs(self, plan: Plan) -> Iterator[None]:
        """Let `record` and `evaluate` find this table where they would start one, with somebody who acts on it."""

        def take(task: str, count: int, **options: Any) -> SyncVectorEnv:
            assert (task, count, options["workcell"]) == ("reach", 1, WORKCELL)
            return self.envs

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self.envs, "close", lambda: None)
            for program in ("ibc_gym.record", "ibc_gym.evaluation.stage"):
                patch.setattr(f"{program}.make_vec_env", take)
                patch.setattr(f"{program}.make_oracle", lambda task, envs: Actor(self, plan))
            yield

    @contextmanager
    def lives_through(self, trouble: Trouble, seed: int) -> Iterator[AbstractContextManager[Any]]:
        """Let something go wrong in the episode of a seed; the block's program is to run within what this gives.

        After the block the arm stands, from the rig's side, stays so whatever it is told, and is recovered by a person; it
        stands after that, too.
        """
        ends = trouble.told is not None
        plan = Plan(
            seed=seed,
            begin=lambda: self.arm.inject(*trouble.words.split()),
            lasts=inf if ends else trouble.lasts,
        )
        expected: AbstractContextManager[Any] = nullcontext()
        if ends:
            expected = pytest.raises((RobotFault, CameraTimeout), match=trouble.told)
        try:
            with self.given_to_programs(plan):
                yield expected
            assert self.stands()
        finally:
            self.recover()
        assert self.stands(), "it stays where it is though its fault was cleared"

    def stands(self) -> bool:
        """Whether the arm comes to rest, seen from the rig's side, and stays so whatever it is told."""
        if not wait(self._is_still):
            return False
        if self.robot.fault is None:
            return True
        self.arm.rig.heard()
        for call in (lambda: self.robot.command(self.robot.observe().target), self.robot.reset):
            with pytest.raises(RobotFault):
                call()
        return self._is_still() and self.arm.rig.heard() == []

    def recover(self) -> None:
        """What a person does: end the trouble, look, clear it; and wait until cameras see again."""
        self.arm.release()
        for camera in self.env.workcell.cameras.values():
            driver: RealSenseCamera = camera._inner  # type: ignore[attr-defined]
            assert wait(partial(sees, driver))

        def clear() -> bool:
            try:
                self.robot.recover()
            except RobotFault:  # a controller that was away needs a moment to be back
                return False
            return self.robot.fault is None

        assert wait(clear), f"cannot be cleared: {self.robot.fault}"

    def _is_still(self) -> bool:
        before = self.arm.rig.state()
        time.sleep(0.1)
        after = self.arm.rig.state()
        moved = np.abs(np.subtract(before["joints"], after["joints"])).max()
        return bool(moved < AT_REST and before["commanded"] == after["commanded"])

    def close(self) -> None:
        """End it."""
        self.envs.close()


def unhurried(config_of: Callable[..., XArmConfig]) -> Callable[..., XArmConfig]:
    """Slow enough that targets are not too fast for a rig whose clock a busy machine holds up; home over an empty table."""

    def slower(*arguments: Any) -> XArmConfig:
        config = config_of(*arguments)
        return replace(config, joint_speed=1.0, tip_speed=0.25, reset_speed=0.25, reset_height=0.0)

    return slower


def sees(camera: RealSenseCamera) -> bool:
    """Whether a camera has one picture after another again; one that was given up is opened anew."""
    try:
        camera.wait_until_fresh(1.0)
        for _ in range(STEADY):
            camera.read()
        return True
    except IbcGymError:
        if camera.health.state == "lost":
            camera.reopen()
        return False


@dataclass
class Plan:
    """In which episode something goes wrong, and what."""

    seed: int
    begin: Callable[[], object]
    """Called at step `AT` of that episode."""
    lasts: float = inf
    """By the rig's clock, how long the arm goes to and fro after that, before it goes to the goal [s]."""


class Actor:
    """The demonstrator; in the episode of the plan it goes to and fro near the home first."""

    def __init__(self, table: Table, plan: Plan) -> None:
        self._oracle, self._plan = make_oracle("reach", table.envs), plan
        self._rig = table.arm.rig
        self._steps, self._planned, self._until = 0, False, inf

    def reset(self, mask: Bool, seeds: Any) -> None:
        """An episode begins."""
        self._steps, self._planned = 0, int(seeds[0]) == self._plan.seed
        self._until = inf
        self._oracle.reset(mask, seeds)

    def act(self, observation: Observation) -> Float32:
        """The next action, (1, 2)."""
        step, self._steps = self._steps, self._steps + 1
        towards = self._oracle.act(observation)
        if not self._planned or (self._until < inf and self._rig.state()["time"] > self._until):
            return towards
        if step == AT:
            self._plan.begin()
            self._until = self._rig.state()["time"] + self._plan.lasts
        length = float(np.linalg.norm(towards))
        sign = -1.0 if step // 2 % 2 == 0 else 1.0
        away: Float32 = (sign * STRIDE / length * towards).astype(np.float32)
        return away


def wait(condition: Callable[[], bool]) -> bool:
    """Whether something becomes true in time."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False
