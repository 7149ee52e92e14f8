"""The page of a comparison: figures, gaps over time, and pictures of the two simulators side by side."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from ibc_gym.comparison.compare import ORACLE, CompareConfig, Comparison
from ibc_gym.comparison.journeys import Gap, Journey
from ibc_gym.paths import writable_folder
from ibc_gym.records import Float64, UInt8
from ibc_gym.report.charts import Series, interval_bar, line_chart
from ibc_gym.report.style import document, write_page
from ibc_gym.report.words import percent, swatch
from ibc_gym.words import count

COLUMNS: Final = 5
"""Instants of an episode that are drawn."""
QUANTILES: Final = ((0.5, "median"), (0.9, "90 % of episodes"), (1.0, "largest"))


def write_comparison(found: Comparison, out: str | Path) -> Path:
    """Write the page, complete in itself.

    Args:
        found: What `compare` gave.
        out: The page; replaced if it exists.

    Raises:
        ConfigError: The page cannot be written.
    """
    out = Path(out)
    writable_folder(out.parent)
    return write_page(out, render(found))


def render(found: Comparison) -> str:
    """The page's text; see `write_comparison`."""
    one, other = found.config.workcells
    title = f"{found.config.task}: {one} and {other}"
    body = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="lead">{_headline(found)}</p>',
        _faults(found),
        _success(found),
        _gaps(found),
        _contact(found),
        _time(found),
        *(_pictures(found, *example) for example in found.shown),
        "<footer>Gaps are distances between the two at one instant after the same commands. Intervals "
        f"cover 95 %. Made by <code>ibc-gym {found.config.command}</code>; the page needs no network.</footer>",
    ]
    return document(title, "".join(body))


def _headline(found: Comparison) -> str:
    same = found.summary["same_commands"]
    tip, things = same["tip_gap_before_contact_mm"], same["thing_gap_at_the_end_mm"]
    fared = [_fared(found, policy) for policy in found.summary["trials"]]
    return (
        f"{' '.join(fared)} Given the same commands, the tips are {tip['median']:.2g} mm apart before "
        f"anything is touched, and the things {things['median']:.3g} mm at the end (medians of "
        f"{count(len(found.gaps), 'episode')})."
    )


def _fared(found: Comparison, policy: str) -> str:
    """How often a policy succeeds in the one and in the other, in a sentence."""
    one, other = map(escape, found.config.workcells)
    who = "demonstrator" if policy == ORACLE else f"policy {escape(Path(policy).name)}"
    trial = found.summary["trials"][policy]
    low, high = trial["difference_ci95"]
    return (
        f"The {who} succeeds in {percent(trial['first']['success_rate'])} % of the episodes in {one} and in "
        f"{percent(trial['second']['success_rate'])} % in {other}, {trial['difference_points']:+.1f} points "
        f"({low:+.1f} to {high:+.1f})."
    )


def _faults(found: Comparison) -> str:
    """What cut episodes off, and whether anything was left out for that; nothing where nothing was."""
    said = told_of_faults(found.config, found.summary)
    if not said:
        return ""
    listed = "".join(f"<li>{escape(one)}</li>" for one in said)
    return (
        "<h2>Faults</h2><p>A trial that a fault of the arm or a camera cuts off counts as a failure; an episode of the same "
        f"commands is left out.</p><ul>{listed}</ul>"
    )


def told_of_faults(config: CompareConfig, summary: Mapping[str, Any]) -> list[str]:
    """Every fault in a sentence, and last what was not run for them; empty where nothing went wrong."""
    said = [f"The same commands: {one}" for one in summary["same_commands"]["fault_messages"]]
    for policy, trial in summary["trials"].items():
        for workcell, side in zip(config.workcells, ("first", "second"), strict=True):
            where = f"{Path(policy).name} in {workcell}"
            said += [f"{where}: {one}" for one in trial[side]["fault_messages"]]
    if summary["cut_off"] is not None:
        said.append(f"Not everything was run: {summary['cut_off']}")
    return said


