"""A policy that hangs in the middle of an episode: the arm is stopped meanwhile, and the episode ends when it wakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fault_bench import LONG, NEAR, WORKCELL, wait

from ibc_gym.data.dataset import Dataset
from ibc_gym.env import Env
from ibc_gym.errors import ConfigError, RobotFault
from ibc_gym.hardware.safety import SafeRobot
from ibc_gym.hardware.workcells.emulated import EmulatedArm
from ibc_gym.hardware.workcells.emulated_table import EmulatedTable, load_emulated_table
from ibc_gym.record import RecordConfig, record
from ibc_gym.registry import make_oracle

STOPPED = 4
"""State of the controller."""


class Hanging:
    """A demonstrator that hangs once, until the guard has noticed; it looks on from the rig's side meanwhile."""

    def __init__(self, envs: Any) -> None:
        self._oracle = make_oracle("reach", envs)
        env = envs.envs[0].unwrapped
        assert isinstance(env, Env) and isinstance(env.workcell.robot, SafeRobot)
        assert isinstance(env.workcell.robot.inner, EmulatedArm)
        self._robot, self._rig = env.workcell.robot, env.workcell.robot.inner.rig
        self.step = 0

    def reset(self, mask: Any, seeds: Any) -> None:
        self._oracle.reset(mask, seeds)

    def act(self, observation: Any) -> Any:
        self.step += 1
        if self.step == 4:
            assert wait(lambda: self._robot.fault is not None), "nobody stopped the arm"
            assert wait(lambda: self._rig.state()["state"] == STOPPED), "known, and not stopped"
            state = self._rig.state()
            moved = np.subtract(self._rig.state()["joints"], state["joints"])
            assert np.abs(moved).max() < 1e-4
            self._rig.heard()
        if self.step > 4:
            raise AssertionError("it was asked for another action")
        return self._oracle.act(observation)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the variable names."""
    file = tmp_path / "rig.toml"
    monkeypatch.setenv("IBC_GYM_RIG", str(file))
    return file


@pytest.mark.realtime
def test_arm_is_stopped_while_its_policy_hangs(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text("[safety]\npatience = 2.0\n")
    monkeypatch.setattr("ibc_gym.record.make_oracle", lambda task, envs: Hanging(envs))
    config = RecordConfig(
        task="reach",
        out=tmp_path / "d.zarr",
        episodes=1,
        workcell=WORKCELL,
        options={"goal_tolerance": NEAR, "horizon": LONG},
    )
    with pytest.raises(RobotFault, match=r"No command came for .*patience \(2 s\).*see what"):
        record(config)
    dataset = Dataset.open(config.out)
    (kept,) = dataset.entries
    assert not dataset.verify()
    assert kept.length == 3 and kept.fault is not None and "No command came" in kept.fault


def test_without_a_file_nothing_goes_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IBC_GYM_RIG", raising=False)
    table = load_emulated_table()
    assert table == EmulatedTable() and table.safety.patience == 5.0
    assert not table.schedule(cameras=True).arm


def test_file_says_what_goes_wrong(file: Path) -> None:
    file.write_text('faults = ["collision@3s", "camera-drop@1s"]\n[safety]\npatience = 2.0\n')
    table = load_emulated_table()
    (fault,) = table.schedule(cameras=True).arm
    assert (fault.kind, fault.at, table.safety.patience) == ("collision", 3.0, 2.0)
    with pytest.raises(ConfigError, match="no camera is emulated"):
        table.schedule(cameras=False)


@pytest.mark.parametrize(
    "text, told",
    [
        ('faults = ["colision@3s"]', "rig.toml.*collision"),
        ("fault = 3", "rig.toml.*fault"),
        ("= 3", "TOML"),
        (None, "cannot be read"),
    ],
)
def test_file_that_does_not_serve_is_named(file: Path, text: str | None, told: str) -> None:
    if text is not None:
        file.write_text(text)
    with pytest.raises(ConfigError, match=told):
        load_emulated_table()
