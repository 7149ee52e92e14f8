"""What pages share that are made from benchmarks/results/: reading them, and tables in Markdown."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
RESULTS = DOCS.parent / "benchmarks" / "results"

MISSING = "not measured yet"


def results(name: str) -> Any:
    """A file of results by its stem; None where nothing has been measured yet."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def from_file(name: str, tell: Callable[[Any], str]) -> str:
    """What is told of a file of results, or that there is none."""
    found = results(name)
    return "Not measured yet." if found is None else tell(found)


def made_by(command: str) -> str:
    """The command that made a table."""
    return f"Made by `{command}`."


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown."""
    first = tuple(heads)
    lines = [first, tuple("---" for _ in first), *(tuple(row) for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def percent(rate: float) -> str:
    """A share as people say it: 97.3 %."""
    return f"{100 * rate:.1f} %"


def interval(edges: Iterable[float]) -> str:
    """An interval of shares: (95.1 to 98.5)."""
    low, high = (100 * edge for edge in edges)
    return f"({low:.1f} to {high:.1f})"
