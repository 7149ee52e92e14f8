"""A camera that fails in the middle of recording: the robot is stopped, what was recorded is kept, and it goes on later."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from ibc_gym.data.dataset import Dataset
from ibc_gym.data.metadata import describe
from ibc_gym.data.recorder import Recorder
from ibc_gym.env import Env
from ibc_gym.errors import CameraTimeout
from ibc_gym.hardware.cameras.ladder import RecoveryConfig
from ibc_gym.hardware.cameras.realsense import RealSenseCamera
from ibc_gym.hardware.rig.cameras.emulator import SoftwareCamera
from ibc_gym.hardware.rig.cameras.faults import FaultKind
from ibc_gym.hardware.table.picture import PATIENCE
from ibc_gym.records import RobotState, Target
from ibc_gym.registry import make_oracle, make_task, make_workcell
from ibc_gym.rollout import rollout

Plug = Callable[..., SoftwareCamera]
Drive = Callable[..., RealSenseCamera]


class RealTime:
    """A simulated robot that keeps the time that a real one would."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.stops = 0
        self.on_advance: Callable[[], None] = lambda: None
        self.on_reset: Callable[[], None] = lambda: None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def observe(self) -> RobotState:
        state: RobotState = self.inner.observe()
        return replace(state, time=time.monotonic())

    def reset(self, home: Target | None = None) -> None:
        self.inner.reset(home)
        self.on_reset()

    def advance(self) -> None:
        time.sleep(0.05)
        self.inner.advance()
        self.on_advance()

    def stop(self) -> None:
        self.stops += 1
        self.inner.stop()


Rig = tuple[SyncVectorEnv, RealTime, RealSenseCamera, SoftwareCamera]


@pytest.fixture
def rig(plug: Plug, drive: Drive) -> Iterator[Rig]:
    emulated = plug(fps=60, latency=(0.0, 0.005))
    patience = RecoveryConfig(restart_after=0.5, patience=0.5, reset_timeout=1.0)
    camera = drive(fps=60, min_latency=0.0, max_age=0.05, recovery=patience)
    task = make_task("particle", horizon=8)
    sound = make_workcell("particle", task, cameras=True)
    robot = RealTime(sound.robot)
    workcell = replace(sound, robot=robot, cameras={"view": camera})
    env = Env(task, workcell, observation="state+image")
    with_one = SyncVectorEnv([lambda: env], autoreset_mode=AutoresetMode.DISABLED)
    yield with_one, robot, camera, emulated
    with_one.close()


def test_episodes_before_the_failure_are_kept_and_the_next_can_begin(
    rig: Rig, tmp_path: Path
) -> None:
    envs, robot, camera, emulated = rig
    periods = 0

    def freeze_in_the_third() -> None:
        nonlocal periods
        periods += 1
        if periods == 20:
            emulated.inject("freeze", 0.4)

    robot.on_advance = freeze_in_the_third
    metadata = describe(envs, task="particle", demonstrator="oracle")
    path = tmp_path / "demos.zarr"
    oracle = make_oracle("particle", envs)
    with (
        pytest.raises(CameraTimeout, match="no fresh picture"),
        Recorder(path, metadata, commit_every=1) as recorder,
    ):
        rollout(envs, oracle, range(6), [recorder])
    assert robot.stops >= 1
    before = len(Dataset.open(path))
    assert before == 2
    camera.wait_until_fresh(5)
    robot.on_advance = lambda: None
    with Recorder(path, metadata, commit_every=1) as recorder:
        rollout(envs, oracle, range(6, 8), [recorder])
    assert len(Dataset.open(path)) == before + 2


class AtTheThirdReset:
    """Lets something go wrong once the robot is home for the third episode, and waits until it shows."""

    def __init__(self, emulated: SoftwareCamera, kind: FaultKind, duration: float) -> None:
        self._emulated, self._kind, self._duration = emulated, kind, duration
        self.resets = 0

    def __call__(self) -> None:
        self.resets += 1
        if self.resets == 3:
            self._emulated.inject(self._kind, self._duration)
            time.sleep(0.3)


def test_episode_begins_once_a_camera_that_restarts_just_then_is_back(
    rig: Rig, tmp_path: Path
) -> None:
    envs, robot, camera, emulated = rig
    robot.on_reset = AtTheThirdReset(emulated, "stall", 0.1)
    metadata = describe(envs, task="particle", demonstrator="oracle")
    with Recorder(tmp_path / "demos.zarr", metadata, commit_every=1) as recorder:
        rollout(envs, make_oracle("particle", envs), range(4), [recorder])
    assert camera.health.steps["restarting"] >= 1
    recorded = Dataset.open(tmp_path / "demos.zarr").entries
    assert [entry.fault for entry in recorded] == [None] * 4


def test_camera_that_is_not_had_back_at_the_beginning_ends_it_with_the_episodes_before_kept(
    rig: Rig, tmp_path: Path
) -> None:
    envs, robot, _, emulated = rig
    robot.on_reset = AtTheThirdReset(emulated, "unplug", 60.0)
    metadata = describe(envs, task="particle", demonstrator="oracle")
    path = tmp_path / "demos.zarr"
    with (
        pytest.raises(CameraTimeout, match=r"is lost: .*What was recorded is kept"),
        Recorder(path, metadata, commit_every=1) as recorder,
    ):
        rollout(envs, make_oracle("particle", envs), range(4), [recorder])
    assert robot.stops >= 1
    assert [entry.fault for entry in Dataset.open(path).entries] == [None] * 2


def test_picture_that_a_person_is_asked_about_is_waited_for_as_long_as_a_camera_may_take() -> None:
    assert RecoveryConfig().longest < PATIENCE
