"""The words of a report: what a run, an environment and a share are called."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ibc_gym.evaluation.results import Evaluation
from ibc_gym.report.charts import SERIES
from ibc_gym.report.curves import Run
from ibc_gym.words import count

Entry = tuple[int, Run, Evaluation]
"""Colour of the run, the run, and one of its evaluations."""


def entries(runs: Sequence[Run]) -> list[Entry]:
    """Every evaluation of every run."""
    return [(k, run, found) for k, run in enumerate(runs) for found in run.evaluations]


def environment(found: Evaluation) -> str:
    """What was evaluated in, in words: two evaluations with the same words can be compared."""
    summary = found.summary
    options = summary["config"]["options"]
    words = [f"{key.replace('_', ' ')} {value}" for key, value in sorted(options.items())]
    implied = summary["workcell"] in (None, summary["task"]) or summary["task"].startswith("gym:")
    where = "" if implied else f" on {summary['workcell']}"
    if summary.get("horizon") and "horizon" not in options:
        words.append(count(summary["horizon"], "step"))
    return f"{summary['task']}{where}" + (f" ({', '.join(words)})" if words else "")


def percent(share: float) -> str:
    """A share as per cent, with a decimal only where it says something."""
    return f"{100 * share:.1f}".removesuffix(".0")


def name(series: int, run: Run, found: Evaluation) -> str:
    """A policy's name beside its colour."""
    policy = found.summary["policy"]
    frame = found.summary.get("frame")
    notes = ([policy] if policy != run.label else []) + ([f"frame {frame}"] if frame else [])
    aside = f'<small class="aside">{escape(", ".join(notes))}</small>' if notes else ""
    return f"{swatch(series)}{escape(run.label)}{aside}"


def swatch(series: int) -> str:
    """A dot in the colour of a run."""
    return f'<span class="swatch series-{series % SERIES}"></span>'
