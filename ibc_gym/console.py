"""What the command line says: to people as tables and sentences, to programs as one JSON object."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from ibc_gym.serialise import json_line

OnProgress = Callable[[float, str], None]
"""Told the share that is done, in [0, 1], and in a few words how it goes."""


@dataclass(kw_only=True)
class Terminal:
    """Where a command speaks; with `machine` all but one JSON object goes to standard error.

    That object is {"error": "..."} where there is no answer.
    """

    machine: bool = False
    """Whether `--json` was given."""
    kept: str = "Nothing was written."
    """What an interruption leaves behind, in a sentence."""
    again: str | None = None
    """The command that does the same again, where the one that was typed would not."""
    console: Console = field(init=False)
    _answered: bool = field(default=False, init=False)

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
        self.console.print(Text("Repeat with: ", style="dim") + Text(self.again or command))

    def result(self, answer: Mapping[str, Any], *tables: RenderableType) -> None:
        """The answer: as tables, or as one JSON object on standard output, null where a number is none."""
        if self.machine:
            self._answered = True
            print(json_line(answer), end="", flush=True)
            return
        for table in tables:
            self.console.print(table, soft_wrap=False)

    def failed(self, sentence: str) -> None:
        """What went wrong: to people on standard error, to programs also as the one JSON object."""
        print(sentence, file=sys.stderr)
        if self.machine and not self._answered:
            self.result({"error": sentence.strip().removeprefix("ibc-gym: ")})

    @contextmanager
    def progress(self, *labels: str) -> Iterator[tuple[OnProgress, ...]]:
        """A live bar for every label; in a pipe, a line at every tenth of the way."""
        if not self.console.is_terminal:
            yield tuple(_Milestones(label, self.say) for label in labels)
            return
        with _Bars(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=self.console,
            refresh_per_second=4,
        ) as bars:
            width = max(map(len, labels))
            yield tuple(bars.row(f"{label:<{width}}") for label in labels)


class _Bars(Progress):
    """Live bars, each with a dim line of words below it."""

    def row(self, label: str) -> OnProgress:
        """A new bar; gives what moves it."""
        task = self.add_task(label, total=1.0, words="")

        def move(share: float, words: str) -> None:
            self.update(task, completed=share, words=words)

        return move

    def get_renderables(self) -> Iterable[RenderableType]:
        """One table for all bars would leave no room for words; so one each, and the words between."""
        for task in self.tasks:
            yield self.make_tasks_table([task])
            if task.fields["words"]:
                yield Text(f"  {task.fields['words']}", style="dim", overflow="fold")


class _Milestones:
    """Progress for a pipe: one line at every tenth of the way."""

    def __init__(self, label: str, say: Callable[[str], None]) -> None:
        self._label = label
        self._say = say
        self._tenths = 0

    def __call__(self, share: float, words: str) -> None:
        tenths = int(10 * share + 1e-9)
        if tenths > self._tenths:
            self._tenths = tenths
            self._say(f"{self._label}: {tenths * 10} %, {words}".rstrip(", "))


def table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], *, fold: int = -1
) -> Table:
    """A plain table that stays legible at 80 columns: the column `fold` takes the width that is left."""
    made = Table(
        title=Text(title), title_justify="left", title_style="bold", box=None, pad_edge=False
    )
    for index, column in enumerate(columns):
        folded = index == fold % len(columns)
        made.add_column(Text(column), header_style="dim", overflow="fold", no_wrap=not folded)
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row))
    return made
