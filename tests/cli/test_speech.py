"""What a command says: first what it writes, last how to repeat it, in between no more than is true."""

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
from command import refused, run

from ibc_gym.console import Terminal
from ibc_gym.data.dataset import Dataset
from ibc_gym.data.recorder import Recorder
from ibc_gym.errors import ConfigError

pytestmark = pytest.mark.slow


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
        left_out = ("--episodes", "2", "--json")
        assert "no episode to replay" in run(capsys, "replay", data, "--skip-damaged", *left_out)[2]

    def test_replay_says_how_far_it_parts_and_what_that_changes(
        self, tmp_path: Path, demos: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        _, said, _ = run(capsys, "replay", demos)
        exactly = "6 of 6 episodes replayed exactly; 6 succeeded when recorded, 6 now;"
        assert f"{exactly} the mean return was 1 and is 1." in said
        first = Dataset.open(demos)[0]
        shifted = {**first.steps, "observation.state": first.steps["observation.state"] + 0.25}
        with Recorder(tmp_path / "d.zarr", Dataset.open(demos).metadata) as recorder:
            recorder.append(replace(first, steps=shifted, success=None))
        _, said, _ = run(capsys, "replay", tmp_path / "d.zarr")
        assert "0 of 1 episode replayed exactly; the others part by at most 0.25 in " in said
        names = Dataset.open(demos).metadata.feature_names["state"]
        assert any(f"0.25 in {name}, " in said for name in names)
        assert "nothing judged the recording, the replay succeeds in 1" in said

    def test_one_of_a_thing_is_not_many(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        source, data = tmp_path / "a.npz", tmp_path / "d.zarr"
        one = np.zeros((1, 2), np.float32)
        np.savez(source, observations=one, actions=one + 3, episode_ends=np.array([1]))
        box = ("--action-low", "-1", "--action-high", "3.5", "--control-period", "0.1")
        _, said, _ = run(capsys, "data", "import", source, "--task", "t", *box, "--out", data)
        assert "1 episode, 1 step, for t." in said
        assert "1 episode whole, 0 damaged." in run(capsys, "data", "verify", data)[1]
        assert " kB in 1 segment " in run(capsys, "data", "info", data)[1]
        assert "has 1 episode, counted from 0" in refused(capsys, "replay", data, "--episodes", "1")

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
                "ibc-gym: There is not enough memory (MemoryError). In training try a smaller --batch",
            ),
            (
                RuntimeError(
                    "[enforce] DefaultCPUAllocator: can't allocate memory: you tried\nmore"
                ),
                "can't allocate memory: you tried). In training try a smaller --batch-size",
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
