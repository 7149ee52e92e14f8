"""The three commands on an emulated table, of insertion and word for word but for the workcell; a file lets something go wrong.

Episodes are cut off soon: test_rehearsal.py makes whole insertions.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fault_bench import WORKCELL

from ibc_gym.data.dataset import Dataset
from ibc_gym.evaluation.results import read_evaluation

pytestmark = pytest.mark.realtime

TOO_BUSY = "controller error 60"
"""What happens by itself where the rig's clock is held up by others: targets come faster than they were meant to."""
HORIZON = 8
"""Steps of an episode."""
ON_THE_TABLE = ("--workcell", WORKCELL, "--task.horizon", str(HORIZON))
SEED = 18
"""Of the first episode."""


def ibc_gym(
    *words: str, folder: Path, faults: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a command on a table where this goes wrong."""
    file = folder / "rig.toml"
    file.write_text(f"faults = {json.dumps(faults)}\n")
    return subprocess.run(
        [sys.executable, "-m", "ibc_gym", *words, "--json"],
        cwd=folder,
        env={**os.environ, "IBC_GYM_RIG": str(file)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_record_keeps_what_was_there_and_goes_on_when_it_is_run_again_and_then_train_and_eval(
    tmp_path: Path,
) -> None:
    record = ("record", "insert", *ON_THE_TABLE, "--seed", str(SEED), "--out", "d.zarr")
    ended = ibc_gym(
        *record, "--episodes", "50", folder=tmp_path, faults=("collision@5s", "warning@1s")
    )
    assert ended.returncode != 0
    assert "a collision" in ended.stderr and "controller error 31" in ended.stderr
    assert "Traceback" not in ended.stderr
    before = Dataset.open(tmp_path / "d.zarr")
    assert not before.verify()
    whole = [entry for entry in before.entries if entry.fault is None]
    assert whole, "what came before the collision is there"
    assert len(before.entries) - len(whole) <= 1, "on the way home no episode is under way"
    for _ in range(5):
        again = ibc_gym(*record, "--episodes", str(len(whole) + 1), folder=tmp_path)
        if TOO_BUSY not in again.stderr:
            break
    assert again.returncode == 0, again.stderr
    after = Dataset.open(tmp_path / "d.zarr")
    assert not after.verify()
    seeds = {entry.seed for entry in after.entries if entry.fault is None}
    assert seeds == set(range(SEED, SEED + len(whole) + 1))
    assert all(entry in after.entries for entry in whole), "as they were"
    assert all(entry.length == HORIZON for entry in after.entries if entry.fault is None)

    small = ("--policy.type", "mse", "--steps", "5", "--batch-size", "4", "--no-tensorboard")
    trained = ibc_gym("train", "d.zarr", "--out", "run", *small, folder=tmp_path)
    assert trained.returncode == 0, trained.stderr
    assert json.loads(trained.stdout)["steps"] == 5
    for number in range(5):
        words = ("--episodes", "1", "--name", f"try-{number}")
        evaluated = ibc_gym("eval", "run", *ON_THE_TABLE, *words, folder=tmp_path)
        if TOO_BUSY not in evaluated.stderr:
            break
    assert evaluated.returncode == 0, evaluated.stderr
    found = json.loads(evaluated.stdout)
    assert (found["task"], found["workcell"], found["policy"]) == ("insert", WORKCELL, "mse")
    (episode,) = read_evaluation(tmp_path / "run" / "evaluations" / words[-1]).episodes
    assert episode.length == HORIZON and not episode.success
    assert episode.metrics["setpoints"] > 0, "it went through the vendor's client"
