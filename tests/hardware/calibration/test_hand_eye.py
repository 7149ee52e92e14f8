"""The camera's pose is recovered within 1 mm and 0.2 degrees: rendered, with noise, and wherever the camera stands."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rendered_board import Table
from synthetic_board import apart, noisy, synthetic_views, transform
from trials import trials

from ibc_gym import geometry
from ibc_gym.envs.tasks.calibration import CalibrationStage
from ibc_gym.envs.tasks.real_stage import board_camera
from ibc_gym.errors import ConfigError
from ibc_gym.hardware.calibration.board import Board
from ibc_gym.hardware.calibration.hand_eye import solve_hand_eye
from ibc_gym.hardware.calibration.views import View
from ibc_gym.records import CameraSpec, Float64, Pose

MILLIMETRE, DEGREES = 1e-3, 0.2
BOARD = Board()
CAMERA = board_camera((360, 640))
BASE_T_CAMERA = geometry.matrix(
    Pose(position=np.array(CAMERA.position), quaternion=np.array(CAMERA.quaternion))
)
FLANGE_T_BOARD = geometry.matrix(CalibrationStage().flange_T_board)


def truth(camera: CameraSpec) -> Float64:
    return geometry.matrix(
        Pose(position=np.array(camera.position), quaternion=np.array(camera.quaternion))
    )


def of_rig(count: int = 25, seed: int = 0) -> list[View]:
    rng = np.random.default_rng(seed)
    return synthetic_views(BOARD, CAMERA, BASE_T_CAMERA, FLANGE_T_BOARD, rng, count)


class TestRenderedBoard:
    def test_camera_is_found_where_it_stands(self, table: Table, views: list[View]) -> None:
        found = solve_hand_eye(views, table.said)
        far, turned = apart(geometry.matrix(found.base_T_camera), truth(table.camera))
        assert far < MILLIMETRE and turned < DEGREES
        assert apart(truth(table.said), truth(table.camera))[0] > 0.03, "it was told otherwise"

    def test_board_is_found_where_it_is_screwed_on(self, table: Table, views: list[View]) -> None:
        found = solve_hand_eye(views, table.said)
        mount = geometry.matrix(table.stage.flange_T_board)
        far, turned = apart(geometry.matrix(found.flange_T_board), mount)
        assert far < MILLIMETRE and turned < DEGREES

    @pytest.mark.parametrize("seed", range(4))
    def test_noise_on_detections_and_on_the_robot_is_borne(
        self, table: Table, views: list[View], seed: int
    ) -> None:
        rng = np.random.default_rng(seed)
        worse = noisy(views, rng, pixels=0.3, metres=2e-4, radians=3e-4)
        found = solve_hand_eye(worse, table.said)
        far, turned = apart(geometry.matrix(found.base_T_camera), truth(table.camera))
        assert far < MILLIMETRE and turned < DEGREES
        assert 1e-4 < found.spread < 3e-3, "the noise must be seen in what is reported"


class TestAnyCamera:
    @settings(max_examples=trials(15))
    @given(
        st.tuples(*[st.floats(-2.0, 2.0)] * 3),
        st.tuples(*[st.floats(-1.5, 1.5)] * 3),
        st.integers(0, 1000),
    )
    def test_exact_views_give_the_exact_pose(
        self, place: tuple[float, ...], turn: tuple[float, ...], seed: int
    ) -> None:
        base_T_camera = transform(turn, place)
        rng = np.random.default_rng(seed)
        views = synthetic_views(BOARD, CAMERA, base_T_camera, FLANGE_T_BOARD, rng, 15)
        found = solve_hand_eye(views, CAMERA)
        far, turned = apart(geometry.matrix(found.base_T_camera), base_T_camera)
        assert far < 1e-5 and turned < 1e-3
        assert found.dropped == 0
        assert found.methods_apart < 1e-4

    def test_pose_of_the_spec_is_not_looked_at(self) -> None:
        elsewhere = replace(CAMERA, position=(9.0, 9.0, 9.0), quaternion=(1.0, 0.0, 0.0, 0.0))
        found, same = solve_hand_eye(of_rig(), CAMERA), solve_hand_eye(of_rig(), elsewhere)
        np.testing.assert_array_equal(found.base_T_camera.position, same.base_T_camera.position)


class TestJudgement:
    def test_fifth_is_held_out(self) -> None:
        found = solve_hand_eye(of_rig(25), CAMERA)
        assert (found.views, found.held_out, found.dropped) == (20, 5, 0)

    def test_view_of_a_bumped_arm_is_dropped(self) -> None:
        views = noisy(of_rig(), np.random.default_rng(0), pixels=0.2)
        pose = views[6].base_T_flange
        views[6] = replace(views[6], base_T_flange=replace(pose, position=pose.position + 0.02))
        found = solve_hand_eye(views, CAMERA)
        assert found.dropped == 1
        far, turned = apart(geometry.matrix(found.base_T_camera), BASE_T_CAMERA)
        assert far < MILLIMETRE and turned < DEGREES

    def test_board_that_was_measured_wrongly_shows_in_the_errors(self) -> None:
        larger = [
            replace(view, seen=replace(view.seen, points=1.03 * view.seen.points))
            for view in of_rig()
        ]
        assert solve_hand_eye(larger, CAMERA).spread > 3e-3

    def test_robot_that_is_off_shows_in_the_errors(self) -> None:
        off = noisy(of_rig(), np.random.default_rng(1), pixels=0.1, metres=4e-3)
        assert solve_hand_eye(off, CAMERA).spread > 3e-3


class TestRefusal:
    def test_too_few_views(self) -> None:
        with pytest.raises(ConfigError, match=r"7 of 7 views .* 8 are needed"):
            solve_hand_eye(of_rig(7), CAMERA)

    def test_views_with_few_corners_do_not_count(self) -> None:
        cut = [
            replace(
                view,
                seen=replace(
                    view.seen,
                    ids=view.seen.ids[:5],
                    pixels=view.seen.pixels[:5],
                    points=view.seen.points[:5],
                ),
            )
            for view in of_rig()
        ]
        with pytest.raises(ConfigError, match="0 of 25 views"):
            solve_hand_eye(cut, CAMERA)

    def test_flange_that_turns_about_one_axis_only(self) -> None:
        views = []
        for number in range(12):
            base_T_flange = transform((0.0, 0.0, 0.1 * number), (0.3, 0.02 * number, 0.3))
            camera_T_board = np.linalg.inv(BASE_T_CAMERA) @ base_T_flange @ FLANGE_T_BOARD
            points = BOARD.corners @ camera_T_board[:3, :3].T + camera_T_board[:3, 3]
            view = of_rig(1)[0]
            assert (points[:, 2] != 0).all()
            views.append(replace(view, base_T_flange=geometry.pose_of(base_T_flange)))
        with pytest.raises(ConfigError, match=r"about a second axis by 0\.000 rad"):
            solve_hand_eye(views, CAMERA)
