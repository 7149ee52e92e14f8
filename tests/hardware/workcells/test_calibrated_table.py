"""Calibration as at a real table: the workcell `xarm`, its table's file and its person, with the emulated rig attached.

The command runs in a terminal of its own. The arm's address is the rig's, the camera a software device that the driver
finds by its serial number; the board is rendered, so the camera's true pose is known.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from terminals import CommandInTerminal

from ibc_gym import geometry
from ibc_gym.calibrate import board_of
from ibc_gym.hardware.calibration.files import BOUNDS
from ibc_gym.hardware.rig.process import Rig, fresh_address, spawn
from ibc_gym.hardware.workcells.table import VARIABLE, load_table
from ibc_gym.records import CameraSpec

pytestmark = [pytest.mark.realtime, pytest.mark.slow]

SERIAL = "817412070001"
BOARD = board_of(columns=9, rows=7, square=0.024, dictionary="DICT_4X4_50")

CALMLY = ("--speed", "0.8", "--task.control-rate", "5")
"""Quick, and patient with pictures where others compute beside it."""

CALIBRATION = """
[arm]
address = "{address}"
tool_length = 0.03
payload = 0.3
payload_centre = [0, 0, 0.015]
fence_lower = [0.05, -0.5, -0.005]
fence_upper = [0.75, 0.5, 0.85]
command_timeout = 1.0
report_timeout = 1.5

[[cameras]]
name = "front"
serial = "{serial}"
pose = {{ position = {position}, quaternion = {quaternion} }}

[rig]
questions = {questions}
commands = {commands}
"""


@pytest.fixture(scope="module")
def rig() -> Iterator[tuple[Rig, CameraSpec, int]]:
    """A rig with a board on its flange, what its camera is in truth, and its port of questions."""
    program = [sys.executable, "-m", "ibc_gym", "rig", "calibration", "--json", "--cameras"]
    with spawn(fresh_address(), program=[*program, "--board", json.dumps(BOARD)]) as rig:
        told = rig.client.ask("cameras")["front"]["spec"]
        port = int(rig.client._where.rpartition(":")[2])
        yield rig, CameraSpec(**told), port


def written(folder: Path, rig: tuple[Rig, CameraSpec, int]) -> Path:
    """The table's file, with the camera's pose as somebody with a tape would measure it: 2 cm and 4 degrees off."""
    arm, true, questions = rig
    turned = geometry.rotation(np.array(true.quaternion)) * Rotation.from_rotvec(
        [0.05, -0.04, 0.02]
    )
    path = folder / "calibration.toml"
    path.write_text(
        CALIBRATION.format(
            address=arm.address,
            serial=SERIAL,
            position=[
                round(float(each), 4) for each in np.add(true.position, (0.012, -0.012, 0.01))
            ],
            quaternion=[float(each) for each in geometry.quaternion(turned)],
            questions=questions,
            commands=arm.port,
        )
    )
    return path


def at_the_table(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *words: str, until: str
) -> tuple[int, list[str]]:
    """A person runs the command there, says yes to the checklist, and lets the arm go home: its answer, all it showed."""
    monkeypatch.setenv(VARIABLE, "calibration.toml")
    command = CommandInTerminal("calibrate", "camera", "--workcell", "xarm", *words, folder=folder)
    try:
        command.until("1 of 8, workspace")
        for number in range(2, 9):
            command.type(b"y")
            command.until(f"{number} of 8, ")
        command.type(b"y")
        command.until("goes home")
        command.type(b"\r")
        command.until(until, seconds=180.0)
        return command.end(), command.lines
    finally:
        command.close()


def test_pose_is_recovered_stored_with_its_error_and_taken_by_the_table_of_the_tasks(
    tmp_path: Path, rig: tuple[Rig, CameraSpec, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, true, _ = rig
    config = load_table(written(tmp_path, rig))
    where = tmp_path / "calibration" / "front.json"
    quick = (*CALMLY, "--views", "10", "--out", str(where))
    code, lines = at_the_table(tmp_path, monkeypatch, *quick, until="Other than what was")
    assert code == 0
    assert any("30 mm from the flange" in line for line in lines), "the board is the tool"
    stored = json.loads(where.read_text())
    assert stored["serial"] == SERIAL, "which nobody had to type"
    for name, bound in BOUNDS["camera"].items():
        assert 0 < stored["errors"][name] < bound
    tasks = replace(config, calibrations={"front": str(where)})
    (camera,) = tasks.calibrated()
    far = np.linalg.norm(np.subtract(camera.pose.position, true.position))
    turned = (
        geometry.rotation(np.array(camera.pose.quaternion)).inv()
        * geometry.rotation(np.array(true.quaternion))
    ).magnitude()
    assert far < 1e-3 and np.degrees(turned) < 0.2


def test_no_at_the_checklist_ends_the_command_and_nothing_moves(
    tmp_path: Path, rig: tuple[Rig, CameraSpec, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    arm, _, _ = rig
    written(tmp_path, rig)
    arm.heard()
    monkeypatch.setenv(VARIABLE, "calibration.toml")
    command = CommandInTerminal("calibrate", "camera", "--workcell", "xarm", folder=tmp_path)
    try:
        command.until("1 of 8, workspace")
        command.type(b"n")
        assert command.end() == 1
        assert any("checklist stops at 'workspace'" in line for line in command.lines)
    finally:
        command.close()
    assert not arm.heard()
