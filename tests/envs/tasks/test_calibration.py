"""The calibration's scene: a printed board that is seen where it is said to be, and a pointer that is bent."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ibc_gym import geometry
from ibc_gym.envs.scene_spec import Body, Picture, SceneSpec, Shape
from ibc_gym.envs.simulators.mujoco_scene import compile_anew, compose
from ibc_gym.envs.simulators.mujoco_sim import make_workcell
from ibc_gym.envs.tasks.calibration import CalibrationConfig, CalibrationStage
from ibc_gym.envs.tasks.insert import Insert
from ibc_gym.envs.xarm6_looks import XARM6_LOOKS
from ibc_gym.errors import ConfigError
from ibc_gym.kinematics import Kinematics
from ibc_gym.records import CameraSpec, Pose, Target, UInt8
from ibc_gym.registry import make_stage
from ibc_gym.registry import make_workcell as make_guarded
from ibc_gym.xarm6 import XARM6


def corner_picture() -> UInt8:
    """White, with a black quarter at the top left."""
    drawn = np.full((40, 50), 255, np.uint8)
    drawn[:20, :25] = 0
    return drawn


def before_the_camera(stage: CalibrationStage, base_T_camera: Pose) -> Target:
    """Joints that hold the board's outer corner upright before the camera, 40 cm away."""
    camera_T_board = np.eye(4)
    camera_T_board[:3, 3] = (-0.108, -0.084, 0.4)
    base_T_flange = (
        geometry.matrix(base_T_camera)
        @ camera_T_board
        @ np.linalg.inv(geometry.matrix(stage.flange_T_board))
    )
    arm = Kinematics(XARM6, 0.0)
    near = np.array([0.05, 0.55, -0.83, 3.1, 1.9, -4.7])
    found = arm.least_squares(geometry.pose_of(base_T_flange), near)
    assert found.error < 1e-5
    return Target(joints=found.joints)


def test_picture_is_seen_where_its_frame_says_right_way_up() -> None:
    stage = CalibrationStage(board=corner_picture())
    cell = make_workcell(_any(stage), cameras=True)
    camera: CameraSpec = cell.cameras["front"].spec
    pose = Pose(position=np.array(camera.position), quaternion=np.array(camera.quaternion))
    cell.robot.reset(before_the_camera(stage, pose))
    seen = cell.cameras["front"].read().image.astype(int)
    cell.close()

    def brightness(x: float, y: float) -> int:
        """Of the point (x, y) of the board's frame [m]."""
        u = camera.cx + camera.fx * (x - 0.108) / 0.4
        v = camera.cy + camera.fy * (y - 0.084) / 0.4
        return int(seen[int(v), int(u)].max())

    # The picture covers the board with its margin of 12 mm: 240 x 192 mm, its middle at (108, 84) mm.
    assert brightness(0.050, 0.040) < 60, "the top left is black"
    assert min(brightness(0.200, 0.040), brightness(0.050, 0.150), brightness(0.2, 0.15)) > 150
    edge = [brightness(x, 0.040) < 110 for x in np.arange(0.100, 0.116, 0.0005)]
    assert 0.1065 < 0.100 + 0.0005 * sum(edge) < 0.1095, "black ends in the middle"


def test_tip_of_the_pointer_is_not_where_it_ought_to_be() -> None:
    stage = CalibrationStage(CalibrationConfig(bent=(0.001, -0.002, 0.003)))
    np.testing.assert_allclose(stage.flange_T_tip.position, [0.001, -0.002, 0.1554])
    assert stage.scene.tool.length == 0.1524


def test_scene_without_pictures_is_composed_as_before() -> None:
    root = compose(Insert().scene, XARM6, XARM6_LOOKS)
    text = root.to_xml_string()
    assert "picture" not in text and "<texture" not in text
    assert compile_anew(Insert().scene).ntex == 0


def test_pictures_and_patterns_go_together() -> None:
    picture = Picture(width=4, height=2, pixels=bytes(range(8)))
    plate = Shape(kind="box", size=(0.1, 0.1, 0.001), picture=picture, collides=False)
    patterned = Shape(kind="box", size=(0.1, 0.1, 0.001), texture=3, collides=False)
    scene = _with(Insert().scene, (plate, plate, patterned))
    model = compile_anew(scene)
    assert model.ntex == 2
    sizes = {(int(model.tex(i).width[0]), int(model.tex(i).height[0])) for i in range(2)}
    assert sizes == {(4, 2), (64, 64)}
    start = next(int(model.tex(i).adr[0]) for i in range(2) if int(model.tex(i).width[0]) == 4)
    np.testing.assert_array_equal(model.tex_data[start : start + 24 : 3], np.arange(8))


def test_pybullet_refuses_a_picture_in_words() -> None:
    pytest.importorskip("pybullet")
    from ibc_gym.envs.simulators.bullet_sim import make_workcell as in_bullet

    with pytest.raises(ConfigError, match="picture on the tool, which PyBullet is not given"):
        in_bullet(_any(CalibrationStage(board=corner_picture())), cameras=False)


def test_stage_is_refused_where_it_cannot_be_rendered() -> None:
    with pytest.raises(ConfigError, match="cannot run in workcell 'pybullet'"):
        make_guarded("pybullet", make_stage("calibration", {}), cameras=True)


@pytest.mark.parametrize(
    "fields, complaint",
    [
        ({"width": 3, "height": 3, "pixels": b"12345678"}, "takes as many bytes, not 8"),
        ({"width": 0, "height": 3, "pixels": b""}, "takes as many bytes"),
    ],
)
def test_picture_of_another_size_than_said_is_refused(fields: Any, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        Picture(**fields)


def test_picture_on_what_is_no_plain_box_is_refused() -> None:
    picture = Picture(width=1, height=1, pixels=b"a")
    with pytest.raises(ConfigError, match="printed on a box"):
        Shape(kind="sphere", size=(0.1,), picture=picture)
    with pytest.raises(ConfigError, match="printed on a box"):
        Shape(kind="box", size=(0.1, 0.1, 0.1), texture=1, picture=picture)


@pytest.mark.parametrize(
    "options, complaint",
    [
        ({"control_rate": 0.5}, "control_rate"),
        ({"pointer": 0.01}, "longer than 0.05 m"),
        ({"unsteady": -1.0}, "unsteadiness is not negative"),
        ({"colour": 1}, "colour"),
    ],
)
def test_setting_that_makes_no_sense_is_refused(options: Any, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        make_stage("calibration", options)


def _any(stage: CalibrationStage) -> Any:
    return stage  # no task, but it has what a simulator asks for


def _with(scene: SceneSpec, shapes: tuple[Shape, ...]) -> SceneSpec:
    from dataclasses import replace

    return replace(
        scene, bodies=(*scene.bodies, Body(name="plates", motion="fixed", shapes=shapes))
    )
