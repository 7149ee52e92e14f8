"""A person at the `xarm` workcell, in a terminal: record by hand, train, evaluate; the emulated rig is arm and camera.

The checklist shows the picture that it asks about, the page shows the wanted start over the live one while a command waits
for the table to be arranged, the person judges, the raw streams lie beside the data.
"""

from __future__ import annotations

import json
import re
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from command import run
from terminals import CommandInTerminal

from ibc_gym.data.dataset import Dataset
from ibc_gym.hardware.rig.process import Rig, fresh_address, spawn
from ibc_gym.hardware.workcells.table import VARIABLE

pytestmark = [pytest.mark.realtime, pytest.mark.slow]

TABLE = """
[arm]
address = "{address}"
command_timeout = 1.0
report_timeout = 1.5

[[cameras]]
name = "front"
serial = "817412070002"
pose = {{ position = [0.75, 0.0, 0.5], quaternion = [0.2185, -0.6725, -0.6725, 0.2185] }}

[rig]
questions = {questions}
commands = {commands}
"""
MOVED = 2e-3
"""Of a joint that is not at rest [rad]."""
ON_THE_ARM = ("--workcell", "xarm", "--view", "0", "--task.image-size", "(45, 80)")


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    program = [sys.executable, "-m", "ibc_gym", "rig", "insert", "--json", "--cameras"]
    with spawn(fresh_address(), program=program) as rig:
        yield rig


@pytest.fixture
def folder(tmp_path: Path, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the table's file is."""
    questions = int(rig.client._where.rpartition(":")[2])
    told = TABLE.format(address=rig.address, questions=questions, commands=rig.port)
    (tmp_path / "table.toml").write_text(told)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "table.toml"))
    return tmp_path


class AtTheTable(CommandInTerminal):
    """What a person there answers and sees."""

    @property
    def page(self) -> str:
        """Its address, as the terminal says it."""
        found = re.search(r"http://127\.0\.0\.1:\d+/", self.seen)
        assert found is not None
        return found[0]

    def words_on_the_page(self, wanted: str) -> None:
        """Wait until the page says so, and has a picture."""
        said, until = "", time.monotonic() + 20.0
        while said != wanted:
            assert time.monotonic() < until, f"the page says {said!r}"
            self._look(0.05)
            with urllib.request.urlopen(f"{self.page}words", timeout=10) as answer:
                said = answer.read().decode()
        with urllib.request.urlopen(f"{self.page}picture.png", timeout=10) as answer:
            assert answer.read().startswith(b"\x89PNG")

    def go_through_the_checklist(self) -> None:
        self.until("1 of 8, workspace")
        for number in range(2, 9):
            if "7 of 8, camera" in self.seen and number == 8:
                self.words_on_the_page("front")
            self.type(b"y")
            self.until(f"{number} of 8, ")
        self.type(b"y")

    def begin_an_episode(self) -> None:
        """Let the arm go home, and say that everything stands where the page shows it."""
        self.until("goes home")
        self.arrange()

    def arrange(self) -> None:
        """What follows once the arm has asked whether it may go home."""
        self.type(b"\r")
        self.until("Put everything in its place")
        self.words_on_the_page("wanted over live")
        self.type(b"\r")


@contextmanager
def typed(folder: Path, *words: str) -> Iterator[AtTheTable]:
    command = AtTheTable(*words, folder=folder)
    try:
        yield command
    finally:
        command.close()


def test_person_records_a_policy_is_trained_and_the_person_judges_and_stops_it(
    folder: Path, rig: Rig, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    by_hand = ("--by", "keyboard", "--observation", "image", "--raw", "--episodes", "2")
    with typed(folder, "record", "insert", *ON_THE_ARM, *by_hand, "--out", "mine.zarr") as person:
        person.go_through_the_checklist()
        for key, verdict in ((b"w", b"y"), (b"d", b"n")):
            person.begin_an_episode()
            # A hand that pushes when an episode begins must come to rest first.
            person.until("step 2/")
            person.hold(key, "step 12/")
            person.type(verdict)
        assert person.end() == 0
    episodes = list(Dataset.open(folder / "mine.zarr"))
    assert [episode.success for episode in episodes] == [True, False]
    away, right = (episode.steps["action"] for episode in episodes)
    assert len(away) >= 12 and away[:, 0].max() > 0 and np.abs(away[:, 1]).max() == 0
    assert len(right) >= 12 and right[:, 1].min() < 0 and np.abs(right[:, 0]).max() == 0
    streams = list((folder / "mine.raw").glob("front.*.db3"))
    assert sum(stream.stat().st_size for stream in streams) > 1_000_000

    monkeypatch.chdir(folder)
    small = [
        "--policy.type",
        "mse",
        "--policy.inputs",
        "image",
        "--steps",
        "2",
        "--batch-size",
        "4",
    ]
    code, _, err = run(capsys, "train", "mine.zarr", "--out", "run", *small)
    assert code == 0, err

    with typed(folder, "eval", "run", *ON_THE_ARM, "--episodes", "3") as person:
        person.go_through_the_checklist()
        person.begin_an_episode()
        assert "Esc or q stops the arm" in person.seen
        person.hold(b"n", until="goes home")
        person.arrange()
        assert moves(rig), "the second episode is under way"
        person.type(b"\x1b")
        person.until("You stopped the arm by Esc")
        assert not moves(rig), "it stands, though the command has not ended yet or just has"
        assert person.end() == 130
        assert "1 episode in" in " ".join(person.lines)
    (kept,) = (folder / "run" / "evaluations").iterdir()
    evaluation = json.loads((kept / "evaluation.json").read_text())
    assert evaluation["episodes"] == 1 and evaluation["success_rate"] == 0.0
    assert "by Esc" in evaluation["cut_off"]


def moves(rig: Rig) -> bool:
    """Whether the arm is seen to move within a second."""
    until = time.monotonic() + 1.0
    first = rig.state()["joints"]
    while time.monotonic() < until:
        if np.abs(np.subtract(rig.state()["joints"], first)).max() > MOVED:
            return True
        time.sleep(0.05)
    return False
