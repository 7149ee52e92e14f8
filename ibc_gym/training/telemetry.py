"""Shows and keeps how training goes: JSON lines, TensorBoard files, a live display."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ibc_gym.atomic import write_whole
from ibc_gym.closing import Closing
from ibc_gym.errors import ConfigError
from ibc_gym.serialise import json_line
from ibc_gym.training.records import TrainingProgress

METRICS = "metrics.jsonl"
TENSORBOARD = "tensorboard"


class MetricsFile(Closing):
    """Every report as one line of JSON."""

    def __init__(self, path: Path, *, after: int = 0) -> None:
        """Open the file; lines of steps beyond `after`, which a killed run left, are dropped.

        Args:
            path: The file; made anew if `after` is 0.
            after: Updates done before.
        """
        kept = [line for line in read_metrics(path) if line["step"] <= after]
        while kept and kept[-1]["step"] == after and kept[-1].get("rolled_back_to") is not None:
            kept.pop()  # it came after the checkpoint, and will come again
        write_whole(path, "".join(json_line(line) for line in kept))
        self._file = path.open("a")

    def __call__(self, progress: TrainingProgress) -> None:
        """Write a report, at once."""
        self._file.write(json_line(dataclasses.asdict(progress)))
        self._file.flush()

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._file.close()


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The reports of a run, in order; a last line that a killed process left unfinished is skipped.

    One that is whole but for its line break counts.

    Raises:
        ConfigError: Another line is no report.
    """
    if not path.exists():
        return []
    *whole, rest = path.read_text(errors="replace").split("\n")
    found = [_report(line) for line in whole]
    if (last := _report(rest)) is not None:
        found.append(last)
    if found and found[-1] is None:
        found.pop()
    if None in found:
        raise ConfigError(
            f"Line {found.index(None) + 1} of {path} is damaged: it is no report in JSON. "
            "Remove that line to go on without it."
        )
    return [line for line in found if line is not None]


def last_loss(path: Path) -> float | None:
    """The mean training loss that a run's reports tell last; None if none does."""
    told = [line.get("train", {}).get("loss") for line in read_metrics(path)]
    return next((loss for loss in reversed(told) if loss is not None), None)


def _report(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and "step" in found else None


class TensorBoardFiles(Closing):
    """The same numbers as TensorBoard event files."""

    def __init__(self, folder: Path, *, after: int = 0) -> None:
        """Open an event file in a folder; steps beyond `after` are hidden from the viewer."""
        from torch.utils.tensorboard import SummaryWriter  # over a second to import

        writer: Any = SummaryWriter(str(folder), purge_step=after + 1 if after else None)
        self._writer = writer

    def __call__(self, progress: TrainingProgress) -> None:
        """Hand a report to the writer."""
        for name, value in flat(progress).items():
            self._writer.add_scalar(name, value, progress.step)
        if progress.note:
            self._writer.add_text("note", progress.note, progress.step)

    def close(self) -> None:
        """Write out and close; may be called twice."""
        self._writer.close()


def flat(progress: TrainingProgress) -> dict[str, float]:
    """The numbers of a report by names such as "train/loss" and "validation/action_error"."""
    return {
        **{f"train/{name}": value for name, value in progress.train.items()},
        **{f"validation/{name}": value for name, value in progress.validation.items()},
        "run/learning_rate": progress.learning_rate,
        "run/steps_per_second": progress.steps_per_second,
        "run/rollbacks": float(progress.rollbacks),
    }


class ConsoleDisplay(Closing):
    """A live table on a terminal; elsewhere a plain line now and then."""

    def __init__(
        self,
        console: Console | None = None,
        *,
        interval: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Show on a console.

        Args:
            console: Where; standard error if None.
            interval: Least time between plain lines [s]; validated steps and notes are always shown.
            clock: Wall time [s].
        """
        self._console = console or Console(stderr=True)
        self._interval = interval
        self._clock = clock
        self._next = -float("inf")
        self._validation: Mapping[str, float] = {}
        self._live: Live | None = None
        if self._console.is_terminal:
            self._live = Live(console=self._console, refresh_per_second=4)
            self._live.start()

    def __call__(self, progress: TrainingProgress) -> None:
        """Show a report."""
        self._validation = progress.validation or self._validation
        if self._live:
            if progress.rolled_back_to is not None:
                self._live.console.print(progress.note, highlight=False, soft_wrap=True)
            self._live.update(self._picture(progress))
        elif progress.validation or progress.note or self._clock() >= self._next:
            self._next = self._clock() + self._interval
            self._console.print(plain_line(progress), highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Leave the last picture standing; may be called twice."""
        if self._live:
            self._live.stop()
            self._live = None

    def _picture(self, progress: TrainingProgress) -> Group:
        head = Table.grid(padding=(0, 2))
        head.add_row(
            ProgressBar(total=1.0, completed=progress.share, width=30),
            f"step {progress.step:,}",
            f"{progress.steps_per_second:.1f} steps/s",
            f"{duration(progress.seconds_left)} left",
        )
        numbers = Table.grid(padding=(0, 2))
        rows = {
            **progress.train,
            "learning rate": progress.learning_rate,
            **{f"held-out {name}": value for name, value in self._validation.items()},
        }
        for name, value in rows.items():
            numbers.add_row(Text(name.replace("_", " "), style="dim"), f"{value:.4g}")
        return Group(head, numbers, Text(_best(progress)))


def plain_line(progress: TrainingProgress) -> str:
    """A report in one short line, and what is to be said beside it in one of its own; the file of metrics has all."""
    error = progress.validation.get("action_error")
    loss = progress.train.get("loss")
    parts = [
        f"{progress.share:4.0%} step {progress.step:,}",
        f"{duration(progress.seconds_left)} left",
    ]
    parts += [f"loss {loss:.3g}"] if loss is not None else []
    if error is not None:
        chosen = ", chosen" if progress.best_step == progress.step else ""
        parts.append(f"held-out error {error:.3g}{chosen}")
    line = " | ".join(parts)
    return f"{line}\n{progress.note}" if progress.note else line


def duration(seconds: float) -> str:
    """A time span as a person says it: "45 s", "3 min 20 s", "2 h 5 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _best(progress: TrainingProgress) -> str:
    if progress.best_action_error is None:
        return progress.note
    best = (
        f"best held-out action error {progress.best_action_error:.4g} at step {progress.best_step}"
    )
    return f"{best}. {progress.note}" if progress.note else best
