"""The driver of the real arm over a simulated world: the same tasks, done and seen as in simulation."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ibc_gym.env import Env
from ibc_gym.errors import ConfigError, RobotFault
from ibc_gym.evaluation.faults import have_back
from ibc_gym.evaluation.results import EvalConfig
from ibc_gym.hardware.safety import SafeRobot
from ibc_gym.hardware.workcells import emulated
from ibc_gym.hardware.workcells.emulated import EmulatedArm
from ibc_gym.raw_streams import raw_folder
from ibc_gym.registry import make_env, make_vec_env

pytestmark = pytest.mark.realtime

KEPT = """
import runpy, socket
bind = socket.socket.bind
def refused(self, address):
    if address[1] and address[1] < 1024:
        raise PermissionError(13, "Permission denied")
    bind(self, address)
socket.socket.bind = refused
runpy.run_module("ibc_gym", run_name="__main__", alter_sys=True)
"""
"""The rig's program where the system keeps the lower ports for itself."""


def test_pictures_are_those_of_the_camera_in_simulation_and_fresh_and_raw_streams_lie_beside(
    tmp_path: Path,
) -> None:
    seen, raw = {}, raw_folder(tmp_path / "demos.zarr")
    told: dict[str, dict[str, Any]] = {"mujoco": {}, "xarm-emulated": {"raw": raw}}
    for workcell, options in told.items():
        env = make_env("insert", workcell=workcell, observation="state+image", **options)
        with env:
            env.reset(seed=0)
            for _ in range(3):
                observation, *_, info = env.step(np.zeros(2, np.float32))
            seen[workcell] = observation["image"].astype(float)
            age = info["capture_time"]["robot"] - info["capture_time"]["front"]
            assert age < 0.25
    apart = np.abs(seen["mujoco"] - seen["xarm-emulated"])
    assert apart.mean() < 1.5, "grey levels"
    streams = sorted(raw.glob("front.*.db3"))  # one for every start of the streams
    assert sum(stream.stat().st_size for stream in streams) > 1_000_000
    for stream in streams:
        assert json.loads(stream.with_suffix(".json").read_text())["serial"] == "emulated-front"


def test_nothing_is_left_when_it_is_closed() -> None:
    env = make_env("reach", workcell="xarm-emulated")
    assert isinstance(env, Env) and isinstance(env.workcell.robot, SafeRobot)
    arm = env.workcell.robot.inner
    assert isinstance(arm, EmulatedArm)
    pid = arm.rig.pid
    os.kill(pid, 0)
    env.close()
    env.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def steps(env: Env, number: int) -> None:
    for _ in range(number):
        env.step(np.zeros(2, np.float32))


def test_arm_is_had_back_where_the_system_keeps_the_lower_ports_for_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(emulated, "PROGRAM", (sys.executable, "-c", KEPT, "rig"))
    with make_env("reach", workcell="xarm-emulated") as env:
        assert isinstance(env, Env) and isinstance(env.workcell.robot, SafeRobot)
        arm = env.workcell.robot.inner
        assert isinstance(arm, EmulatedArm) and arm.rig.port == arm.config.port == 10502
        env.reset(seed=0)
        arm.rig.inject("close")
        with pytest.raises(RobotFault):
            steps(env, 100)
        have_back(env)
        env.reset(seed=1)
        steps(env, 2)


def test_one_arm_is_not_moved_from_several_places() -> None:
    with pytest.raises(ConfigError, match="one arm"):
        make_vec_env("reach", 2, workcell="xarm-emulated")
    with pytest.raises(ConfigError, match="one arm"):
        EvalConfig(policy="oracle", env="reach", workcell="xarm", workers=2)
