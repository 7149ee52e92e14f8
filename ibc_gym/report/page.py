"""One self-contained HTML page about one or more runs: success, learning, failures, energy landscapes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from html import escape
from pathlib import Path

from ibc_gym.errors import ConfigError, IbcGymError
from ibc_gym.evaluation.landscape import Landscape, landscapes
from ibc_gym.evaluation.results import SCRIPTED, EvalConfig, Evaluation
from ibc_gym.evaluation.stage import Stage, resolve
from ibc_gym.paths import writable_folder
from ibc_gym.report.curves import Run, read_runs
from ibc_gym.report.landscapes import landscape_figure
from ibc_gym.report.runs import runs_section
from ibc_gym.report.sections import (
    failures_section,
    headline,
    learning_section,
    success_section,
)
from ibc_gym.report.style import STYLE
from ibc_gym.report.words import environment, name
from ibc_gym.serialise import from_json

_KEY = """<ul class="key">
<li><svg viewBox="0 0 14 14"><circle class="chosen" cx="7" cy="7" r="5"/></svg>what the policy does</li>
<li><svg viewBox="0 0 14 14"><path class="oracle" d="M1,7H13M7,1V13"/></svg>what the demonstrator would do</li>
<li><svg class="dark" viewBox="0 0 14 14"><circle class="candidate" cx="4" cy="8" r="1.6"/><circle class="candidate" cx="9" cy="5" r="1.6"/><circle class="candidate" cx="10" cy="10" r="1.6"/></svg>candidates it chose from</li>
<li>colour: energy by rank, dark is low; lines enclose 2, 6, 15, 30, 50 and 75 % of the slice</li>
</ul>"""


def report(runs: Sequence[str | Path], out: str | Path) -> Path:
    """Write one page about the runs, complete in itself.

    Args:
        runs: Folders of runs, trained, evaluated or both.
        out: The page, ending in ".html"; replaced if it exists.

    Raises:
        ConfigError: A run is missing or empty, or the page cannot be written.
    """
    out = Path(out)
    if out.suffix != ".html":
        raise ConfigError(f"A report is one HTML page; {out} does not end in .html.")
    writable_folder(out.parent)
    page = render(read_runs(runs))
    passing = out.with_name(f".{out.name}-{os.getpid()}")
    passing.write_text(page, encoding="utf-8")
    return passing.replace(out)


def render(runs: Sequence[Run]) -> str:
    """The page's text."""
    title = _title(runs)
    body = "".join(
        [
            f"<h1>{escape(title)}</h1>",
            headline(runs),
            success_section(runs),
            _landscape_section(runs),
            failures_section(runs),
            learning_section(runs),
            runs_section(runs),
            "<footer>Intervals cover 95 %: Wilson’s for success, percentile bootstrap for means. "
            "Made by <code>ibc-gym report</code>; the page needs no network.</footer>",
        ]
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>\n"
    )


def _title(runs: Sequence[Run]) -> str:
    seen = dict.fromkeys(environment(found) for run in runs for found in run.evaluations)
    seen = seen or dict.fromkeys(
        str(run.checkpoint["spec"]["task"]) for run in runs if run.checkpoint
    )
    labels = ", ".join(run.label for run in runs)
    return f"{labels}: {' · '.join(seen)}" if seen else labels


def _landscape_section(runs: Sequence[Run]) -> str:
    parts = []
    for series, run in enumerate(runs):
        for found in run.evaluations[-1:]:
            figure = _landscape_figure(found)
            if figure:
                parts.append(f"<h3>{name(series, run, found)}</h3>{figure}")
    if not parts:
        return ""
    return (
        "<h2>Energy landscapes</h2><p>What the policy thinks of every action, over the first two dimensions of "
        f"the action, along one episode.</p>{_KEY}{''.join(parts)}"
    )


def _landscape_figure(found: Evaluation) -> str:
    """Landscapes along the first solved episode; a sentence where they cannot be drawn, nothing without energies."""
    if found.summary["policy"] in SCRIPTED:
        return ""
    solved = [episode.seed for episode in found.episodes if episode.success]
    seed = (solved or [found.episodes[0].seed])[0]
    try:
        drawn, period = _look_into(found, seed)
    except IbcGymError as error:
        return f'<p class="soft">The energies cannot be drawn: {escape(str(error))}</p>'
    if not drawn:
        return ""
    outcome = "solved" if solved else "failed"
    figure = landscape_figure(drawn, period)
    return f'<p class="soft">Seed {seed}, {outcome}.</p>{figure}'


def _look_into(found: Evaluation, seed: int) -> tuple[list[Landscape], float | None]:
    stage: Stage = resolve(from_json(EvalConfig, found.summary["config"]))
    envs = stage.make_envs(1)
    try:
        period = getattr(stage.task(envs), "control_period", None)
    finally:
        envs.close()
    return landscapes(found, stage, seed), period
