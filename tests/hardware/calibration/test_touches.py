"""Poses with the tip at a point: planned ones keep it there, written ones are read as the arm's screen shows them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from ibc_gym import geometry
from ibc_gym.envs.tasks.calibration import CalibrationStage
from ibc_gym.errors import ConfigError
from ibc_gym.hardware.calibration.touches import plan_touches, read_poses
from ibc_gym.kinematics import Kinematics
from ibc_gym.records import Float64, RobotLimits
from ibc_gym.xarm6 import XARM6

STAGE = CalibrationStage()
ARM = Kinematics(XARM6, STAGE.scene.tool.length)
LIMITS = RobotLimits(control_period=0.1, lower=STAGE.lower, upper=STAGE.upper)
POINT = np.array([0.38, 0.0, 0.14])


def plan(point: Float64 = POINT, count: int = 10) -> list[Float64]:
    rng = np.random.default_rng(0)
    return plan_touches(ARM, STAGE.flange_T_tip, point, LIMITS, np.array(XARM6.rest), rng, count)


def test_true_tip_stays_at_the_point_and_the_tool_is_tilted() -> None:
    axes = []
    for joints in plan():
        flange = geometry.pose_of(ARM.frames(joints)[-1])
        tip = geometry.compose(flange, STAGE.flange_T_tip)
        np.testing.assert_allclose(tip.position, POINT, atol=1e-5)
        axes.append(geometry.rotation(flange.quaternion).apply([0, 0, 1]))
    tilts = np.degrees(np.arccos(-np.array(axes)[:, 2]))
    assert tilts.min() > 19 and tilts.max() < 45
    assert np.ptp(np.array(axes)[:, 0]) > 0.5 and np.ptp(np.array(axes)[:, 1]) > 0.5


def test_point_out_of_reach_is_refused() -> None:
    with pytest.raises(ConfigError, match="in 0 of 2 ways only"):
        plan(np.array([1.5, 0.0, 0.1]), 2)


NUMBER = st.floats(-700, 700)
ANGLE = st.floats(-89, 89)


@given(st.lists(st.tuples(NUMBER, NUMBER, NUMBER, ANGLE, ANGLE, ANGLE), min_size=1, max_size=4))
def test_written_poses_are_read_in_metres(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[float, ...]]
) -> None:
    path = tmp_path_factory.mktemp("poses") / "poses.txt"
    lines = [", ".join(map(repr, row)) + "  # as shown" for row in rows]
    path.write_text("# x y z roll pitch yaw\n\n" + "\n".join(lines))
    for pose, row in zip(read_poses(path), rows, strict=True):
        np.testing.assert_allclose(1000 * pose.position, row[:3], atol=1e-9)
        yaw, pitch, roll = geometry.rotation(pose.quaternion).as_euler("ZYX", degrees=True)
        np.testing.assert_allclose((roll, pitch, yaw), row[3:], atol=1e-6)


def test_rolls_are_about_the_fixed_axes(tmp_path: Path) -> None:
    (tmp_path / "p").write_text("300 0 200 180 0 90")
    (pose,) = read_poses(tmp_path / "p")
    axes = geometry.rotation(pose.quaternion).as_matrix()
    np.testing.assert_allclose(
        axes, Rotation.from_euler("z", np.pi / 2).as_matrix() @ np.diag([1, -1, -1]), atol=1e-12
    )


@pytest.mark.parametrize("line", ["1 2 3 4 5", "1 2 3 4 5 x", "1 2 3 4 5 nan", "1 2 3 4 5 6 7"])
def test_line_that_is_no_pose_is_named(line: str, tmp_path: Path) -> None:
    (tmp_path / "p").write_text(f"300 0 200 180 0 90\n{line}\n")
    with pytest.raises(ConfigError, match=r"line 2 is .* six numbers"):
        read_poses(tmp_path / "p")


def test_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No poses can be read"):
        read_poses(tmp_path / "none")
