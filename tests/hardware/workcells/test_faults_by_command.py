"""The true commands on an emulated table where a file lets something go wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fault_bench import NEAR, SHORT, WORKCELL

from ibc_gym.data.dataset import Dataset

pytestmark = pytest.mark.realtime

TOO_BUSY = "controller error 60"
"""What happens by itself where the rig's clock is held up by others: targets come faster than they were meant to."""
OPTIONS = ("--task.goal-tolerance", str(NEAR))


def ibc_gym(
    *words: str, folder: Path, faults: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a command on a table where this goes wrong."""
    file = folder / "rig.toml"
    file.write_text(f"faults = {json.dumps(faults)}\n")
    return subprocess.run(
        [sys.executable, "-m", "ibc_gym", *words, "--workcell", WORKCELL, *OPTIONS],
        cwd=folder,
        env={**os.environ, "IBC_GYM_RIG": str(file)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_record_keeps_what_was_there_and_goes_on_when_it_is_run_again(tmp_path: Path) -> None:
    record = ("record", "reach", "--seed", str(SHORT), "--out", "d.zarr")
    ended = ibc_gym(
        *record, "--episodes", "50", folder=tmp_path, faults=("collision@4s", "warning@1s")
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
    assert seeds == set(range(SHORT, SHORT + len(whole) + 1))
    assert all(entry in after.entries for entry in whole), "as they were"
