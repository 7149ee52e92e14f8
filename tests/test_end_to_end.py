"""From a demonstration to an evaluated policy through the real command line, as a user types it.

The first chain of commands runs in processes of their own; others spare themselves the interpreter's start.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command import run

from ibc_gym.data.dataset import Dataset
from ibc_gym.demo import PARTS
from ibc_gym.demo_folder import clear

pytestmark = pytest.mark.slow

PICTURES = ["--policy.inputs", "image", "--policy.image-size", "24", "24"]


Command = Callable[..., dict[str, Any]]


def ibc_gym(folder: Path, *words: str) -> dict[str, Any]:
    """The one JSON object that a command prints, run in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "ibc_gym", *words, "--json"],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Repeat with: ibc-gym" in done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.slow
def test_record_train_eval_report_in_processes_of_their_own(tmp_path: Path) -> None:
    words = ["--policy.dfo.samples", "32", "--policy.optimiser", "dfo", "--steps", "20"]
    recorded = ibc_gym(tmp_path, "record", "particle", "--episodes", "20", "--out", "demos.zarr")
    assert (recorded["done"], recorded["written"]) == (20, 20)
    trained = ibc_gym(tmp_path, "train", "demos.zarr", *words, "--out", "run", "--no-tensorboard")
    assert trained["steps"] == 20
    found = ibc_gym(tmp_path, "eval", "run", "--episodes", "4")
    assert (found["task"], found["policy"], found["episodes"]) == ("particle", "ebm", 4)
    assert Path(tmp_path / ibc_gym(tmp_path, "report", "run")["report"]).is_file()


@pytest.mark.parametrize(
    ("task", "seen", "kind", "flags"),
    [
        ("particle", "state", "ebm", ["--policy.dfo.samples", "32", "--policy.optimiser", "dfo"]),
        pytest.param(
            *("particle", "image", "ebm", [*PICTURES, "--policy.late-fusion.channels", "4", "8"]),
            marks=pytest.mark.slow,
        ),
        ("push", "state", "mse", ["--policy.frame", "push", "--policy.width", "32"]),
    ],
)
def test_record_train_eval_replay_report(
    task: str,
    seen: str,
    kind: str,
    flags: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def here(folder: Path, *words: str) -> dict[str, Any]:
        monkeypatch.chdir(folder)
        code, out, err = run(capsys, *words, "--json")
        assert code == 0, err
        answer: dict[str, Any] = json.loads(out)
        return answer

    go_all_the_way(here, tmp_path, task, seen, kind, flags)


def go_all_the_way(
    ibc_gym: Command, tmp_path: Path, task: str, seen: str, kind: str, flags: list[str]
) -> None:
    """Record, train, evaluate twice, replay and report, and hold each answer to what was asked."""
    words = ["--episodes", "8", "--observation", seen, "--out", "demos.zarr"]
    recorded = ibc_gym(tmp_path, "record", task, *words)
    assert (recorded["done"], recorded["written"]) == (8, 8)
    described = ibc_gym(tmp_path, "data", "info", "demos.zarr")
    assert (described["task"], described["episodes"]) == (task, 8)
    words = ["--policy.type", kind, *flags, "--steps", "20", "--batch-size", "32", "--out", "run"]
    trained = ibc_gym(tmp_path, "train", "demos.zarr", *words, "--no-tensorboard")
    assert trained["steps"] == 20
    assert trained["action_error"] > 0
    found = ibc_gym(tmp_path, "eval", "run", "--episodes", "4")
    assert (found["task"], found["policy"], found["episodes"]) == (task, kind, 4)
    assert found["seeds"] == [100_000, 100_001, 100_002, 100_003]
    assert found["ci95"][0] <= found["success_rate"] <= found["ci95"][1]
    words = ["--episodes", "4", "--workers", "1", "--latency-steps", "0"]
    again = ibc_gym(tmp_path, "eval", "run", *words)
    assert again["return_mean"] == found["return_mean"]
    replayed = ibc_gym(tmp_path, "replay", "demos.zarr", "--episodes", "0", "1")
    assert replayed["exact"] == 2
    page = Path(tmp_path / ibc_gym(tmp_path, "report", "run", "--out", "report.html")["report"])
    assert page.read_text().startswith("<!doctype html>")


@pytest.mark.slow
def test_small_demo_leaves_everything_that_it_promises_and_another_may_take_its_place(
    tmp_path: Path,
) -> None:
    words = ["--demonstrations", "6", "--episodes", "2", "--steps", "10", "--films", "1"]
    summary = ibc_gym(tmp_path, "demo", *words, "--out", "demo")
    out = tmp_path / "demo"
    assert json.loads((out / "summary.json").read_text()) == summary
    assert summary["wall_seconds"] > 0
    assert summary["ebm"]["policy"] == "ebm"
    assert summary["mse"]["policy"] == "mse"
    assert summary["ebm"]["seeds"] == summary["mse"]["seeds"] == list(range(100_000, 100_002))
    assert len(Dataset.open(out / "demos.zarr")) == 6
    assert (out / "report.html").is_file()
    assert (out / "ebm" / "checkpoints" / "best").exists()
    assert (out / "mse" / "checkpoints" / "best").exists()
    clear(out, PARTS)  # what the next one begins with
    assert list(out.iterdir()) == []
