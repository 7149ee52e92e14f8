"""A driver that is killed leaves an arm that stands still."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from arm_bench import Bench

PROGRAM = Path(__file__).parent / "lost_process.py"


@pytest.mark.parametrize(
    "kind",
    [
        "servo",
        pytest.param("servo-cartesian", marks=pytest.mark.slow),
        pytest.param("online", marks=pytest.mark.slow),
        pytest.param("velocity", marks=pytest.mark.slow),
    ],
)
def test_killed_driver_leaves_an_arm_that_stands_still(bench: Bench, kind: str) -> None:
    command = [sys.executable, str(PROGRAM), bench.rig.address, str(bench.rig.port), kind]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "moving\n"
            first = np.array(bench.rig.state()["joints"])
            time.sleep(0.1)
            second = np.array(bench.rig.state()["joints"])
            assert np.abs(second - first).max() > 1e-3, (
                "it does not move, so this would prove nothing"
            )
        finally:
            process.kill()
            process.wait()
    killed = np.array(bench.rig.state()["joints"])
    time.sleep(0.3)
    assert bench.still()
    rested = np.array(bench.rig.state()["joints"])
    assert np.abs(rested - killed).max() < 0.05, "it went on by more than what was under way"
    with bench.arm() as arm:  # and another driver takes over
        assert arm.fault is None
