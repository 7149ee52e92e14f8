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
from ibc_gym.records import RobotState
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

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def observe(self) -> RobotState:
        state: RobotState = self.inner.observe()
        return replace(state, time=time.monotonic())

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
    camera = drive(
        fps=60, min_latency=0.0, max_age=0.05, recovery=RecoveryConfig(restart_after=0.5)
    )
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
