"""`ibc-gym record --by …`, in a real terminal where it needs one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from command import refused, run
from terminals import COLUMNS, CommandInTerminal

from ibc_gym.cli.record import KEYS
from ibc_gym.data.dataset import Dataset
from ibc_gym.hardware.teleop import keyboard
from ibc_gym.replay import ReplayConfig, replay

pytestmark = pytest.mark.slow

Begin = Callable[..., CommandInTerminal]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    begun: list[CommandInTerminal] = []

    def make(*words: str | Path) -> CommandInTerminal:
        begun.append(
            CommandInTerminal("record", "reach", "--by", "keyboard", *words, folder=tmp_path)
        )
        return begun[-1]

    yield make
    for terminal in begun:
        terminal.close()


def test_person_records_at_the_keys_of_a_terminal(begin: Begin, tmp_path: Path) -> None:
    out = tmp_path / "mine.zarr"
    terminal = begin("--out", out.name, "--episodes", "3")
    terminal.until("move to begin")
    assert terminal.mode != terminal.mode_before
    terminal.hold(b"w", until="step 4/")
    terminal.type(b"\x1b[C")
    terminal.until("Episode 1 of 3: failure")
    terminal.until("hand let go")
    terminal.hold(b"d", until="step 3/")
    terminal.type(b"\x1b[D")
    terminal.until("dropped, once more")
    terminal.until("hand let go")
    terminal.hold(b"j", until="step 3/")
    terminal.type(b"\x1b")
    terminal.until("Episode 2 of 3: failure")
    assert terminal.end() == 0
    assert terminal.mode == terminal.mode_before
    assert max(map(len, terminal.lines)) <= COLUMNS
    assert terminal.lines[0] == "Writes 3 demonstrations to mine.zarr/"
    assert terminal.lines[-1].startswith("Repeat with: ibc-gym record reach --by keyboard")
    first, second = (np.sign(episode.steps["action"][0]).tolist() for episode in Dataset.open(out))
    assert sorted([first, second]) == [[0.0, 1.0], [1.0, 0.0]]  # w is ahead, j is to the left
    assert all(episode.exact for episode in replay(ReplayConfig(data=out)))


def test_ctrl_c_keeps_whole_episodes_and_gives_the_terminal_back(
    begin: Begin, tmp_path: Path
) -> None:
    out = tmp_path / "mine.zarr"
    terminal = begin("--out", out, "--episodes", "3")
    terminal.until("move to begin")
    terminal.hold(b"w", until="step 2/")
    terminal.type(b"\x1b[C")
    terminal.until("Episode 1 of 3")
    terminal.until("hand let go")
    terminal.hold(b"w", until="step 2/")
    terminal.type(b"\x03")
    assert terminal.end() == 130
    assert terminal.mode == terminal.mode_before
    assert f"Episodes committed so far are in {out}; the same command goes on." in terminal.seen
    assert "Traceback" not in terminal.seen
    assert len(Dataset.open(out)) == 1 and not Dataset.open(out).verify()


def test_take_over_from_a_trained_policy_is_in_the_data(begin: Begin, tmp_path: Path) -> None:
    out = tmp_path / "corrected.zarr"
    terminal = begin("--policy", "oracle", "--out", out, "--episodes", "1")
    terminal.until("the policy acts")
    terminal.hold(b"w", until="you: hand moving")
    terminal.type(b"\x1b[C")
    assert terminal.end() == 0
    by_person = Dataset.open(out)[0].steps["by_person"]
    assert not by_person[0] and by_person[-1]


def test_keys_are_told_as_they_are() -> None:
    page = "\n".join(KEYS)
    assert max(map(len, KEYS)) <= COLUMNS
    moves = {key.upper() for key in keyboard.MOVES}
    first = KEYS[0].replace(";", " ").split()
    assert moves <= set(first)
    for key in keyboard.ASKS:
        named = {"escape": "Esc", "+": "up", "=": "up", "-": "down"}.get(key, key)
        assert (named.upper() if len(named) == 1 else named) in page


class TestRefusals:
    def test_without_a_terminal_it_says_what_to_do(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        words = ("record", "reach", "--by", "keyboard", "--out", tmp_path / "d.zarr")
        assert "ssh -t" in refused(capsys, *words)
        assert not (tmp_path / "d.zarr").exists()

    def test_unknown_device_is_named_with_those_there_are(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        said = refused(capsys, "record", "reach", "--by", "keybord")
        assert "Did you mean 'keyboard'?" in said and "spacemouse" in said

    @pytest.mark.parametrize(
        "words",
        [
            ("--by", "keyboard", "--noise", "0.1"),
            ("--by", "keyboard", "--random-actions", "0.1"),
            ("--by", "gamepad", "--workers", "2"),
            ("--speed", "0.2"),
            ("--policy", "oracle"),
            ("--view", "0"),
        ],
    )
    def test_flag_of_the_other_way_of_recording_is_refused(
        self, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
    ) -> None:
        flag = next(word for word in words if word not in ("--by", "keyboard", "gamepad"))
        assert refused(capsys, "record", "reach", *words).startswith(f"ibc-gym: {flag} is for")

    def test_setting_of_the_hand_is_named_by_its_flag(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        said = refused(capsys, "record", "reach", "--by", "keyboard", "--pace", "0")
        assert said.startswith("ibc-gym: --pace is 0.0, but must lie in")


def test_answer_for_programs_is_one_object(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from hands import ScriptedHand, reading

    from ibc_gym import tables

    monkeypatch.setitem(tables.TELEOPERATION, "script", "hands:ScriptedHand")
    ScriptedHand.script = [reading(held=False), reading(away=1.0)]
    words = ("record", "reach", "--by", "script", "--episodes", "1", "--pace", "100", "--json")
    code, out, _ = run(capsys, *words, "--task.horizon", "5", "--out", tmp_path / "d.zarr")
    answer = json.loads(out)
    assert code == 0
    assert (answer["written"], answer["steps"], answer["redone"]) == (1, 5, 0)
