"""The whole chain by its program and its command: move, look, detect, solve, compare, store."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command import refused, run
from scipy.spatial.transform import Rotation
from terminals import soon

from ibc_gym import registry
from ibc_gym.calibrate import CalibrateConfig, calibrate
from ibc_gym.errors import ConfigError, Stopped
from ibc_gym.hardware.calibration import files
from ibc_gym.registry import make_stage

pytestmark = pytest.mark.slow

DATE = "2026-05-01"
QUICK: dict[str, Any] = {"date": DATE, "views": 12, "speed": 1.0}


def test_camera_is_found_within_a_millimetre_and_stored(tmp_path: Path) -> None:
    out = tmp_path / "camera.json"
    heard: list[float] = []
    found = calibrate(
        CalibrateConfig(what="camera", out=out, **QUICK), lambda share, words: heard.append(share)
    )
    assert found.against["distance_m"] < 1e-3
    assert np.degrees(found.against["angle_rad"]) < 0.2
    assert heard[-1] == 1.0 and len(heard) == 12
    stored = files.load(out, "camera", serial="mujoco:front")
    assert stored.date == DATE
    pose = files.pose_of(stored.numbers)
    camera = make_stage("calibration", {}).scene.cameras[0]
    assert np.linalg.norm(pose.position - camera.position) < 1e-3


@pytest.mark.slow
def test_lens_is_found_within_half_a_percent_and_can_be_used(tmp_path: Path) -> None:
    lens, camera = tmp_path / "lens.json", tmp_path / "camera.json"
    found = calibrate(CalibrateConfig(what="intrinsics", out=lens, **{**QUICK, "views": 20}))
    assert found.against["focal_percent"] < 0.5
    placed = calibrate(CalibrateConfig(what="camera", out=camera, intrinsics=lens, **QUICK))
    assert placed.against["distance_m"] < 1e-3


def test_tip_is_found_within_a_third_of_a_millimetre(tmp_path: Path) -> None:
    out = tmp_path / "tool.json"
    found = calibrate(CalibrateConfig(what="tool", out=out, **QUICK))
    true = make_stage("calibration", {}).flange_T_tip.position
    assert np.linalg.norm(np.array(found.numbers["position"]) - true) < 3e-4
    assert found.against["distance_m"] > 2e-3, "the pointer is bent"


def written_poses(path: Path, rng: np.random.Generator) -> None:
    """Poses of a flange whose tip, at (1, -2, 150) mm, is held to a point."""
    lines = []
    for _ in range(10):
        turn = Rotation.from_euler("x", np.pi) * Rotation.from_rotvec(rng.uniform(-0.6, 0.6, 3))
        place = np.array([400.0, 50.0, 20.0]) - turn.apply([1.0, -2.0, 150.0])
        numbers = (*place, *turn.as_euler("xyz", degrees=True))
        lines.append(" ".join(f"{number:.2f}" for number in numbers))
    path.write_text("\n".join(lines))


def test_tip_is_found_from_what_a_person_wrote_down(tmp_path: Path) -> None:
    poses, out = tmp_path / "poses.txt", tmp_path / "tool.json"
    written_poses(poses, np.random.default_rng(0))
    config = CalibrateConfig(what="tool", poses=poses, serial="XI1304", out=out, date=DATE)
    found = calibrate(config)
    np.testing.assert_allclose(found.numbers["position"], [0.001, -0.002, 0.150], atol=1e-4)
    assert files.load(out, "tool", serial="XI1304").made_from == {"poses": 10, "dropped": 0}


def test_wrongly_measured_board_is_not_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The board on the flange has squares of 24 mm; whoever measured it said 26."""
    out = tmp_path / "camera.json"
    printed = CalibrateConfig(what="camera", date=DATE).board

    def as_printed(name: str, options: Any, board: Any) -> Any:
        return make_stage(name, options, printed)

    monkeypatch.setattr("ibc_gym.calibrate.make_stage", as_printed)
    with pytest.raises(ConfigError, match=r"spread_m 0\.0\d+, over its bound of 0\.003"):
        calibrate(CalibrateConfig(what="camera", square=0.026, out=out, **QUICK))
    assert not out.exists()


