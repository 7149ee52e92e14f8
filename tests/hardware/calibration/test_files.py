"""A stored calibration is good enough, of the right device and whole; anything else is refused in words."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibc_gym.envs.tasks.real_stage import board_camera
from ibc_gym.errors import ConfigError, SpecMismatch
from ibc_gym.hardware.calibration import files
from ibc_gym.hardware.calibration.files import BOUNDS, Stored
from ibc_gym.hardware.calibration.hand_eye import HandEye
from ibc_gym.hardware.calibration.intrinsics import Intrinsics
from ibc_gym.hardware.calibration.tool_point import ToolPoint
from ibc_gym.records import Pose

CAMERA = HandEye(
    base_T_camera=Pose(
        position=np.array([0.7, 0.1, 0.5]), quaternion=np.array([0.6, 0.0, 0.8, 0.0])
    ),
    flange_T_board=Pose(
        position=np.array([0.0, 0.0, 0.03]), quaternion=np.array([-0.6, 0.8, 0, 0])
    ),
    spread=0.0011,
    spread_angle=0.002,
    reprojection=0.2,
    methods_apart=0.001,
    methods_apart_angle=0.002,
    views=20,
    dropped=1,
    held_out=5,
)
LENS = Intrinsics(
    width=640, height=360, fx=460.0, fy=461.0, cx=321.0, cy=179.0,
    reprojection=0.1, bend=0.1, views=20, dropped=0, held_out=5,
)  # fmt: skip
TOOL = ToolPoint(
    flange_p_tip=np.array([0.001, 0.002, 0.15]),
    base_p_point=np.zeros(3),
    residual=0.0002,
    uncertainty=0.0001,
    poses=12,
    dropped=0,
)
WHEN = {"date": "2026-05-01", "serial": "817412070001"}
STORED = {
    "camera": files.of_camera(CAMERA, **WHEN),
    "intrinsics": files.of_intrinsics(LENS, **WHEN),
    "tool": files.of_tool(TOOL, **WHEN),
}


@pytest.mark.parametrize("kind", STORED)
def test_what_was_saved_is_loaded(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "deeper" / "it.json"
    files.save(path, STORED[kind])
    assert files.load(path, kind, serial=WHEN["serial"]) == STORED[kind]
    assert [entry.name for entry in path.parent.iterdir()] == ["it.json"]


def test_file_says_all_that_must_be_known(tmp_path: Path) -> None:
    files.save(tmp_path / "camera.json", STORED["camera"])
    content = json.loads((tmp_path / "camera.json").read_text())
    assert content["serial"] == "817412070001" and content["date"] == "2026-05-01"
    assert content["position"] == [0.7, 0.1, 0.5]
    assert content["quaternion"] == pytest.approx([0.6, 0.0, 0.8, 0.0])
    assert content["errors"]["spread_m"] == 0.0011
    assert content["bounds"] == dict(BOUNDS["camera"])
    assert content["made_from"] == {"views": 20, "dropped": 1, "held_out": 5}


@pytest.mark.parametrize("kind, name", [(kind, name) for kind in BOUNDS for name in BOUNDS[kind]])
@pytest.mark.parametrize("by", [1.01, float("nan"), float("inf")])
def test_error_over_its_bound_is_neither_written_nor_read(
    kind: str, name: str, by: float, tmp_path: Path
) -> None:
    path, bound = tmp_path / "it.json", BOUNDS[kind][name]
    bad = replace(STORED[kind], errors={**STORED[kind].errors, name: by * bound})
    numbers = rf"{name} {by * bound:.4g}, over its bound of {bound:.4g}"
    with pytest.raises(ConfigError, match=numbers):
        files.save(path, bad)
    assert not path.exists()
    if np.isfinite(by):
        files.save(path, bad, bounds={name: 2 * bound})
        with pytest.raises(ConfigError, match=numbers):
            files.load(path, kind, serial=None)


def test_former_result_stays_where_a_new_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "camera.json"
    files.save(path, STORED["camera"])
    with pytest.raises(ConfigError, match="was not written"):
        files.save(path, files.of_camera(replace(CAMERA, spread=0.1), **WHEN))
    assert files.load(path, "camera", serial=None) == STORED["camera"]


def test_bound_of_the_callers_is_held(tmp_path: Path) -> None:
    files.save(tmp_path / "camera.json", STORED["camera"])
    with pytest.raises(ConfigError, match=r"over its bound of 0\.001"):
        files.load(tmp_path / "camera.json", "camera", serial=None, bounds={"spread_m": 0.001})


def test_another_device_is_refused(tmp_path: Path) -> None:
    files.save(tmp_path / "camera.json", STORED["camera"])
    with pytest.raises(
        ConfigError, match="made with device '817412070001', but this one is 'other'"
    ):
        files.load(tmp_path / "camera.json", "camera", serial="other")


def test_another_kind_is_refused(tmp_path: Path) -> None:
    files.save(tmp_path / "tool.json", STORED["tool"])
    with pytest.raises(ConfigError, match="of the tool, not of the camera"):
        files.load(tmp_path / "tool.json", "camera", serial=None)


@pytest.mark.parametrize("content", ["", "[]", "{}", "{", '{"kind": "camera"}', "3"])
def test_what_is_no_calibration_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "camera.json"
    path.write_text(content)
    with pytest.raises(ConfigError, match="ibc-gym calibrate camera"):
        files.load(path, "camera", serial=None)


def test_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No calibration can be read"):
        files.load(tmp_path / "none.json", "camera", serial=None)


@pytest.mark.parametrize("field", ["date", "serial"])
def test_calibration_without_date_or_device_cannot_be_made(field: str) -> None:
    with pytest.raises(ConfigError, match="neither may be empty"):
        files.of_camera(CAMERA, **{**WHEN, field: ""})


def test_calibration_of_nothing_known_cannot_be_made() -> None:
    with pytest.raises(ConfigError, match="not of 'lamp'"):
        Stored(kind="lamp", date="d", serial="s", errors={})


def test_spec_takes_pose_and_lens_over() -> None:
    device = board_camera((360, 640))
    placed = files.place(device, STORED["camera"])
    assert placed.position == (0.7, 0.1, 0.5) and placed.fx == device.fx
    lens = files.lens(device, STORED["intrinsics"])
    assert (lens.fx, lens.fy, lens.cx, lens.cy) == (460.0, 461.0, 321.0, 179.0)
    assert lens.position == device.position
    with pytest.raises(SpecMismatch, match="640 x 360 px"):
        files.lens(board_camera((720, 1280)), STORED["intrinsics"])


@given(st.recursive(st.none() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=5)))
def test_pose_that_is_none_is_refused(anything: Any) -> None:
    with pytest.raises(ConfigError):
        files.pose_of({"position": anything, "quaternion": [2.0, 0.0, 0.0, 0.0]})
