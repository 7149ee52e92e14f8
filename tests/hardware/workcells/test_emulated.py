"""The driver of the real arm over a simulated world: the same tasks, recorded and judged as in simulation, whatever goes wrong."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ibc_gym.contracts import Recoverable
from ibc_gym.data.dataset import Dataset
from ibc_gym.data.metadata import describe
from ibc_gym.data.recorder import Recorder
from ibc_gym.env import Env
from ibc_gym.errors import CameraTimeout, ConfigError, RobotFault
from ibc_gym.evaluation.evaluator import evaluate
from ibc_gym.evaluation.results import EvalConfig
from ibc_gym.hardware.rig.process import Rig
from ibc_gym.registry import make_env, make_oracle, make_vec_env
from ibc_gym.rollout import rollout

STOPPING = {
    "error": r"planning|controller error 25",
    "collision": "collision|C31|31",
    "joint-limit": "joint|23",
    "speed": "speed|24",
    "emergency-stop": "emergency stop",
    "close": "connection|ended|closed",
    "freeze": "frozen|reported nothing|no answer",
    "unplug": "cable|reported nothing|no answer",
}
"""Faults that stop the arm, and what the message must speak of."""
LONG = {"freeze": {"duration": 6.0}, "unplug": {"duration": 6.0}}
"""Faults that would pass before a patient driver gives up."""
PASSING = ("warning", "stall", "half-frames")
"""Faults that pass by themselves."""


pytestmark = pytest.mark.realtime


@pytest.fixture
def envs() -> Iterator[Any]:
    made = make_vec_env("reach", 1, workcell="xarm-emulated", autoreset_mode="disabled")
    yield made
    made.close()


def env_of(envs: Any) -> Env:
    env = envs.envs[0].unwrapped
    assert isinstance(env, Env)
    return env


def rig_of(env: Env) -> Rig:
    rig: Rig = env.workcell.robot._inner.rig  # type: ignore[attr-defined]
    return rig


def stands(rig: Rig) -> bool:
    """Whether the arm stands, seen from the rig's side."""
    before = rig.state()
    time.sleep(0.2)
    after = rig.state()
    return bool(np.abs(np.array(before["joints"]) - after["joints"]).max() < 1e-3)


class Trouble:
    """A policy that lets something go wrong at a step of a seed's episode."""

    def __init__(self, policy: Any, rig: Rig, seed: int, step: int, kind: str) -> None:
        self.policy, self.rig, self.at, self.kind = policy, rig, (seed, step), kind

    def reset(self, mask: Any, seeds: Any) -> None:
        self.seed, self.step = seeds[0], 0
        self.policy.reset(mask, seeds)

    def act(self, observation: Any) -> Any:
        if (self.seed, self.step) == self.at:
            self.rig.inject(self.kind, **LONG.get(self.kind, {}))
        self.step += 1
        return self.policy.act(observation)


@pytest.mark.parametrize("kind", STOPPING)
def test_fault_while_recording_keeps_what_was_committed_and_marks_what_was_not(
    envs: Any, kind: str, tmp_path: Path
) -> None:
    env, rig = env_of(envs), rig_of(env_of(envs))
    metadata = describe(
        envs, task="reach", workcell="xarm-emulated", demonstrator="oracle", source={}
    )
    policy = Trouble(make_oracle("reach", envs), rig, seed=1, step=3, kind=kind)
    with (
        pytest.raises(RobotFault, match=STOPPING[kind]),
        Recorder(tmp_path / "d.zarr", metadata, keep_interrupted=True) as recorder,
    ):
        rollout(envs, policy, [0, 1, 2], [recorder])
    entries = Dataset.open(tmp_path / "d.zarr").entries
    assert [entry.seed for entry in entries] == [0, 1]
    assert entries[0].success and entries[0].fault is None
    assert entries[1].fault is not None and "RobotFault" in entries[1].fault
    rig.release()
    assert stands(rig)
    with pytest.raises(RobotFault):
        envs.reset(seed=[3])
    robot = env.workcell.robot
    assert isinstance(robot, Recoverable) and robot.fault is not None
    wait_until_there(robot)
    assert rollout(envs, make_oracle("reach", envs), [3]).episodes[0].success


