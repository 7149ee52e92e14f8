"""Bad input of every kind gets a line or two that say what to do."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command import refused, run

from ibc_gym.tables import POLICIES, TASKS


class TestBadInput:
    def test_misspelt_command(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert "Did you mean 'record'" in refused(capsys, "recrod", "push")

    def test_misspelt_flag(self, demos: Path, capsys: pytest.CaptureFixture[str]) -> None:
        complaint = refused(capsys, "train", demos, "--policy.optimsier", "langevin")
        assert "Did you mean --policy.optimiser" in complaint
        assert "See: ibc-gym train --help" in complaint

    def test_missing_argument(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert "DATA" in refused(capsys, "train")

    def test_value_of_the_wrong_kind(self, demos: Path, capsys: pytest.CaptureFixture[str]) -> None:
        complaint = refused(capsys, "train", demos, "--steps", "2.5")
        assert complaint.startswith("ibc-gym: --steps: '2.5' is no whole number.\n")
        complaint = refused(capsys, "train", demos, "--learning-rate", "high")
        assert complaint.startswith("ibc-gym: --learning-rate: 'high' is no number.\n")

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (("--budget-cpu-seconds", "5s"), "--budget-cpu-seconds: '5s' is no number."),
            (("--policy.axis-centres", "0.5,0.5"), "'0.5,0.5' cannot be read; several values have"),
            (("--policy.image-size", "4"), "--policy.image-size: takes 2 values, not 1."),
            (("--policy.image-size", "a", "b"), "--policy.image-size: 'a', 'b' cannot be read;"),
        ],
    )
    def test_value_that_cannot_be_read_is_told_in_plain_words(
        self,
        words: tuple[str, ...],
        told: str,
        demos: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        complaint = refused(capsys, "train", demos, *words)
        assert told in complaint
        assert "class" not in complaint and "tuple" not in complaint

    @pytest.mark.parametrize("words", (("--out", ""), ("--out=",)))
    def test_empty_word(
        self, words: tuple[str, ...], demos: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """As a variable of the shell gives that is not set: it would be read as the folder one is in."""
        complaint = refused(capsys, "train", demos, *words)
        assert complaint.startswith("ibc-gym: --out is empty; is a variable of the shell not set?")

    def test_word_that_ends_in_an_equals_sign_is_not_empty(
        self, demos: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert "is empty" not in refused(capsys, "train", demos, "--out=a=", "--steps=many")

    def test_device_that_is_not_there(
        self, demos: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        complaint = refused(capsys, "train", demos, "--device", "warp")
        assert "'warp' cannot be used (PyTorch knows none of that name); try 'cpu'." in complaint

    def test_path_that_a_flag_has_swallowed(
        self, demos: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        complaint = refused(capsys, "train", "--policy.inputs", "state", demos)
        assert f"say it first: ibc-gym train {demos} ..." in complaint
        for words in (
            ("train", "--policy.inputs", "state"),
            ("train", "--out", demos),
            ("eval", "--out", demos),
            ("train", demos, "--steps", "--out", "zz"),
        ):
            assert "say it first" not in refused(capsys, *words)

    def test_value_out_of_range(self, demos: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert "must be at least 1" in refused(capsys, "train", demos, "--steps", "0")

    @pytest.mark.parametrize(
        ("words", "near"),
        [
            (("record", "psuh"), "push"),
            (("record", "push", "--workcell", "mujocco"), "mujoco"),
            (("eval", "oracle", "--env", "particel"), "particle"),
            (("eval", "oracle", "--env", "particle", "--task.dimension", "2"), "dimensions"),
            (("eval", "random", "--env", "gym:AdroitHandDor-v1"), "AdroitHandDoor-v1"),
            (("train", "somewhere", "--policy.type", "msee"), "mse"),
            (("train", "somewhere", "--preset", "fast/psuh"), "fast/push"),
        ],
    )
    def test_unknown_names_are_answered_with_near_ones(
        self,
        words: tuple[str, ...],
        near: str,
        capsys: pytest.CaptureFixture[str],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert near in refused(capsys, *words)

    @pytest.mark.parametrize(
        "board",
        ["{bad", "[1]", "null", '{"colums": 9}', '{"columns": "9"}', '{"columns": 9.5}', "{} {}"],
    )
    def test_board_that_is_none(self, board: str, capsys: pytest.CaptureFixture[str]) -> None:
        complaint = refused(capsys, "rig", "calibration", "--board", board)
        assert complaint.startswith(f"ibc-gym: --board is {board!r}, but must be fields of a board")
        assert '{"columns": 9, "rows": 7' in complaint

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (("--seed", "-1", "--faults-per-minute", "1"), "--seed is -1, but must be at least 0"),
            (("--fault", "stall=0.19@1s"), "how long it lasts comes last: stall@1s+0.19s."),
            (("--fault", "close=2@1s"), "'close=2@1s' has a number, but 'close' takes none."),
        ],
    )
    def test_faults_of_a_rig(
        self, words: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert told in refused(capsys, "rig", "insert", *words)

    def test_faults_of_cameras_are_not_offered_to_a_rig(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        complaint = refused(capsys, "rig", "insert", "--fault", "nonsense")
        assert "collision" in complaint and "camera-" not in complaint

    @pytest.mark.parametrize("task", ["push", "particle"])
    def test_randomisation_is_named_as_it_is_typed(
        self, task: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        flag = "--task.randomisation.latency"
        complaint = refused(capsys, "eval", "oracle", "--env", task, flag, "-1")
        assert f"{flag} is -1, but must be at least 0." in complaint
        flag = "--task.randomisation.observation-noise"
        assert f"{flag} is -1.0, but" in refused(
            capsys, "eval", "oracle", "--env", task, flag, "-1.0"
        )

    @pytest.mark.parametrize(
        ("words", "flag"),
        [
            (("export", "somewhere", "--check", "0"), "--check is 0"),
            (("train", "d", "--rollback.attempts", "-1"), "--rollback.attempts is -1"),
            (("train", "d", "--steps", "0"), "--steps is 0"),
            (("train", "d", "--policy.late-fusion.width", "0"), "--policy.late-fusion.width is 0"),
            (
                ("train", "d", "--policy.late-fusion.conv-resnet.blocks", "0"),
                "--policy.late-fusion.conv-resnet.blocks is 0",
            ),
            (
                ("train", "d", "--policy.type", "mse", "--policy.conv-resnet.blocks", "0"),
                "--policy.conv-resnet.blocks is 0",
            ),
            (("train", "d", "--policy.history", "0"), "--policy.history is 0"),
            (
                ("train", "d", "--policy.image-crop", "0", "0", "2", "1"),
                "--policy.image-crop is (0.0, 0.0, 2.0, 1.0)",
            ),
            (
                ("train", "d", "--policy.type", "ranking", "--policy.components", "0"),
                "--policy.components is 0",
            ),
            (("train", "d", "--policy.joint.depth", "3"), "--policy.joint.depth is 3"),
            (("train", "d", "--policy.proposal.width", "0"), "--policy.proposal.width is 0"),
            (("train", "d", "--policy.langevin.samples", "0"), "--policy.langevin.samples is 0"),
            (("train", "d", "--policy.type", "mse", "--policy.width", "0"), "--policy.width is 0"),
            (("eval", "oracle", "--env", "push", "--episodes", "0"), "--episodes is 0"),
            (("demo", "--steps", "0"), "--steps is 0"),
        ],
    )
    def test_field_of_any_config_is_named_as_it_is_typed(
        self, words: tuple[str, ...], flag: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert refused(capsys, *words).startswith(f"ibc-gym: {flag}, but")

    @pytest.mark.parametrize("command", ["compare-sims", "rehearse"])
    def test_folder_that_cannot_be_is_told_before_it_is_said_to_be_written(
        self, command: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        code, out, err = run(capsys, command, "push", "--out", "/proc/x")
        assert code == 1
        assert "Cannot write to /proc/x" in err and "Writes" not in out

    def test_preset_of_another_policy(self, capsys: pytest.CaptureFixture[str]) -> None:
        words = ("train", "somewhere", "--preset", "fast/push", "--policy.type", "mse")
        assert "leave out --policy.type" in refused(capsys, *words)

    @pytest.mark.parametrize("words", [("--policy", "mse"), ("--policy=mse",)])
    def test_policy_by_the_flag_that_other_tools_have(
        self, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert "--policy.type mse" in refused(capsys, "train", "somewhere", *words)

    @pytest.mark.parametrize("words", [("--policy",), ("--policy", "--out", "x"), ("--policy=",)])
    def test_flag_of_other_tools_without_a_value(
        self, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
    ) -> None:
        complaint = refused(capsys, "train", "somewhere", *words)
        assert "chosen with --policy.type: --policy.type NAME" in complaint

    @pytest.mark.parametrize(
        ("words", "named", "other"),
        [
            (("--policy", "nearest", "--help"), "--policy.projection", "--policy.langevin"),
            (("--policy=nearest", "-h"), "--policy.projection", "--policy.langevin"),
            (("--policy", "--help"), "--policy.langevin", "--policy.projection"),
        ],
    )
    def test_help_is_given_to_who_asks_by_that_flag(
        self, words: tuple[str, ...], named: str, other: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        code, out, err = run(capsys, "train", "somewhere", *words)
        assert (code, err) == (0, "")
        assert named in out and other not in out

    def test_unknown_preset_is_answered_in_a_line_or_two(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        complaint = refused(capsys, "train", "somewhere", "--preset", "fast/psuh")
        assert "Did you mean 'fast/push'" in complaint and "`ibc-gym list` names all" in complaint
        assert len(complaint) < 200
        assert "no preset called ''" in refused(capsys, "train", "somewhere", "--preset=")

    @pytest.mark.parametrize("flag", ["--preset", "--policy.type"])
    def test_flag_in_the_place_of_a_value(
        self, flag: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        complaint = refused(capsys, "train", "somewhere", flag, "--out", "x")
        assert f"{flag} needs a value, but --out follows." in complaint
        assert run(capsys, "train", "somewhere", flag, "--out", "x")[0] == 2

    def test_task_option_without_a_value(self, capsys: pytest.CaptureFixture[str]) -> None:
        complaint = refused(capsys, "record", "push", "--task.horizon", "--episodes")
        assert complaint == "ibc-gym: --task.horizon needs a value: --task.horizon VALUE.\n"

    @pytest.mark.parametrize("task", TASKS)
    @pytest.mark.parametrize("number", ["nan", "inf", "-1e999", "near"])
    def test_task_option_that_is_no_number(
        self, task: str, number: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        words = ("record", task, "--out", tmp_path / "demos.zarr")
        flag = f"--task.goal-tolerance={number}"
        assert "--task.goal-tolerance is" in refused(capsys, *words, flag)
        assert not (tmp_path / "demos.zarr").exists()

    def test_task_option_of_another_type_names_field_type_and_value(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        words = ("eval", "oracle", "--env", "push", "--task.horizon", "2.5")
        assert "--task.horizon is 2.5, which is no int" in refused(capsys, *words)

    @pytest.mark.parametrize("policy", POLICIES)
    @pytest.mark.parametrize("number", ["nan", "inf"])
    def test_setting_of_a_policy_or_a_training_that_is_not_finite(
        self, policy: str, number: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        words = ("train", "somewhere", "--policy.type", policy)
        flag = ("--policy.boundary-buffer", number)
        assert "--policy.boundary-buffer is" in refused(capsys, *words, *flag)
        flag = ("--learning-rate", number)
        assert f"--learning-rate is {number}" in refused(capsys, *words, *flag)

    @pytest.mark.parametrize("words", [("data", "info"), ("replay",), ("train",)])
    def test_missing_data(
        self, words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert "no data set" in refused(capsys, *words, tmp_path / "nothing.zarr")

    def test_folder_that_is_no_data_set(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert "not one of our data sets" in refused(capsys, "train", tmp_path)

    def test_missing_run(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert "no run" in refused(capsys, "eval", tmp_path / "nothing")
        assert "nothing" in refused(capsys, "report", tmp_path / "nothing")

    def test_report_about_what_is_no_run_announces_and_makes_nothing(
        self, demos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for folder in (tmp_path / "nosuch", demos):
            code, out, err = run(capsys, "report", folder)
            assert code == 1
            assert str(folder) in err and "Writes" not in out
        assert not (tmp_path / "nosuch").exists()
        assert "There is no run" in refused(capsys, "export", tmp_path / "nosuch")

    def test_checkpoint_of_another_task(
        self, trained: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        complaint = refused(capsys, "eval", trained, "--env", "push", "--episodes", "1")
        assert "particle" in complaint
        assert "push" in complaint

    def test_input_that_the_data_lack(
        self, demos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        words = ("train", demos, "--policy.inputs", "image", "--out", tmp_path / "run")
        assert "'image'" in refused(capsys, *words)

    def test_films_that_cannot_be_made_leave_the_result(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def dark(*_: object) -> None:
            raise RuntimeError("no light")

        monkeypatch.setattr("ibc_gym.evaluation.films._write", dark)
        words = ("eval", "oracle", "--env", "particle", "--episodes", "3", "--out", tmp_path)
        code, out, err = run(capsys, *words, "--film-seeds", "100001", "--json")
        assert code == 1
        assert json.loads(out)["episodes"] == 3
        assert "not all films were made: RuntimeError: no light" in err
        assert list(tmp_path.glob("evaluations/*/episodes.jsonl"))

    def test_film_of_an_episode_that_is_not_run(self, capsys: pytest.CaptureFixture[str]) -> None:
        words = ("eval", "oracle", "--env", "particle", "--episodes", "3", "--film-seeds", "5")
        assert "--film-seeds names 5" in refused(capsys, *words)

    def test_run_that_cannot_be_gone_on_with_where_it_is(
        self, demos: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        run_folder = shutil.copytree(trained, tmp_path / "run", symlinks=True)
        (run_folder / ".write-probe").mkdir()  # as a disk that is only read: root could write there
        complaint = refused(capsys, "train", demos, "--out", run_folder, "--resume")
        assert f"Cannot write to {run_folder}" in complaint
        assert "make it writable, or copy it" in complaint and "choose another" not in complaint

    def test_run_folder_that_is_taken(
        self, demos: Path, trained: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert "--resume" in refused(capsys, "train", demos, "--out", trained)

    @pytest.mark.parametrize(
        "words",
        [("record", "particle", "--episodes", "1"), ("demo",)],
    )
    def test_folder_that_cannot_be_written(
        self, words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        taken = tmp_path / "file"
        taken.write_text("")
        assert "Cannot write to" in refused(capsys, *words, "--out", taken / "below")

    def test_replay_of_an_episode_that_is_not_there(
        self, demos: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert "has 6 episodes, counted from 0" in refused(
            capsys, "replay", demos, "--episodes", "6"
        )

    def test_import_of_wrong_shapes_nan_and_other_files(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def file(name: str, **arrays: Any) -> Path:
            np.savez(tmp_path / name, **arrays)
            return tmp_path / name

        ends = np.array([4])
        states, actions = np.zeros((4, 8), np.float32), np.full((4, 2), 0.5, np.float32)
        good = {"observations": states, "actions": actions, "episode_ends": ends}
        words = ("--task", "particle", "--out", tmp_path / "out.zarr")
        wrong = file("wrong.npz", **{**good, "actions": np.zeros((4, 3), np.float32)})
        assert "shape (3,)" in refused(capsys, "data", "import", wrong, *words)
        holed = file("holed.npz", **{**good, "observations": states * np.nan})
        assert "not finite" in refused(capsys, "data", "import", holed, *words)
        assert "no file" in refused(capsys, "data", "import", tmp_path / "none.npz", *words)
        (tmp_path / "text.npz").write_text("hello")
        assert "no .npz" in refused(capsys, "data", "import", tmp_path / "text.npz", *words)
