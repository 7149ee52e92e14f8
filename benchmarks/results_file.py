"""What benchmarks share that keep what they have measured: one row a measurement, in a file and in folders of runs."""

from __future__ import annotations

import hashlib
import json
import shlex
import sys
from pathlib import Path
from typing import Any, Final

from ibc_gym.atomic import write_whole
from ibc_gym.data.metadata import installed_versions
from ibc_gym.policies.presets.record import TrainingHints

RESULTS = Path(__file__).parent / "results"
"""Where results are kept with the code."""
_ADDED_LATER: Final = {"weight_decay": 0.0, "validation_windows": 512}
"""Hints that presets did not have when the first runs were named, and what they are where nothing is said."""


def digest(*facts: object) -> str:
    """Eight letters that change with any of some facts, which are plain JSON; for the names of folders."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:8]


def hints(training: TrainingHints) -> dict[str, Any]:
    """How a preset trains, for the names of its runs: a setting that was added later, and is usual, changes none of them."""
    return {
        name: value
        for name, value in vars(training).items()
        if name not in _ADDED_LATER or value != _ADDED_LATER[name]
    }


def command(module: str) -> str:
    """How this process was begun: `python -m benchmarks.quality push --out ...`."""
    return shlex.join(["python", "-m", f"benchmarks.{module}", *sys.argv[1:]])


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a file; none if it is not there."""
    rows: list[dict[str, Any]] = json.loads(path.read_text()) if path.exists() else []
    return rows


def read_row(name: str, path: Path) -> dict[str, Any] | None:
    """The row of that name; None if it is not there."""
    return next((row for row in read_rows(path) if row["row"] == name), None)


def add_row(row: dict[str, Any], path: Path) -> None:
    """Put a row into a file; one of the same name is replaced, the others stay."""
    rows = [other for other in read_rows(path) if other["row"] != row["row"]]
    rows.append({"versions": installed_versions(), **row})
    _write(sorted(rows, key=lambda one: str(one["row"])), path)


def write_result(result: dict[str, Any], path: Path) -> None:
    """Write a file of one measurement."""
    _write({"versions": installed_versions(), **result}, path)


def _write(content: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(content, indent=1) + "\n")