def wait_until_there(robot: Recoverable) -> None:
    """Recover, again and again where a controller that was away needs a moment to be back."""
    until = time.monotonic() + 15
    while robot.fault is not None:
        try:
            robot.recover()
        except RobotFault:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


@pytest.mark.parametrize("kind", PASSING)
def test_fault_that_passes_does_not_end_the_episode(envs: Any, kind: str) -> None:
    rig = rig_of(env_of(envs))
    policy = Trouble(make_oracle("reach", envs), rig, seed=0, step=2, kind=kind)
    assert rollout(envs, policy, [0]).episodes[0].success


def test_evaluation_that_a_fault_cuts_off_keeps_the_episodes_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def troubled(task: str, envs: Any) -> Any:
        oracle, rig = make_oracle(task, envs), rig_of(env_of(envs))
        return Trouble(oracle, rig, seed=100_001, step=3, kind="collision")

    monkeypatch.setattr("ibc_gym.evaluation.stage.make_oracle", troubled)
    config = EvalConfig(
        policy="oracle", env="reach", workcell="xarm-emulated", episodes=3, out=tmp_path / "run"
    )
    with pytest.raises(RobotFault, match=r"1 episode in .*run"):
        evaluate(config)
    (kept,) = (tmp_path / "run" / "evaluations").iterdir()
    assert '"cut_off": "The arm' in (kept / "evaluation.json").read_text()
    assert len((kept / "episodes.jsonl").read_text().splitlines()) == 1


def test_insertion_succeeds_through_the_vendors_client_as_it_does_in_simulation() -> None:
    for workcell in ("mujoco", "xarm-emulated"):
        envs = make_vec_env("insert", 1, workcell=workcell, autoreset_mode="disabled")
        try:
            episodes = rollout(envs, make_oracle("insert", envs), [0]).episodes
        finally:
            envs.close()
        assert [episode.success for episode in episodes] == [True], workcell
        assert max(episode.metrics["worst_penetration"] for episode in episodes) < 5e-4


def test_pictures_are_those_of_the_camera_in_simulation_and_fresh() -> None:
    seen = {}
    for workcell in ("mujoco", "xarm-emulated"):
        env = make_env("insert", workcell=workcell, observation="state+image")
        with env:
            env.reset(seed=0)
            for _ in range(3):
                observation, *_, info = env.step(np.zeros(2, np.float32))
            seen[workcell] = observation["image"].astype(float)
            age = info["capture_time"]["robot"] - info["capture_time"]["front"]
            assert age < 0.25
    apart = np.abs(seen["mujoco"] - seen["xarm-emulated"])
    assert apart.mean() < 4.0, "grey levels"


def test_camera_that_goes_ends_the_episode_with_the_arm_stopped() -> None:
    env = make_env(
        "reach", workcell="xarm-emulated", observation="state+image", image_size=(240, 320)
    )
    assert isinstance(env, Env)
    with env:
        env.reset(seed=0)
        env.step(np.zeros(2, np.float32))
        (bus,) = {camera._inner._keeper._bus for camera in env.workcell.cameras.values()}  # type: ignore[attr-defined]
        (device,) = bus._cameras.values()
        device.inject("unplug", 60.0)
        with pytest.raises(CameraTimeout, match="front"):
            stay(env, steps=20)
        assert stands(rig_of(env))


def stay(env: Env, steps: int) -> None:
    for _ in range(steps):
        env.step(np.zeros(2, np.float32))


def test_nothing_is_left_when_it_is_closed() -> None:
    env = make_env("reach", workcell="xarm-emulated")
    assert isinstance(env, Env)
    pid = rig_of(env).pid
    os.kill(pid, 0)
    env.close()
    env.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_one_arm_is_not_moved_from_several_places() -> None:
    with pytest.raises(ConfigError, match="one arm"):
        make_vec_env("reach", 2, workcell="xarm-emulated")
    with pytest.raises(ConfigError, match="one arm"):
        EvalConfig(policy="oracle", env="reach", workcell="xarm", workers=2)
