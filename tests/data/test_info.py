"""What a data set says about itself is true, and plain JSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ibc_gym.data.dataset import Dataset
from ibc_gym.data.info import data_info
from ibc_gym.data.recorder import Recorder
from ibc_gym.record import RecordConfig, record


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    out = tmp_path / "d.zarr"
    record(RecordConfig(task="particle", out=out, episodes=6, share=2, workers=1))
    return out


def test_figures_are_those_of_the_data(recorded: Path) -> None:
    info = data_info(recorded)
    assert json.loads(json.dumps(info, allow_nan=False)) == info
    dataset = Dataset.open(recorded)
    assert (info["task"], info["workcells"], info["demonstrators"]) == (
        "particle",
        ["particle"],
        ["oracle"],
    )
    assert (info["episodes"], info["steps"], info["segments"]) == (6, 300, 3)
    assert info["rate_hz"] == pytest.approx(20) and info["seconds"] == pytest.approx(15)
    assert info["success"] == {"known": 6, "succeeded": 6, "rate": 1.0}
    assert info["seeds"] == {"first": 0, "last": 5, "count": 6, "repeated": 0}
    assert info["measured"]["robot"]["period_median"] == pytest.approx(0.05)
    assert info["measured"]["deadlines_missed"] == 0
    state = dataset.column("observation.state")
    ranges = info["ranges"]["observation.state"]
    assert [row["min"] for row in ranges] == pytest.approx(state.min(axis=0).tolist())
    assert [row["name"] for row in ranges] == list(dataset.metadata.feature_names["state"])
    assert info["fingerprint"] == dataset.fingerprint
    assert info["uncommitted"] == info["damaged"] == []


def test_damaged_and_uncommitted_parts_are_listed(recorded: Path) -> None:
    (recorded / "segments" / "dead-000000").mkdir()
    file = recorded / "segments" / "seed-0000000002-000000" / "zarr.json"
    file.write_text("{")
    info = data_info(recorded)
    assert info["uncommitted"] == ["dead-000000"]
    assert [damage["segment"] for damage in info["damaged"]] == ["seed-0000000002-000000"]
    assert info["episodes"] == 4


def test_verifying_finds_what_a_glance_does_not(recorded: Path) -> None:
    file = recorded / "segments" / "seed-0000000004-000000" / "steps" / "reward" / "c" / "0"
    content = np.frombuffer(file.read_bytes(), np.uint8).copy()
    content[-1] ^= 1
    file.write_bytes(content.tobytes())
    assert data_info(recorded)["damaged"] == []
    info = data_info(recorded, verify=True)
    assert [damage["episode"] for damage in info["damaged"]] == [4, 5]
    assert info["verified"] and info["episodes"] == 4


def test_empty_data_set_is_described(tmp_path: Path) -> None:
    out = tmp_path / "d.zarr"
    record(
        RecordConfig(
            task="particle",
            out=out,
            episodes=2,
            workers=1,
            options={"horizon": 1},
            successes_only=True,
        )
    )
    info = data_info(out)
    assert info["episodes"] == 0 and info["return"] is None and info["ranges"] == {}
    assert json.dumps(info, allow_nan=False)


def test_episodes_that_are_there_twice_are_counted(recorded: Path) -> None:
    demonstration = Dataset.open(recorded).episode(3)
    with Recorder(recorded, Dataset.open(recorded).metadata) as recorder:
        recorder.append(demonstration)
    record(RecordConfig(task="particle", out=recorded, episodes=6, noise=0.1, workers=1))
    seeds = data_info(recorded)["seeds"]
    assert seeds == {
        "first": 0,
        "last": 5,
        "count": 13,
        "repeated": 1,
    }  # noise makes other episodes