class TestRefusal:
    @pytest.mark.parametrize(
        "fields, complaint",
        [
            ({"what": "lamp"}, "must be one of 'intrinsics', 'camera', 'tool'"),
            ({"date": ""}, "says when it was made"),
            ({"views": 5}, "must be 8 to 200"),
            ({"speed": 2.0}, "at most 1"),
            ({"square": 24.0}, "it is in metres"),
            ({"poses": Path("p")}, "for a tool only"),
            ({"what": "tool", "intrinsics": Path("p")}, "for the camera's pose only"),
        ],
    )
    def test_setting_that_makes_no_sense(self, fields: dict[str, Any], complaint: str) -> None:
        with pytest.raises(ConfigError, match=complaint):
            CalibrateConfig(**{"what": "camera", "date": DATE, **fields})

    def test_camera_that_is_not_there(self, tmp_path: Path) -> None:
        config = CalibrateConfig(what="camera", camera="frnt", out=tmp_path / "c.json", **QUICK)
        with pytest.raises(KeyError, match="Did you mean 'front'"):
            calibrate(config)

    def test_real_device_without_its_serial_number(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = registry.make_workcell

        def real(*args: Any, **options: Any) -> Any:
            return replace(made(*args, **options), simulation=None)

        monkeypatch.setattr("ibc_gym.calibrate.make_workcell", real)
        out = tmp_path / "it.json"
        with pytest.raises(ConfigError, match="--serial"):
            calibrate(CalibrateConfig(what="camera", out=out, **QUICK))
        with pytest.raises(ConfigError, match="cannot be led by hand"):
            calibrate(CalibrateConfig(what="tool", serial="XI1304", out=out, **QUICK))


def test_key_stops_the_arm_in_the_middle_and_nothing_is_stored(
    tmp_path: Path, typist: Callable[[bytes], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    robots: list[Any] = []
    made = registry.make_workcell

    def noticed(*args: Any, **options: Any) -> Any:
        cell = made(*args, **options)
        robots.append(cell.robot)
        return cell

    monkeypatch.setattr("ibc_gym.calibrate.make_workcell", noticed)
    monkeypatch.setattr("ibc_gym.braking.is_real_time", lambda workcell: True)

    def press(share: float, words: str) -> None:
        assert words.startswith("1 of"), "no second picture is taken"
        typist(b"\x1b")
        assert soon(lambda: robots[0].fault is not None)

    out = tmp_path / "camera.json"
    with pytest.raises(Stopped, match="by Esc"):
        calibrate(CalibrateConfig(what="camera", out=out, **QUICK), press)
    assert not out.exists()


class TestCommand:
    def test_says_what_it_found_in_units_that_people_use(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        poses, out = tmp_path / "poses.txt", tmp_path / "tool.json"
        written_poses(poses, np.random.default_rng(0))
        words = ("calibrate", "tool", "--poses", poses, "--serial", "XI1304", "--out", out)
        code, said, _ = run(capsys, *words)
        assert code == 0 and out.is_file()
        assert said.startswith("Writes the result, if its errors are within their bounds, to")
        assert "1.000 mm" in said and "0.500 mm" in said

    def test_prints_the_board(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        out = tmp_path / "board.pdf"
        code, said, _ = run(capsys, "calibrate", "board", "--out", out, "--square", "0.03")
        assert code == 0 and out.read_bytes().startswith(b"%PDF")
        assert "9 x 7 of 30 mm" in said and "300 x 240 mm" in said
        code, said, _ = run(capsys, "calibrate", "board", "--out", out, "--json")
        assert json.loads(said)["outer_size"] == [0.24, 0.192]

    def test_result_over_its_bound_is_an_error(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        poses = tmp_path / "poses.txt"
        written_poses(poses, np.random.default_rng(0))
        rng = np.random.default_rng(1)
        rows = np.loadtxt(poses)
        rows[:, :3] += rng.normal(0, 3.0, (len(rows), 3))
        np.savetxt(poses, rows)
        complaint = refused(
            capsys, "calibrate", "tool", "--poses", poses, "--serial", "1", "--out", tmp_path / "o"
        )
        assert "over its bound of 0.001" in complaint
        assert not (tmp_path / "o").exists()

    @pytest.mark.parametrize(
        "words, complaint",
        [
            (("lamp",), "lamp"),
            (("camera", "--views", "3"), "--views is 3"),
            (("camera", "--task.board-offst", "1"), "board_offset"),
            (("board", "--rows", "6"), "odd number of rows"),
        ],
    )
    def test_wrong_words_are_answered(
        self, words: tuple[str, ...], complaint: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert complaint in refused(capsys, "calibrate", *words)
