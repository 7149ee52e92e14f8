"""The cameras' own streams, recorded beside the data set while a demonstrator is at work."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import run
from fault_bench import NEAR, SHORT

pytestmark = pytest.mark.realtime


def test_raw_streams_of_a_recording_lie_beside_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "demos.zarr"
    there = [
        "--workcell",
        "xarm-emulated",
        "--observation",
        "image",
        "--raw",
        "--task.control-rate",
        "2",
        "--task.goal-tolerance",
        str(NEAR),
    ]
    once = ("--seed", str(SHORT), "--episodes", "1")
    code, _, err = run(capsys, "record", "reach", *there, *once, "--out", out)
    assert code == 0, err
    streams = sorted(
        (tmp_path / "demos.raw").glob("front.*.db3")
    )  # one for every start of the streams
    assert sum(stream.stat().st_size for stream in streams) > 1_000_000
    for stream in streams:
        assert json.loads(stream.with_suffix(".json").read_text())["serial"] == "emulated-front"