def _success(found: Comparison) -> str:
    rows = []
    for series, (policy, trial) in enumerate(found.summary["trials"].items()):
        for workcell, side in zip(found.config.workcells, ("first", "second"), strict=True):
            rows.append(_success_row(policy, workcell, trial[side], series))
        low, high = trial["difference_ci95"]
        rows.append(
            f"<tr><td>difference</td><td></td><td></td><td></td><td><strong>{trial['difference_points']:+.1f} points</strong>"
            f"<br><small>{low:+.1f} to {high:+.1f}</small></td><td></td><td></td><td></td></tr>"
        )
    return (
        "<h2>The same policies, closed loop</h2><p>On equal seeds, each policy acts on what it sees of its own "
        'simulator.</p><div class="scroll"><table><thead><tr><th>policy</th><th>workcell</th><th>solved</th>'
        '<th>faults</th><th>success</th><th class="plot">95 % interval, 0 to 100 %</th><th>return</th><th>steps</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _success_row(policy: str, workcell: str, side: dict[str, Any], series: int) -> str:
    (low, high), rate = side["ci95"], side["success_rate"]
    return (
        f"<tr><td>{swatch(series)}{escape(Path(policy).name)}</td><td>{escape(workcell)}</td>"
        f"<td>{side['successes']} of {side['episodes']}</td><td>{side['faults'] or '–'}</td><td><strong>{percent(rate)} %</strong><br>"
        f"<small>{percent(low)} to {percent(high)} %</small></td>"
        f'<td class="plot">{interval_bar(low, rate, high, (0.0, 1.0), series)}</td>'
        f"<td>{side['return_mean']:.4g}</td><td>{side['length_mean']:.3g}</td></tr>"
    )


def _gaps(found: Comparison) -> str:
    """How gaps grow: the tip, everything that moved, and how things are turned."""
    names = list(dict.fromkeys(name for gap in found.gaps for name in gap.things))
    charts = [_chart(found, "tip [mm]", lambda gap: 1e3 * gap.tip)]
    for name in names:
        charts.append(_chart(found, f"{name} [mm]", _thing(name)))
        charts.append(_chart(found, f"{name}, turned [degrees]", _turn(name)))
    key = "".join(f"<li>{swatch(series)}{text}</li>" for series, (_, text) in enumerate(QUANTILES))
    one, other = map(escape, found.config.workcells)
    return (
        f"<h2>The same commands</h2><p>The demonstrator’s commands in {one}, carried out in both from the same start. "
        f"Where curves end, so do the episodes in which that much time passed in {one} and in {other}.</p>"
        f'<ul class="key">{key}</ul><div class="charts">{"".join(charts)}</div>'
    )


def _thing(name: str) -> Callable[[Gap], Float64 | None]:
    return lambda gap: 1e3 * gap.things[name] if name in gap.things else None


def _turn(name: str) -> Callable[[Gap], Float64 | None]:
    return lambda gap: np.degrees(gap.turns[name]) if name in gap.turns else None


def _chart(found: Comparison, title: str, take: Callable[[Gap], Float64 | None]) -> str:
    """Quantiles over the episodes that are under way, at every instant."""
    curves = [curve for gap in found.gaps if (curve := take(gap)) is not None]
    longest = max(map(len, curves))
    under_way = [[curve[at] for curve in curves if len(curve) > at] for at in range(longest)]
    lines = [
        Series(
            label=text,
            series=series,
            curve=[
                (found.control_period * at, float(np.quantile(values, share)))
                for at, values in enumerate(under_way)
            ],
        )
        for series, (share, text) in enumerate(QUANTILES)
    ]
    return line_chart(title, lines, x_label="s")


def _contact(found: Comparison) -> str:
    one, other = map(escape, found.config.workcells)
    same = found.summary["same_commands"]
    late = same["contact_later_in_second_ms"]
    rows = [
        ("tip, greatest gap before anything is touched [mm]", same["tip_gap_before_contact_mm"]),
        ("tip, greatest gap [mm]", same["tip_gap_mm"]),
        ("things, greatest gap [mm]", same["thing_gap_mm"]),
        ("things, gap at the end [mm]", same["thing_gap_at_the_end_mm"]),
    ]
    body = "".join(
        f"<tr><td>{text}</td><td>{spread['median']:.3g}</td><td>{spread['p90']:.3g}</td>"
        f"<td>{spread['largest']:.3g}</td></tr>"
        for text, spread in rows
    )
    said = "Nothing was touched in both."
    if late["episodes"]:
        said = (
            f"In {count(late['episodes'], 'episode')} something was touched in both: in {other} {late['median']:+.0f} ms "
            f"later than in {one} (median), {late['largest']:.0f} ms apart at most; one control period is "
            f"{1e3 * found.control_period:.0f} ms."
        )
    return (
        '<div class="scroll"><table><thead><tr><th>over one episode</th><th>median</th><th>90 %</th>'
        f"<th>largest</th></tr></thead><tbody>{body}</tbody></table></div><h3>First contact</h3><p>{said} "
        f"{_parting(same)} In {count(same['touched_in_one_alone'], 'episode')} something was touched in one of them alone. "
        f"{escape(open_loop(found.summary))}</p>"
    )


def _parting(same: dict[str, Any]) -> str:
    until = same["seconds_from_contact_until_5_mm_apart"]
    if not until["episodes"]:
        return "Things stay within 5 mm of each other."
    return (
        f"In {until['episodes']} of {count(same['episodes'], 'episode')} things come to be more than 5 mm apart, "
        f"{until['median']:.1f} s after the first contact (median): a push at one point is unstable, so small "
        "differences grow, and only a policy that looks makes up for them."
    )


def open_loop(summary: Mapping[str, Any]) -> str:
    """What the commands alone come to in both, and why that says nothing of the policies, in some sentences."""
    same, (one, other) = summary["same_commands"], summary["workcells"]
    said = (
        f"The commands alone, without looking, solve {same['success_in_first']} of {same['episodes']} in {one} and "
        f"{same['success_in_second']} in {other}."
    )
    aside = same["in_first_alone_with_one_command_aside"]
    if aside is None:
        return said
    return (
        f"{said} That is to be expected: in {one} alone, with one command {aside['mm']:g} mm to the side where something is "
        f"touched first, things end {aside['thing_gap_at_the_end_mm']['median']:.3g} mm apart (median) and "
        f"{aside['success']} of {aside['episodes']} are solved, because a push at one point is unstable."
    )


def _time(found: Comparison) -> str:
    """How each kept time; what is simulated without a clock keeps it perfectly."""
    rows = []
    for workcell, timing in zip(found.config.workcells, found.timings, strict=True):
        middle, low, high = timing.period_ms
        streamed = "–"
        if timing.setpoints:
            share = 1 - timing.setpoints_late / timing.setpoints
            streamed = f"{100 * share:.2f} % of {timing.setpoints:,}"
        rows.append(
            f"<tr><td>{escape(workcell)}</td><td>{middle:.1f}</td><td>{low:.1f} to {high:.1f}</td>"
            f"<td>{timing.late} of {timing.periods}</td><td>{timing.follows_ms:.0f}</td>"
            f"<td>{timing.strays_mm:.2g}</td><td>{streamed}</td></tr>"
        )
    return (
        "<h2>Time</h2><p>How long control periods really were, how many overran their deadline, and by how much the tip "
        "follows behind its commands: what is left between tip and commanded way once that lag is taken off is how far "
        "it strays.</p>"
        '<div class="scroll"><table><thead><tr><th>workcell</th><th>period [ms]</th><th>98 % of them [ms]</th>'
        "<th>overran</th><th>behind [ms]</th><th>strays [mm]</th><th>set-points within 2 ms</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _pictures(found: Comparison, what: str, one: Journey, other: Journey) -> str:
    """Both simulators at some instants of an episode, and below how they differ."""
    last = min(len(one.pictures), len(other.pictures)) - 1
    instants = np.unique(np.linspace(0, last, COLUMNS).round().astype(int)).tolist()
    strips = [
        (name, _strip([journey.pictures[at] for at in instants]))
        for name, journey in zip(found.config.workcells, (one, other), strict=True)
    ]
    strips.append(
        (
            "difference, black where there is none",
            _strip([_difference(one.pictures[at], other.pictures[at]) for at in instants]),
        )
    )
    seconds = ", ".join(f"{found.control_period * at:.1f}" for at in instants)
    figures = "".join(
        f'<figure><figcaption>{escape(name)}</figcaption><div class="strip">'
        f'<img alt="{escape(name)} at {seconds} s" src="data:image/jpeg;base64,{data}"></div></figure>'
        for name, data in strips
    )
    return f'<h2>{escape(what)}</h2><p class="soft">Seed {one.seed}, at {seconds} s.</p>{figures}'


def _difference(one: UInt8, other: UInt8) -> UInt8:
    apart: UInt8 = np.abs(one.astype(np.int16) - other).astype(np.uint8)
    return apart


def _strip(pictures: Sequence[UInt8]) -> str:
    """Pictures side by side as a JPEG in base 64."""
    held = BytesIO()
    Image.fromarray(np.hstack(pictures)).save(held, format="JPEG", quality=88)
    return b64encode(held.getvalue()).decode()
