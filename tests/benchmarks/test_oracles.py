"""The benchmark of the demonstrators: what it says of replays, and how it comes into the file."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.oracles import put, replayed


def test_replays_are_counted() -> None:
    row = replayed("reach", "mujoco", 3, {})
    assert row["replayed"] == row["replayed_exactly"] == 3
    assert row["parted_seeds"] == []
    assert row["replayed_steps"] > 3


def test_replays_are_put_beside_what_was_measured_before(tmp_path: Path) -> None:
    out = tmp_path / "oracles.json"
    put(out, "a", {"successes": 3})
    put(out, "a", {"replayed": 2})
    put(out, "b", {"successes": 1})
    found = json.loads(out.read_text())["rows"]
    assert found == {"a": {"successes": 3, "replayed": 2}, "b": {"successes": 1}}
    put(out, "a", {"successes": 4})  # what was replayed is no longer known of these
    assert json.loads(out.read_text())["rows"]["a"] == {"successes": 4}
