"""`kill -9` of real recording processes, at random instants: no committed episode is lost, and the rest can be read."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ibc_gym.data.dataset import Dataset
from ibc_gym.record import RecordConfig, record

WRITER = '''
"""Records episodes with pictures until it is killed; reports every commit as soon as `append` returns."""
import sys
from itertools import count

import numpy as np
from gymnasium import spaces

from ibc_gym.data.demonstration import Demonstration
from ibc_gym.data.metadata import Metadata
from ibc_gym.data.recorder import Recorder

PICTURE = (60, 80, 3)
metadata = Metadata(
    task="killed",
    workcell="none",
    observation_space=spaces.Dict(
        {
            "state": spaces.Box(-np.inf, np.inf, (2,), np.float32),
            "image": spaces.Box(0, 255, PICTURE, np.uint8),
        }
    ),
    action_space=spaces.Box(-1, 1, (1,), np.float32),
    control_period=0.1,
)
first = int(sys.argv[2])
with Recorder(sys.argv[1], metadata) as recorder:
    for number in count(first):
        rng = np.random.default_rng(number)
        length = int(rng.integers(20, 90))
        recorder.append(
            Demonstration(
                steps={
                    "observation.state": rng.normal(size=(length, 2)).astype(np.float32),
                    "observation.image": rng.integers(0, 256, (length, *PICTURE), dtype=np.uint8),
                    "action": np.zeros((length, 1), np.float32),
                    "terminated": np.zeros(length, np.bool_),
                    "truncated": np.zeros(length, np.bool_),
                },
                seed=number,
            )
        )
        print(number, flush=True)
'''


def start_writer(path: Path, first: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(first)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def kill_at(process: subprocess.Popen[str], delay: float) -> list[int]:
    """Let it report once, wait a little, kill it; gives the seeds that it reported as committed."""
    assert process.stdout is not None and process.stderr is not None
    reported = process.stdout.readline()
    try:
        process.wait(delay)
    except subprocess.TimeoutExpired:
        process.kill()
    rest, errors = process.communicate()
    assert process.returncode == -signal.SIGKILL, errors
    return [int(line) for line in (reported + rest).split()]


@pytest.mark.slow
def test_killed_writers_lose_no_committed_episode(tmp_path: Path) -> None:
    path = tmp_path / "d.zarr"
    delays = random.Random(0)
    committed: set[int] = set()
    for round_ in range(4):
        # Both make the data set in the first round; in later ones they go on beside the leftovers of the killed.
        writers = [start_writer(path, first=1000 * (2 * round_ + which)) for which in range(2)]
        for writer in writers:
            committed.update(kill_at(writer, delays.uniform(0.0, 0.15)))
        dataset = Dataset.open(path, verify=True)
        found = [entry.seed for entry in dataset.entries]
        assert len(found) == len(set(found))
        assert committed <= set(found)
        assert all(
            entry.length == int(np.random.default_rng(entry.seed).integers(20, 90))
            for entry in dataset.entries
        )
    assert len(committed) >= 8
    assert dataset.uncommitted  # some kill fell into the writing of a segment
    assert dataset.windows(2).frames["image"][0].shape == (60, 80, 3)


RECORD = """
import sys
from pathlib import Path
from ibc_gym.record import RecordConfig, record

if __name__ == "__main__":
    config = RecordConfig(task="particle", out=Path(sys.argv[1]), episodes=800, share=16, workers=2)
    record(config, lambda progress: print(progress.written, flush=True))
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    (tmp_path / "script.py").write_text(RECORD)
    return tmp_path / "script.py"


@pytest.mark.slow
def test_killed_recording_is_completed_by_the_same_command(tmp_path: Path, script: Path) -> None:
    killed = tmp_path / "killed.zarr"
    for signal_ in (signal.SIGKILL, signal.SIGINT):
        process = subprocess.Popen(
            [sys.executable, str(script), str(killed)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout is not None
        written = int(process.stdout.readline())
        os.kill(process.pid, signal_)
        process.communicate()  # returns when the workers, who share the pipe, are gone too
        there = len(Dataset.open(killed, verify=True))
        assert written <= there < 800
    completed = record(RecordConfig(task="particle", out=killed, episodes=800, share=16, workers=1))
    assert completed.present >= there and completed.present + completed.written == 800
    straight = tmp_path / "straight.zarr"
    record(RecordConfig(task="particle", out=straight, episodes=800, share=16, workers=1))
    one, other = Dataset.open(killed, verify=True), Dataset.open(straight, verify=True)
    assert [entry.seed for entry in one.entries] == list(range(800))
    assert one.fingerprint == other.fingerprint
