"""Lens and tool measured by command, through the vendors' own libraries, where the truth is known.

On the emulated table a scripted hand leads the arm; at a real table's file the rig's hand does, and a person at a terminal
says when. Both go through the same lines.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command import refused, run
from terminals import CommandInTerminal

from ibc_gym.hardware.calibration.files import BOUNDS, load
from ibc_gym.hardware.calibration.touches import plan_touches
from ibc_gym.hardware.rig.cameras.models import D415, filmed
from ibc_gym.hardware.rig.process import Rig, fresh_address, spawn
from ibc_gym.hardware.workcells.table import VARIABLE, arm_for, load_table
from ibc_gym.records import Float64
from ibc_gym.registry import make_stage

pytestmark = [pytest.mark.realtime, pytest.mark.slow]

TABLE = """
[arm]
address = "{address}"
fence_lower = [0.05, -0.5, -0.005]
fence_upper = [0.75, 0.5, 0.85]
command_timeout = 1.0
report_timeout = 1.5

[rig]
questions = {questions}
commands = {commands}
"""
POSES = 8


def stored(path: Path, kind: str) -> dict[str, Any]:
    """What a file says, its errors within their bounds."""
    result = load(path, kind, serial=None)
    assert all(0 < result.errors[name] <= bound for name, bound in BOUNDS[kind].items())
    return {**result.numbers, "serial": result.serial}


def off(found: dict[str, Any], stage: Any) -> float:
    """How far the tip is from where it is in truth [m]."""
    return float(np.linalg.norm(found["position"] - stage.flange_T_tip.position))


def test_lens_of_the_emulated_device_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "lens.json"
    calmly = ("--speed", "0.8", "--task.control-rate", "5", "--views", "20")
    words = ("calibrate", "intrinsics", "--workcell", "xarm-emulated", "--out", out, *calmly)
    code, _, _ = run(capsys, *words)
    assert code == 0
    found = stored(out, "intrinsics")
    _, true = filmed(make_stage("calibration", {}).scene.cameras[0])
    assert (true.fx, true.width) == (D415.colour_focal[640, 360], 640), "of a true D415"
    assert true.cx != true.width / 2 and found["serial"] == "emulated-front"
    for name in ("fx", "fy"):
        assert found[name] == pytest.approx(getattr(true, name), rel=0.003)
    for name in ("cx", "cy"):
        assert found[name] == pytest.approx(getattr(true, name), abs=1.0)


def test_tip_is_found_by_a_scripted_hand_and_the_arm_is_not_moved_by_us(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "tool.json"
    words = ("calibrate", "tool", "--workcell", "xarm-emulated", "--views", "10", "--speed", "1")
    code, said, _ = run(capsys, *words, "--out", out, "--json")
    assert code == 0 and json.loads(said)["against"]["distance_m"] > 2e-3, "the pointer is bent"
    found = stored(out, "tool")
    assert off(found, make_stage("calibration", {})) < 5e-4
    assert found["serial"].startswith("XI13"), "of the arm, which nobody had to type"


def test_offset_that_is_configured_is_what_comes_out_for_a_straight_pointer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "tool.json"
    straight = ("--task.bent", "(0.0, 0.0, 0.0)", "--task.pointer", "0.17", "--seed", "4")
    words = ("calibrate", "tool", "--workcell", "xarm-emulated", "--views", "9", "--speed", "1")
    assert run(capsys, *words, *straight, "--out", out)[0] == 0
    found = stored(out, "tool")
    np.testing.assert_allclose(found["position"], [0.0, 0.0, 0.17], atol=5e-4)


def test_emergency_stop_while_the_arm_is_led_ends_it_and_nothing_is_stored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out, table = tmp_path / "tool.json", tmp_path / "rig.toml"
    table.write_text('faults = ["emergency-stop@4s"]')
    monkeypatch.setenv("IBC_GYM_RIG", str(table))
    words = ("calibrate", "tool", "--workcell", "xarm-emulated", "--out", out)
    assert "emergency stop" in refused(capsys, *words)
    assert not out.exists()


@pytest.fixture(scope="module")
def rig() -> Iterator[tuple[Rig, int]]:
    """A rig with the pointer on its flange, and its port of questions."""
    program = [sys.executable, "-m", "ibc_gym", "rig", "calibration", "--json"]
    with spawn(fresh_address(), program=program) as rig:
        yield rig, int(rig.client._where.rpartition(":")[2])


def way(rig: Rig) -> list[Float64]:
    """Joints at which the pointer's tip, as it is in truth, touches one point."""
    stage = make_stage("calibration", {})
    arm = arm_for(stage, load_table().arm)
    here, rng = np.array(rig.state()["joints"]), np.random.default_rng(5)
    point = np.array([0.4, 0.05, 0.15])
    tip = stage.flange_T_tip
    return plan_touches(arm.kinematics(), tip, point, arm.limits, here, rng, POSES, 1e-4)


def lead(rig: Rig, joints: Float64) -> None:
    rig.lead(joints.tolist(), 1.0)
    until = time.monotonic() + 60
    while rig.state()["moving"]:
        assert time.monotonic() < until, "the arm does not follow"
        time.sleep(0.05)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where the tip goes."""
    return tmp_path / "tool.json"


@pytest.fixture
def leading(
    tmp_path: Path, out: Path, rig: tuple[Rig, int], monkeypatch: pytest.MonkeyPatch
) -> Iterator[CommandInTerminal]:
    """The command at a table with this rig, once the person has confirmed all there is to see to, and holds the arm."""
    arm, questions = rig
    table = tmp_path / "table.toml"
    table.write_text(TABLE.format(address=arm.address, questions=questions, commands=arm.port))
    monkeypatch.setenv(VARIABLE, str(table))
    words = ("--workcell", "xarm", "--views", str(POSES + 4), "--out", str(out))
    command = CommandInTerminal("calibrate", "tool", *words, folder=tmp_path)
    try:
        command.until("1 of 7, workspace")
        for number in range(2, 8):
            command.type(b"y")
            command.until(f"{number} of 7, ")
        command.type(b"y")
        command.until("do you hold the arm?")
        command.type(b"\r")
        command.until("Pose 1 of 12")
        yield command
    finally:
        command.close()


def test_person_at_the_table_leads_the_arm_and_says_when_it_touches(
    rig: tuple[Rig, int], out: Path, leading: CommandInTerminal
) -> None:
    arm, _ = rig
    arm.heard()
    for number, joints in enumerate(way(arm), start=1):
        lead(arm, joints)
        leading.type(b"\r")
        leading.until(f"Pose {number + 1} of 12")
    assert any("They agree on the tip within 0." in line for line in leading.lines)
    leading.type(b"f")
    assert leading.end() == 0
    assert leading.mode == leading.mode_before, "the terminal is as it was"
    assert arm.heard() == [], "nothing but the hand moved it"
    assert off(stored(out, "tool"), make_stage("calibration", {})) < 5e-4


def test_person_who_stops_it_by_the_key_leaves_an_arm_that_stands_and_no_file(
    rig: tuple[Rig, int], out: Path, leading: CommandInTerminal
) -> None:
    arm, _ = rig
    leading.type(b"q")
    assert leading.end() == 130
    assert any("You stopped the arm by q" in line for line in leading.lines)
    assert not out.exists() and not arm.state()["moving"]
    assert arm.state()["state"] == 4
