from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from command import run

from ibc_gym.cli import main as cli
from ibc_gym.console import Terminal

HEAVY = ("torch", "mujoco", "dm_control", "pybullet", "matplotlib", "av", "tensorboard")


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
        lines = [line.strip("│ ") for line in page]
        assert not any(one == other == "" for one, other in pairwise(lines))

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
