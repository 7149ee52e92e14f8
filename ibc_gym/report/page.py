"""One self-contained HTML page about one or more runs: success, learning, failures, energy landscapes."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from ibc_gym.errors import ConfigError, IbcGymError
from ibc_gym.evaluation.landscape import Landscape, check_moments, landscapes
from ibc_gym.evaluation.results import SCRIPTED, EvalConfig, Evaluation
from ibc_gym.evaluation.stage import Stage, resolve
from ibc_gym.paths import writable_folder
from ibc_gym.report.curves import Run, read_runs
from ibc_gym.report.doubts import doubts_section
from ibc_gym.report.landscapes import landscape_figure
from ibc_gym.report.runs import runs_section
from ibc_gym.report.sections import (
    failures_section,
    headline,
    learning_section,
    success_section,
)
from ibc_gym.report.style import document, write_page
from ibc_gym.report.words import environment, name
from ibc_gym.serialise import from_json

_KEY = """<ul class="key">
<li><svg viewBox="0 0 14 14"><circle class="chosen" cx="7" cy="7" r="5"/></svg>what the policy does</li>
<li><svg viewBox="0 0 14 14"><path class="oracle" d="M1,7H13M7,1V13"/></svg>what the demonstrator would do</li>
<li><svg class="dark" viewBox="0 0 14 14"><circle class="candidate" cx="4" cy="8" r="1.6"/><circle class="candidate" cx="9" cy="5" r="1.6"/><circle class="candidate" cx="10" cy="10" r="1.6"/></svg>candidates it chose from</li>
<li>colour: energy by rank, dark is low; lines enclose 2, 6, 15, 30, 50 and 75 % of the slice</li>
</ul>"""


def report(
    runs: Sequence[str | Path],
    out: str | Path,
    *,
    landscape_seed: int | None = None,
    landscape_steps: Sequence[int] = (),
) -> Path:
    """Write one page about the runs, complete in itself.

    Args:
        runs: Folders of runs, trained, evaluated or both.
        out: The page, ending in ".html"; replaced if it exists.
        landscape_seed: Episode whose energies are drawn; by default the first that was solved.
        landscape_steps: Its steps at which they are drawn, from 0; by default four along the way.

    Raises:
        ConfigError: A run is missing or empty, it has no such episode or step, or the page cannot be written.
    """
    found = ready(runs, out)
    page = render(found, landscape_seed=landscape_seed, landscape_steps=landscape_steps)
    return write_page(Path(out), page)


def ready(runs: Sequence[str | Path], out: str | Path) -> list[Run]:
    """Read the runs and, once they are found to be there, make the page's folder.

    Raises:
        ConfigError: A run is missing or empty, or the page cannot be written.
    """
    out = Path(out)
    if out.suffix != ".html":
        raise ConfigError(f"A report is one HTML page; {out} does not end in .html.")
    found = read_runs(runs)
    writable_folder(out.parent)
    return found


def render(
    runs: Sequence[Run],
    *,
    landscape_seed: int | None = None,
    landscape_steps: Sequence[int] = (),
) -> str:
    """The page's text; see `report`."""
    title = _title(runs)
    body = "".join(
        [
            f"<h1>{escape(title)}</h1>",
            headline(runs),
            success_section(runs),
            _landscape_section(runs, landscape_seed, landscape_steps),
            doubts_section(runs),
            failures_section(runs),
            learning_section(runs),
            runs_section(runs),
            "<footer>Intervals cover 95 %: Wilson’s for success, percentile bootstrap for means. "
            "Made by <code>ibc-gym report</code>; the page needs no network.</footer>",
        ]
    )
    return document(title, body)


def _title(runs: Sequence[Run]) -> str:
    seen = dict.fromkeys(environment(found) for run in runs for found in run.evaluations)
    seen = seen or dict.fromkeys(
        str(run.checkpoint["spec"]["task"]) for run in runs if run.checkpoint
    )
    labels = ", ".join(run.label for run in runs)
    return f"{labels}: {' · '.join(seen)}" if seen else labels


def _landscape_section(runs: Sequence[Run], seed: int | None, steps: Sequence[int]) -> str:
    parts = []
    for series, run in enumerate(runs):
        for found in run.evaluations[-1:]:
            figure = _landscape_figure(found, seed, steps)
            if figure:
                parts.append(f"<h3>{name(series, run, found)}</h3>{figure}")
    if not parts:
        return ""
    return (
        "<h2>Energy landscapes</h2><p>What the policy thinks of every action, over the first two dimensions of "
        f"the action, along one episode.</p>{_KEY}{''.join(parts)}"
    )


def _landscape_figure(found: Evaluation, seed: int | None, steps: Sequence[int]) -> str:
    """Landscapes along one episode; a sentence where they cannot be drawn, nothing without energies."""
    if found.summary["policy"] in SCRIPTED:
        return ""
    success = found.successes()
    if seed is None:
        seed = next((seed for seed, solved in success.items() if solved), next(iter(success)))
    check_moments(found, seed, steps)
    try:
        drawn, period, labels = _look_into(found, seed, steps)
    except IbcGymError as error:
        return f'<p class="soft">The energies cannot be drawn: {escape(str(error))}</p>'
    if not drawn:
        return ""
    outcome = "solved" if success[seed] else "failed"
    figure = landscape_figure(drawn, period, labels)
    return f'<p class="soft">Seed {seed}, {outcome}.</p>{figure}'


def _look_into(
    found: Evaluation, seed: int, steps: Sequence[int]
) -> tuple[list[Landscape], float | None, Sequence[str]]:
    """Landscapes, the length of a step [s], and what the action's dimensions are called, where that is known."""
    stage: Stage = resolve(from_json(EvalConfig, found.summary["config"]))
    envs = stage.make_envs(1)
    try:
        task = stage.task(envs)
        period = getattr(task, "control_period", None)
        labels = getattr(task, "action_names", ())
    finally:
        envs.close()
    return landscapes(found, stage, seed, steps), period, labels
