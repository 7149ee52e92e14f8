from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ibc_gym import __main__ as entry
from ibc_gym.cli import main as cli
from ibc_gym.console import Terminal
from ibc_gym.data.dataset import Dataset
from ibc_gym.data.recorder import Recorder
from ibc_gym.errors import ConfigError
from ibc_gym.registry import POLICIES, TASKS

HEAVY = ("torch", "mujoco", "dm_control", "pybullet", "matplotlib", "av", "tensorboard")

Answer = tuple[int, str, str]


def run(capsys: pytest.CaptureFixture[str], *words: str | Path) -> Answer:
    """Exit code, standard output and standard error of a command."""
    try:
        code = cli.main([str(word) for word in words])
    except SystemExit as stop:
        code = int(stop.code or 0)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def refused(capsys: pytest.CaptureFixture[str], *words: str | Path) -> str:
    """The complaint about a command that must be refused, in a line or two and without a traceback."""
    code, _, err = run(capsys, *words, "--json")  # so that standard error holds all that is said
    complaint = err[err.rindex("ibc-gym: ") :]
    assert code in (1, 2)
    assert "Traceback" not in err
    assert len(complaint.strip().splitlines()) <= 2
    return complaint


@pytest.fixture(scope="module")
def demos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few particle demonstrations."""
    out = tmp_path_factory.mktemp("demos") / "demos.zarr"
    assert cli.main(["record", "particle", "--episodes", "6", "--out", str(out), "--json"]) == 0
    return out


@pytest.fixture(scope="module")
def trained(demos: Path) -> Path:
    """A policy after hardly any training."""
    out = demos.parent / "run"
    words = ["train", str(demos), "--policy.type", "mse", "--steps", "3", "--out", str(out)]
    assert cli.main([*words, "--no-tensorboard", "--json"]) == 0
    return out


class TestHelp:
    def test_names_every_command(self, capsys: pytest.CaptureFixture[str]) -> None:
        code, out, _ = run(capsys, "--help")
        assert code == 0
        for name, (_, summary) in cli.COMMANDS.items():
            assert name in out
            assert summary in out

    @pytest.mark.parametrize("command", cli.COMMANDS)
    def test_of_every_command_fits_80_columns_and_explains_every_flag(
        self, command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COLUMNS", "80")
        code, out, _ = run(capsys, *command.split(), "--help")
        assert code == 0
        page = out.partition("examples:")[0].splitlines()[
            1:
        ]  # usage and examples are typed, not read
        assert max(map(len, page)) <= 80
        assert f"usage: ibc-gym {command}" in out
        assert "--debug" in out

    def test_without_a_command_is_a_usage_error(self, capsys: pytest.CaptureFixture[str]) -> None:
        code, out, _ = run(capsys)
        assert code == 2
        assert "usage:" in out

    def test_of_a_group_names_its_commands(self, capsys: pytest.CaptureFixture[str]) -> None:
        code, out, _ = run(capsys, "data", "--help")
        assert code == 0
        assert all(word in out for word in ("info", "import", "verify"))

    def test_version_is_the_packages(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(capsys, "--version")[1].startswith("ibc-gym 0.")

    @pytest.mark.parametrize("words", [["--help"], ["list", "--json"], ["list"]])
    def test_and_list_load_nothing_heavy(self, words: list[str]) -> None:
        code = (
            f"import sys; from ibc_gym.cli.main import main; main({words!r}); "
            f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.stderr.strip().splitlines()[-1] == "[]"


class TestJson:
    def test_list_is_one_object_with_every_table(self, capsys: pytest.CaptureFixture[str]) -> None:
        code, out, err = run(capsys, "list", "--json")
        found = json.loads(out)
        assert code == 0
        assert {"tasks", "workcells", "oracles", "frames", "policies", "presets"} == set(found)
        assert found["tasks"]["push"]
        assert "Repeat with: ibc-gym list --json" in err

    def test_flag_may_stand_before_the_command(self, capsys: pytest.CaptureFixture[str]) -> None:
        code, out, _ = run(capsys, "--json", "list")
        assert code == 0
        assert "particle" in json.loads(out)["tasks"]

    def test_data_commands_each_print_one_object(
        self, demos: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        info = json.loads(run(capsys, "data", "info", demos, "--json")[1])
        assert (info["task"], info["episodes"], info["success"]["succeeded"]) == ("particle", 6, 6)
        code, out, _ = run(capsys, "data", "verify", demos, "--json")
        assert code == 0
        assert json.loads(out)["damaged"] == []

    def test_eval_names_what_was_measured(
        self, trained: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        words = ("eval", trained, "--episodes", "3", "--workers", "1", "--json")
        code, out, _ = run(capsys, *words)
        found = json.loads(out)
        assert code == 0
        assert list(found)[:10] == [
            *("task", "workcell", "policy", "episodes", "successes", "success_rate"),
            *("ci95", "return_mean", "action_ms", "seeds"),
        ]
        assert (found["task"], found["policy"], found["episodes"]) == ("particle", "mse", 3)

    def test_an_error_is_one_object_too(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        code, out, err = run(capsys, "eval", "oracle", "--json")
        assert code == 2
        (said,) = json.loads(out).values()
        assert f"ibc-gym: {said}\n" == err
        assert list(json.loads(out)) == ["error"]
        code, out, _ = run(capsys, "train", tmp_path / "nothing.zarr", "--json", "--debug")
        assert code == 1
        assert "no data set" in json.loads(out)["error"]

    @pytest.mark.parametrize("words", [("--json",), ("data", "--json"), ("--json", "data")])
    def test_flag_alone_is_an_error_in_one_object(
        self, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
    ) -> None:
        code, out, _ = run(capsys, *words)
        assert code == 2
        assert "--help" in json.loads(out)["error"]

    def test_after_an_answer_an_error_is_no_second_object(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        terminal = Terminal(machine=True)
        terminal.result({"episodes": 3})
        terminal.failed("ibc-gym: The film is torn.")
        captured = capsys.readouterr()
        assert json.loads(captured.out) == {"episodes": 3}
        assert captured.err == "ibc-gym: The film is torn.\n"

    def test_ctrl_c_while_loading_is_no_traceback(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Interrupting:
            def find_spec(self, name: str, *_: object) -> None:
                if name == "ibc_gym.cli.main":
                    raise KeyboardInterrupt

        monkeypatch.setattr(sys, "meta_path", [Interrupting(), *sys.meta_path])
        monkeypatch.delitem(sys.modules, "ibc_gym.cli.main")
        assert entry.main() == 130
        assert "Stopped by Ctrl-C" in capsys.readouterr().err


class TestSpeech:
    def test_says_first_what_it_writes_and_last_how_to_repeat_it(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = tmp_path / "with space.zarr"
        words = ["record", "particle", "--episodes", "2", "--out", str(out)]
        code, said, _ = run(capsys, *words)
        lines = said.strip().splitlines()
        assert code == 0
        assert lines[0] == f"Writes 2 demonstrations to {out}/"
        assert lines[-1].startswith("Repeat with: ibc-gym record")
        assert shlex.split(lines[-1].removeprefix("Repeat with: ibc-gym ")) == words

    def test_other_episodes_are_told_of_and_what_is_there_is_not_announced(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        words = ("record", "particle", "--out", tmp_path / "d.zarr", "--episodes")
        run(capsys, *words, "5")
        _, said, _ = run(capsys, *words, "8", "--seed", "7")
        assert "also holds 5 other episodes, which stay" in said
        _, said, _ = run(capsys, *words, "9", "--seed", "3")
        assert said.startswith("Writes 2 demonstrations to")
        assert "The other 7 of seeds 3 to 11 are there already." in said
        _, said, _ = run(capsys, *words, "3")
        assert said.startswith("Nothing is left to do: all of seeds 0 to 2 are in")
        assert "succeeded" not in said
        _, said, _ = run(capsys, "data", "info", tmp_path / "d.zarr")
        assert " kB in 3 segments" in said
        assert "0 to 14" in said

    def test_a_damaged_data_set_is_named_and_gives_exit_code_1(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = tmp_path / "demos.zarr"
        run(capsys, "record", "particle", "--episodes", "2", "--out", out)
        chunk = next(out.glob("segments/*/steps/action/c/**/*"))
        chunk = chunk if chunk.is_file() else next(p for p in chunk.rglob("*") if p.is_file())
        chunk.write_bytes(chunk.read_bytes()[:-3] + b"xyz")
        code, said, _ = run(capsys, "data", "verify", out)
        assert code == 1
        assert "damaged" in said

    def test_damaged_episodes_are_left_out_and_counted_where_that_is_asked_for(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        data, out = tmp_path / "demos.zarr", tmp_path / "run"
        run(capsys, "record", "particle", "--episodes", "8", "--share", "2", "--out", data)
        chunk = next(p for p in data.glob("segments/*02-*/steps/action/c/**/*") if p.is_file())
        chunk.write_bytes(chunk.read_bytes()[:-3] + b"xyz")
        train = ("train", data, "--policy.type", "mse", "--steps", "3", "--out", out)
        for words in (("data", "info", data), ("replay", data), train):
            if words[0] != "data":
                assert "--skip-damaged" in refused(capsys, *words)
            code, said, err = run(capsys, *words, "--skip-damaged", "--json")
            assert code == 0
            assert "Left out: 2 damaged episodes." in err
            assert [damage["episode"] for damage in json.loads(said)["damaged"]] == [2, 3]
        rows = json.loads(run(capsys, "replay", data, "--skip-damaged", "--json")[1])["rows"]
        assert [(row["episode"], row["exact"]) for row in rows] == [
            (number, True) for number in (0, 1, 4, 5, 6, 7)
        ]
        words = ("replay", data, "--skip-damaged", "--episodes", "2", "--json")
        assert "no episode to replay" in run(capsys, *words)[2]

    def test_replay_says_how_far_it_parts_and_what_that_changes(
        self, tmp_path: Path, demos: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        _, said, _ = run(capsys, "replay", demos)
        exactly = "6 of 6 episodes replay exactly; 6 succeeded when recorded, 6 now;"
        assert f"{exactly} the mean return was 1 and is 1." in said
        first = Dataset.open(demos)[0]
        shifted = {**first.steps, "observation.state": first.steps["observation.state"] + 0.25}
        with Recorder(tmp_path / "d.zarr", Dataset.open(demos).metadata) as recorder:
            recorder.append(replace(first, steps=shifted, success=None))
        _, said, _ = run(capsys, "replay", tmp_path / "d.zarr")
        assert "0 of 1 episodes replay exactly; the others part by at most 0.25 in state" in said
        assert "nothing judged the recording, the replay succeeds in 1" in said

    def test_damage_is_told_once_for_every_segment_and_the_rest_is_described(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        data = tmp_path / "demos.zarr"
        run(capsys, "record", "particle", "--episodes", "60", "--share", "30", "--out", data)
        chunk = next(p for p in data.glob("segments/*30-*/steps/action/c/**/*") if p.is_file())
        chunk.write_bytes(chunk.read_bytes()[:-3] + b"xyz")
        code, said, _ = run(capsys, "data", "verify", data)
        assert code == 1
        assert said.count("steps/action") == 1
        assert "30 to 59" in said
        assert "30 episodes whole, 30 damaged." in said
        assert said.count("--skip-damaged") == 1
        assert "skip_damaged" not in said
        code, said, _ = run(capsys, "data", "info", data)
        assert code == 0
        assert "Left out: 30 damaged episodes." in said
        assert f"ibc-gym data verify {data}" in said

    def test_segment_that_cannot_be_opened_is_left_out_too(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        data = tmp_path / "demos.zarr"
        run(capsys, "record", "particle", "--episodes", "4", "--share", "2", "--out", data)
        next(data.glob("segments/*02-*/zarr.json")).write_text("{")
        assert "--skip-damaged opens the 1 other" in refused(capsys, "replay", data)
        code, _, err = run(capsys, "replay", data, "--skip-damaged", "--json")
        assert code == 0
        assert "Left out: 1 segment that cannot be opened." in err

    def test_ctrl_c_says_what_is_kept_and_gives_130(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupted(argv: object, terminal: Terminal) -> None:
            terminal.kept = "Two episodes are kept."
            raise KeyboardInterrupt

        monkeypatch.setattr("ibc_gym.cli.list.list_", interrupted)
        code, _, err = run(capsys, "list")
        assert code == 130
        assert "Two episodes are kept." in err

    @pytest.mark.parametrize(
        ("error", "said"),
        [
            (ConfigError("Too many goals."), "ibc-gym: Too many goals.\n"),
            (PermissionError(13, "Permission denied", "/x"), "ibc-gym: Permission denied: /x\n"),
            (
                MemoryError(),
                "ibc-gym: There is not enough memory (MemoryError). Try a smaller --batch",
            ),
            (
                RuntimeError(
                    "[enforce] DefaultCPUAllocator: can't allocate memory: you tried\nmore"
                ),
                "can't allocate memory: you tried). Try a smaller --batch-size",
            ),
            (ZeroDivisionError("0"), "Unexpected ZeroDivisionError: 0. Run again with --debug"),
        ],
    )
    def test_an_error_is_one_line_unless_debugged(
        self,
        error: Exception,
        said: str,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def failing(argv: object, terminal: Terminal) -> None:
            raise error

        monkeypatch.setattr("ibc_gym.cli.list.list_", failing)
        code, _, err = run(capsys, "list")
        assert code == 1
        assert said in err
        assert "Traceback" not in err
        assert "Traceback" in run(capsys, "list", "--debug")[2]


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

    def test_preset_of_another_policy(self, capsys: pytest.CaptureFixture[str]) -> None:
        words = ("train", "somewhere", "--preset", "fast/push", "--policy.type", "mse")
        assert "leave out --policy.type" in refused(capsys, *words)

    def test_task_option_without_a_value(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert "needs a value" in refused(capsys, "record", "push", "--task.horizon", "--episodes")

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
        assert "has 6 episode(s)" in refused(capsys, "replay", demos, "--episodes", "6")

    def test_import_of_wrong_shapes_nan_and_other_files(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def file(name: str, **arrays: np.ndarray) -> Path:
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


@pytest.mark.slow
def test_ctrl_c_while_recording_keeps_whole_episodes_and_the_same_command_goes_on(
    tmp_path: Path,
) -> None:
    out = tmp_path / "demos.zarr"
    words = [sys.executable, "-m", "ibc_gym", "record", "push", "--share", "10"]
    words += ["--out", str(out), "--workers", "1", "--episodes"]
    child = subprocess.Popen(  # far more than it can record before it is interrupted
        [*words, "5000"], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    deadline = time.monotonic() + 120
    while not list(out.glob("segments/*/zarr.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=120)
    assert child.returncode == 130
    assert f"committed so far are in {out}" in err
    assert "Traceback" not in err
    kept = len(Dataset.open(out))
    assert 0 < kept < 5000
    assert not Dataset.open(out).verify()
    wanted = str(kept + 20)
    done = subprocess.run([*words, wanted, "--json"], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["present"] == kept
    assert len(Dataset.open(out)) == kept + 20
