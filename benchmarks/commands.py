"""Our own command line, as benchmarks call it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def run(words: Sequence[str]) -> str:
    """Run one command of ours on one thread; its standard output."""
    return subprocess.run(
        [sys.executable, "-m", "ibc_gym", *words],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


def spoken(words: Sequence[str], runs: Path) -> str:
    """The command without this machine's paths."""
    return "ibc-gym " + shlex.join(words).replace(str(runs), "RUNS")
