"""Views of the board: seen, tilted, near and far, within limits, and with a free way from one to the next."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rendered_board import moved
from scipy.spatial.transform import Rotation

from ibc_gym import geometry
from ibc_gym.envs.tasks.calibration import CalibrationStage
from ibc_gym.envs.tasks.real_stage import board_camera
from ibc_gym.errors import ConfigError
from ibc_gym.hardware.calibration.board import Board
from ibc_gym.hardware.calibration.clearance import Clearance
from ibc_gym.hardware.calibration.poses import PlanConfig, plan_views, visible
from ibc_gym.kinematics import DOWN, Kinematics
from ibc_gym.records import CameraSpec, Float64, Pose, RobotLimits
from ibc_gym.xarm6 import XARM6

pytestmark = pytest.mark.slow

BOARD = Board()
STAGE = CalibrationStage(board=BOARD.draw(8))
CAMERA = board_camera((360, 640))
ARM = Kinematics(XARM6, STAGE.scene.tool.length)
LIMITS = RobotLimits(control_period=0.1, lower=STAGE.lower, upper=STAGE.upper)
HOME = ARM.inverse(
    Pose(position=np.array(STAGE.home), quaternion=DOWN), np.array(XARM6.rest)
).joints
CLEARANCE = Clearance(BOARD, CAMERA, STAGE.flange_T_board, ARM, LIMITS)


def planned(
    seed: int = 0, count: int = 20, camera: CameraSpec = CAMERA, limits: RobotLimits = LIMITS
) -> list[Float64]:
    rng = np.random.default_rng(seed)
    config = PlanConfig(count=count)
    return plan_views(BOARD, camera, STAGE.flange_T_board, ARM, limits, HOME, rng, config)


def in_camera(joints: Float64) -> Float64:
    """camera_T_board."""
    base_T_camera = geometry.matrix(
        Pose(position=np.array(CAMERA.position), quaternion=np.array(CAMERA.quaternion))
    )
    base_T_board = ARM.frames(joints)[-1] @ geometry.matrix(STAGE.flange_T_board)
    return np.asarray(np.linalg.inv(base_T_camera) @ base_T_board)


@pytest.fixture(scope="module")
def way() -> list[Float64]:
    return planned()


def test_every_view_shows_most_of_the_board_from_the_front(way: list[Float64]) -> None:
    assert len(way) == 20
    for joints in way:
        camera_T_board = in_camera(joints)
        assert visible(BOARD, CAMERA, camera_T_board).mean() >= 0.75
        assert camera_T_board[2, 2] > 0.5


def test_tilts_are_of_20_to_40_degrees_and_point_all_ways(way: list[Float64]) -> None:
    axes = np.array([in_camera(joints)[:3, 2] for joints in way])
    tilts = np.degrees(np.arccos(axes[:, 2]))
    assert tilts.min() > 20 and tilts.max() < 40.5
    quarters = {(x > 0, y > 0) for x, y, _ in axes.tolist()}
    assert len(quarters) == 4


def test_depths_and_places_differ(way: list[Float64]) -> None:
    middles = np.array([(in_camera(j) @ [0.108, 0.084, 0.0, 1.0])[:3] for j in way])
    assert np.ptp(middles[:, 2]) > 0.08
    right = CAMERA.cx + CAMERA.fx * middles[:, 0] / middles[:, 2]
    assert np.ptp(right) > 0.3 * CAMERA.width


def test_joints_and_tip_stay_within_their_limits_all_the_way(way: list[Float64]) -> None:
    here = HOME
    for joints in way:
        for share in np.linspace(0, 1, 30):
            between = here + share * (joints - here)
            assert ((between >= ARM.lower) & (between <= ARM.upper)).all()
            tip = ARM.forward(between).position
            assert (tip >= np.array(LIMITS.lower) - 1e-3).all()
            assert (tip <= np.array(LIMITS.upper) + 1e-3).all()
        here = joints


def test_board_stays_off_table_camera_and_arm_all_the_way(way: list[Float64]) -> None:
    here = HOME
    for joints in way:
        assert CLEARANCE.allows_way(here, joints)
        for share in np.linspace(0, 1, 30):
            base_T_board = ARM.frames(here + share * (joints - here))[-1] @ geometry.matrix(
                STAGE.flange_T_board
            )
            corners = BOARD.outline @ base_T_board[:3, :3].T + base_T_board[:3, 3]
            assert corners[:, 2].min() > 0.03
            assert np.linalg.norm(corners - CAMERA.position, axis=1).min() > 0.18
        here = joints


def test_equal_seeds_give_equal_plans_and_others_do_not() -> None:
    one, same, other = planned(5, 6), planned(5, 6), planned(3, 6)
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one[0], other[0])


def test_camera_that_looks_away_from_the_arm_is_refused() -> None:
    turned = geometry.rotation(np.array(CAMERA.quaternion)) * Rotation.from_euler("y", np.pi)
    w, x, y, z = geometry.quaternion(turned).tolist()
    with pytest.raises(ConfigError, match=r"Only 0 of 20 views .* 'front'"):
        planned(camera=replace(CAMERA, quaternion=(w, x, y, z)))


def test_workspace_that_is_too_low_for_the_board_is_refused() -> None:
    low = replace(LIMITS, upper=(0.6, 0.3, 0.02), lower=(0.15, -0.3, 0.01))
    with pytest.raises(ConfigError, match="Only 0 of 20 views"):
        planned(limits=low)


def test_board_folded_back_against_the_arm_is_not_allowed() -> None:
    assert CLEARANCE.allows(HOME)
    folded = HOME.copy()
    folded[4] = 3.1
    folded[1:3] = (-1.0, -0.3)
    frames = ARM.frames(folded)
    assert not CLEARANCE.allows(folded), frames[-1]


def test_board_before_the_lens_is_not_allowed() -> None:
    near = moved(Pose(position=np.array(CAMERA.position), quaternion=DOWN), (0, 0, 0), (0, 0, 0))
    close = Clearance(
        BOARD, replace(CAMERA, position=(0.3, 0.0, 0.4)), STAGE.flange_T_board, ARM, LIMITS
    )
    assert near.position[2] > 0 and CLEARANCE.allows(HOME) and not close.allows(HOME)


@pytest.mark.parametrize(
    "fields", [{"count": 2}, {"tilt": (0.7, 0.3)}, {"tilt": (0.1, 1.5)}, {"share": (0.0, 0.5)}]
)
def test_plan_that_makes_no_sense_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="PlanConfig"):
        PlanConfig(**fields)  # type: ignore[arg-type]
