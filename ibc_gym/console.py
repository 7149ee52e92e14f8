"""What the command line says: to people as tables and sentences, to programs as one JSON object."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

OnProgress = Callable[[int, int, str], None]
"""Told how many are done, of how many, and a few words on how it goes."""


@dataclass(kw_only=True)
class Terminal:
    """Where a command speaks; with `machine` all but one JSON object goes to standard error."""

    machine: bool = False
    """Whether `--json` was given."""
    kept: str = "Nothing was written."
    """What an interruption leaves behind, in a sentence."""
    console: Console = field(init=False)

    def __post_init__(self) -> None:
        self.console = Console(stderr=self.machine, highlight=False, soft_wrap=True)

    def say(self, sentence: str) -> None:
        """A line of plain text; brackets are no markup."""
        self.console.print(Text(sentence))

    def writes(self, what: str, path: str | Path) -> None:
        """Announce, before anything is done, what will be written and where."""
        self.say(f"Writes {what} to {path}")

    def repeat(self, command: str) -> None:
        """The last word of a command: how to do this again."""
        self.console.print(Text("Repeat with: ", style="dim") + Text(command))

    def result(self, answer: Mapping[str, Any], *tables: RenderableType) -> None:
        """The answer: as tables, or as one JSON object on standard output."""
        if self.machine:
            print(json.dumps(answer, default=_plain))
            sys.stdout.flush()
            return
        for table in tables:
            self.console.print(table, soft_wrap=False)

    @contextmanager
    def progress(self, label: str) -> Iterator[OnProgress]:
        """A live bar; in a pipe a line at every tenth of the way."""
        if not self.console.is_terminal:
            yield _Milestones(label, self.say)
            return
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[words]}", style="dim"),
            console=self.console,
        ) as bar:
            row = bar.add_task(label, total=None, words="")

            def advance(done: int, total: int, words: str) -> None:
                bar.update(row, completed=done, total=total, words=words)

            yield advance


class _Milestones:
    """Progress for a pipe: one line at every tenth of the way."""

    def __init__(self, label: str, say: Callable[[str], None]) -> None:
        self._label = label
        self._say = say
        self._next = 0.1

    def __call__(self, done: int, total: int, words: str) -> None:
        if total and done / total >= self._next - 1e-9:
            self._next = (10 * done // total + 1) / 10
            self._say(f"{self._label}: {done} of {total} {words}".rstrip())


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    """A plain table that stays legible at 80 columns: the last column takes the width that is left."""
    made = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for index, column in enumerate(columns):
        last = index == len(columns) - 1
        made.add_column(column, header_style="dim", overflow="fold", no_wrap=not last)
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row))
    return made


def _plain(value: Any) -> Any:
    """NumPy scalars and arrays, and paths, as JSON has them."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")
