"""What the guard before a real arm holds it to by default, for every task, and that tasks are done within it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from ibc_gym.hardware.arm.config import ARM
from ibc_gym.hardware.arm.targets import Admitted, admit
from ibc_gym.hardware.safety import SafeRobot, SafetyLimits
from ibc_gym.hardware.workcells.emulated import _emulated
from ibc_gym.hardware.workcells.table import (
    JOINT_MARGIN,
    SAFETY,
    TILT,
    arm_for,
    bounds_for,
    load_table,
)
from ibc_gym.kinematics import DOWN, Kinematics
from ibc_gym.records import Float64, Pose, RobotLimits, RobotState, Target
from ibc_gym.registry import make_stage, make_task
from ibc_gym.tables import TASKS
from ibc_gym.testing.ideal import IdealRobot

REAL = [name for name in TASKS if "xarm" in make_task(name).workcells]
REST = np.array(ARM.rest)
PAGE = (Path(__file__).parents[3] / "docs" / "hardware.md").read_text()


class Reaching(IdealRobot):
    """Is where it was told to be, as far as an arm's driver admits it."""

    def __init__(self, limits: RobotLimits, home: Float64, kinematics: Kinematics) -> None:
        self._kinematics = kinematics
        super().__init__(limits, Target(tool=Pose(position=home, quaternion=DOWN)))

    def observe(self) -> RobotState:
        return replace(super().observe(), joints=REST)

    def _limited(self, target: Target) -> Target:
        assert target.tool is not None
        before = Admitted(joints=REST, tool=target.tool)
        return admit(target, self._kinematics, self.limits, before).target


def arm_of(name: str) -> tuple[Reaching, SafetyLimits, Kinematics]:
    task: Any = make_task(name)
    config = arm_for(task, _emulated(task, "127.0.0.1"))
    kinematics = config.kinematics()
    assert config.home_joints is not None
    home = kinematics.forward(np.array(config.home_joints)).position
    limits = RobotLimits(
        control_period=task.control_period,
        lower=config.workspace_lower,
        upper=config.workspace_upper,
    )
    return Reaching(limits, home, kinematics), bounds_for(task, SAFETY), kinematics


def place_of(sent: Target) -> Float64:
    assert sent.tool is not None
    return sent.tool.position


@pytest.mark.parametrize("name", REAL)
def test_every_bound_but_those_of_speed_is_on(name: str) -> None:
    task: Any = make_task(name)
    bounds = bounds_for(task, SAFETY)
    assert bounds.tilt == TILT and bounds.patience == 5.0 and bounds.joint_margin == JOINT_MARGIN
    assert bounds.height is not None and np.allclose(bounds.height, (0.005, 0.015))
    largest = float(np.linalg.norm(task.action_space.high))
    assert bounds.step is not None and np.isclose(bounds.step, 2 * largest)
    assert (bounds.speed, bounds.acceleration, bounds.workspace) == (None, None, ())
    assert (
        f"{bounds.step:.2f} m for all tasks here" in PAGE and f"{JOINT_MARGIN:g} rad inside" in PAGE
    )
    assert "5 to 15 mm over the table for all tasks here" in PAGE


@pytest.mark.parametrize("name", REAL)
def test_whatever_a_policy_wants_the_margin_is_kept_and_nothing_else_changes(name: str) -> None:
    """Random walks over the whole table, into its corners and to the ends of reach, where the guard must not hold fast."""
    arm, bounds, kinematics = arm_of(name)
    robot = SafeRobot(arm, bounds, kinematics=kinematics)
    robot.reset()
    rng = np.random.default_rng(0)
    before, ended = place_of(robot.observe().target), 0
    for _ in range(400):
        x, y = rng.uniform(-0.1, 0.1, 2) + 0.03 * np.sign(before[:2] - (0.4, 0.0))  # outwards
        wanted = Target(tool=Pose(position=before + np.array([x, y, 0.0]), quaternion=DOWN))
        alone = place_of(arm._limited(wanted))
        before = place_of(robot.command(wanted))
        robot.advance()
        assert np.linalg.norm(before - alone) < 4e-3
        joints = kinematics.inverse(Pose(position=before, quaternion=DOWN), REST).joints
        room = min((joints - kinematics.lower).min(), (kinematics.upper - joints).min())
        assert room >= JOINT_MARGIN - 1e-6
        ended += room < JOINT_MARGIN + 1e-6
    assert robot.interventions or not ended


def test_command_is_not_far_ahead_of_the_arm_nor_under_the_table() -> None:
    _, bounds, kinematics = arm_of("insert")
    wide = RobotLimits(control_period=0.2, lower=(0.1, -0.5, -0.2), upper=(0.7, 0.5, 0.6))
    robot = SafeRobot(
        Reaching(wide, np.array([0.3, 0.2, 0.01]), kinematics), bounds, kinematics=kinematics
    )
    robot.reset()
    there = Target(tool=Pose(position=np.array([0.3, -0.3, -0.1]), quaternion=DOWN))
    sent = place_of(robot.command(there))
    assert 0.005 <= sent[2] < 0.01
    assert bounds.step is not None
    assert np.isclose(np.linalg.norm(sent - (0.3, 0.2, 0.01)), bounds.step, atol=1e-6)
    assert robot.observe().interventions == 1


def test_calibration_plans_joints_and_tilts_the_board() -> None:
    bounds = bounds_for(make_stage("calibration", {}, None), SAFETY)
    assert bounds.height is not None and np.allclose(bounds.height, (0.055, 0.805))
    assert (bounds.tilt, bounds.step, bounds.joint_margin) == (None, None, None)
    assert bounds.patience == 5.0


def test_actions_that_are_no_displacements_have_no_step() -> None:
    task: Any = make_task("insert")
    task.action_names = ("x [m]", "y [m]")
    task.action_space = spaces.Box(-1, 1, (2,), np.float32)
    assert bounds_for(task, SAFETY).step is None


def test_file_changes_what_it_names_and_leaves_the_rest_on(tmp_path: Path) -> None:
    path = tmp_path / "table.toml"
    path.write_text(
        '[arm]\naddress = "192.168.1.203"\n[safety]\nspeed = 0.4\nheight = [0.008, 0.3]\njoint_margin = 0'
    )
    bounds = bounds_for(make_task("insert"), load_table(path).safety)
    assert (bounds.speed, bounds.height, bounds.joint_margin) == (0.4, (0.008, 0.3), 0.0)
    assert bounds.tilt == TILT and bounds.step is not None
    assert bounds.patience == SAFETY.patience, (
        "a hung policy is stopped whatever else the file bounds"
    )


@pytest.mark.parametrize("task", ["insert", "calibration"])
@pytest.mark.parametrize("written", ["tilt = 0.05", "speed = 0.4"])
def test_watchdog_is_off_for_nobody_who_does_not_say_so(
    tmp_path: Path, task: str, written: str
) -> None:
    path = tmp_path / "table.toml"
    path.write_text(f'[arm]\naddress = "192.168.1.203"\n[safety]\n{written}')
    about = make_stage("calibration", {}, None) if task == "calibration" else make_task(task)
    assert bounds_for(about, load_table(path).safety).patience == 5.0
    path.write_text(f'[arm]\naddress = "192.168.1.203"\n[safety]\n{written}\npatience = 3600')
    assert bounds_for(about, load_table(path).safety).patience == 3600.0
