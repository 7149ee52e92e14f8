"""The sections of a report about what was found, each as HTML."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ibc_gym.evaluation.films import FOLDER, film_path
from ibc_gym.evaluation.results import Evaluation
from ibc_gym.report.charts import Series, interval_bar, line_chart
from ibc_gym.report.curves import Run
from ibc_gym.report.paired import paired_section
from ibc_gym.report.runs import eval_command
from ibc_gym.report.words import Entry, entries, environment, name, percent, swatch
from ibc_gym.rollout import Episode
from ibc_gym.words import count

_STRIPS = 4
"""Film strips of failures shown per evaluation."""

_BORING = ("step", "interventions")
"""Numbers in an episode's last info that say nothing about why it failed."""


def success_section(runs: Sequence[Run]) -> str:
    """Tables of success with intervals, one for every environment, and the paired comparisons."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries(runs):
        groups.setdefault(environment(entry[2]), []).append(entry)
    if not groups:
        return "<h2>Success</h2><p>No policy has been evaluated yet: <code>ibc-gym eval RUN</code>.</p>"
    tables = "".join(_success_table(title, group) for title, group in groups.items())
    return f"<h2>Success</h2>{tables}{paired_section(groups)}"


def failures_section(runs: Sequence[Run]) -> str:
    """Film strips of failed episodes, and how to make them where there are none."""
    parts, note = [], ""
    for series, run, found in entries(runs):
        strips = [_strip(found, episode) for episode in found.episodes if not episode.success]
        strips = [strip for strip in strips if strip][:_STRIPS]
        if strips:
            note = "<p>Time runs from left to right; the last still is the end of the episode.</p>"
            parts.append(f"<h3>{name(series, run, found)}</h3>{''.join(strips)}")
        elif failures := sum(not episode.success for episode in found.episodes):
            command = f"{eval_command(found)} --films {min(failures, _STRIPS)}"
            parts.append(
                f"<h3>{name(series, run, found)}</h3><p>{failures} of {count(len(found.episodes), 'episode')} failed, and "
                f"none of them was filmed. This films them: <code>{escape(command)}</code></p>"
            )
    if not parts:
        return ""
    return f"<h2>Failures</h2>{note}{''.join(parts)}"


def learning_section(runs: Sequence[Run]) -> str:
    """Learning curves of every run that was trained."""
    trained = [(k, run) for k, run in enumerate(runs) if run.metrics]
    if not trained:
        return ""
    errors = [
        Series(
            label=run.label,
            curve=run.curves("validation").get("action_error", []),
            series=k,
            marked=run.best_step,
        )
        for k, run in trained
    ]
    parts = [
        "<h2>Learning</h2><p>The checkpoint is chosen by the held-out action error, in normalised action units; "
        "a ring marks it.</p>",
        f'<ul class="key">{"".join(f"<li>{swatch(k)}{escape(run.label)}</li>" for k, run in trained)}</ul>',
        f'<div class="wide">{line_chart("Held-out action error", errors)}</div>',
    ]
    parts += [_loss_charts(k, run) for k, run in trained]
    return "".join(parts)


def headline(runs: Sequence[Run]) -> str:
    """One sentence for each evaluation that comes first in its run."""
    sentences = []
    for series, run in enumerate(runs):
        for found in run.evaluations[:1]:
            s = found.summary
            sentences.append(f"{swatch(series)}<b>{escape(run.label)}</b> {_in_words(s)}")
    return f'<p class="lead">{"<br>".join(sentences)}</p>' if sentences else ""


def _in_words(summary: Mapping[str, Any]) -> str:
    score = summary["score"]
    if score["name"] == "success":
        low, high = (percent(share) for share in summary["ci95"])
        return f"solved {summary['successes']} of {summary['episodes']} ({low} to {high} %)"
    normalised = f", normalised {score['normalised']:.1f}" if "normalised" in score else ""
    low, high = score["ci95"]
    what = "mean return" if score["name"] == "return" else "mean best reward"
    return f"{what} {score['mean']:.4g} ({low:.4g} to {high:.4g}){normalised}"


def _success_table(title: str, group: Sequence[Entry]) -> str:
    scored = any(found.summary["score"]["name"] != "success" for _, _, found in group)
    rows = "".join(_success_row(*entry, scored) for entry in group)
    score = "<th>score</th>" if scored else ""
    return (
        f'<div class="scroll"><table><caption>{escape(title)}</caption><thead><tr><th>policy</th><th>solved</th>'
        f'<th>success</th><th class="plot">95 % interval, 0 to 100 %</th>{score}<th>return</th><th>steps</th>'
        f"<th>action at batch 1<br>median, p95 [ms]</th><th>seeds</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _success_row(series: int, run: Run, found: Evaluation, scored: bool) -> str:
    s = found.summary
    (low, high), rate, latency = s["ci95"], s["success_rate"], s["action_ms"]
    score = f"<td>{_score(s['score'])}</td>" if scored else ""
    milliseconds = f"{latency['median']:.2f}, {latency['p95']:.2f}" if latency else "–"
    returns = f"<br><small>{s['return_ci95'][0]:.4g} to {s['return_ci95'][1]:.4g}</small>"
    return (
        f"<tr><td>{name(series, run, found)}</td><td>{s['successes']} of {s['episodes']}</td>"
        f"<td><strong>{percent(rate)} %</strong><br><small>{percent(low)} to {percent(high)} %</small></td>"
        f'<td class="plot">{interval_bar(low, rate, high, (0.0, 1.0), series)}</td>{score}'
        f"<td>{s['return_mean']:.4g}{returns}</td><td>{s['length_mean']:.3g}</td><td>{milliseconds}</td>"
        f"<td>{s['seeds'][0]}<br>to {s['seeds'][-1]}</td></tr>"
    )


def _score(score: Mapping[str, Any]) -> str:
    normalised = f", {score['normalised']:.1f} normalised" if "normalised" in score else ""
    low, high = score["ci95"]
    return (
        f"<strong>{score['mean']:.4g}</strong><br>"
        f"<small>{escape(score['name'].replace('_', ' '))}{normalised}<br>{low:.4g} to {high:.4g}</small>"
    )


def _strip(found: Evaluation, episode: Episode) -> str:
    path = film_path(found.folder / FOLDER, episode).with_suffix(".jpg")
    if not path.is_file():
        return ""
    data = b64encode(path.read_bytes()).decode()
    said = [
        f"{key.replace('_', ' ')} {value:.3g}"
        for key, value in episode.metrics.items()
        if key not in _BORING
    ]
    caption = f"Seed {episode.seed}, {count(episode.length, 'step')}; at the end: {', '.join(said) or '–'}"
    return (
        f'<figure><figcaption>{escape(caption)}</figcaption><div class="strip">'
        f'<img alt="{escape(caption)}" src="data:image/jpeg;base64,{data}"></div></figure>'
    )


def _loss_charts(series: int, run: Run) -> str:
    training, held_out = run.curves("train"), run.curves("validation")
    charts = [
        line_chart(
            quantity.replace("_", " "),
            [
                Series(label=run.label, curve=curves[quantity], series=series, dashed=dashed)
                for curves, dashed in ((training, False), (held_out, True))
                if quantity in curves
            ],
        )
        for quantity in dict.fromkeys([*training, *held_out])
        if quantity != "action_error"
    ]
    return (
        f"<details open><summary>{swatch(series)}{escape(run.label)}: loss, its parts and diagnostics (held-out dashed)</summary>"
        f'<div class="charts">{"".join(charts)}</div></details>'
    )
