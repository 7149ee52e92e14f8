"""The table of quality on docs/results.md: every row, measured or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from benchmarks.quality_rows import EXPLICIT, GENERATIVE, IMPLICIT, ROWS, Judgement, Row
from docs.pages import MISSING, interval, made_by, percent, results, table
from docs.verdicts import score, sentence
from ibc_gym.evaluation.uncertainty import student_interval

HEADS = ("task", "policy", "best checkpoint", "last", "published", "to reach", "updates", "CPU s")


def section() -> str:
    """Table, verdicts and commands."""
    measured = {row["row"]: row for row in results("quality") or []}
    lines: list[tuple[str, ...]] = []
    sentences: list[str] = []
    for name, row in ROWS.items():
        for way, judgement in row.judged.items():
            lines += _lines(row, way, judgement, measured.get(name))
            if name in measured and measured[name]["methods"].keys() >= row.methods.keys():
                sentences.append(_sentence(row, way, judgement, measured[name]))
    sentences.sort(key=lambda said: "does not beat" in said)  # stable: in the order of the rows
    told = "\n".join(f"- {said}" for said in sentences)
    commands = table(("row", "demonstrations", "command"), _commands(measured))
    nothing = "No row shows it yet." if measured else "Nothing is measured yet."
    return "\n\n".join([table(HEADS, lines), told or nothing, commands])


def coordinates(found: Mapping[str, Any]) -> str:
    """What each kind of policy made of few pictures."""
    heads = ["learned from", "policy", "CPU s"]
    for where in ("within", "beyond"):
        heads += [f"{where}: median [px]", "rms [px]", "to a pixel"]
    lines = [
        (
            f"{row['learned']} pictures",
            row["kind"],
            f"{row['cpu_seconds']:.0f}",
            *(
                cell
                for where in ("within", "beyond")
                for cell in (
                    f"{row[f'{where}_median_px']:.2f}",
                    f"{row[f'{where}_rms_px']:.2f}",
                    percent(row[f"{where}_to_a_pixel"]),
                )
            ),
        )
        for row in found["rows"]
    ]
    told = []
    for count in dict.fromkeys(row["learned"] for row in found["rows"]):
        of = partial(_most_exact, found["rows"], count)
        told.append(
            f"The most exact from {count} pictures: by the median {of('within_median_px')} within what was learned and "
            f"{of('beyond_median_px')} beyond it, by the root mean square {of('within_rms_px')} and {of('beyond_rms_px')}."
        )
    return "\n\n".join([table(heads, lines), " ".join(told), made_by(found["command"])])


def _most_exact(rows: Sequence[Mapping[str, Any]], learned: int, error: str) -> str:
    """The kind of policy with the least of an error."""
    these = [row for row in rows if row["learned"] == learned]
    return str(min(these, key=lambda row: float(row[error]))["kind"])


def _lines(
    row: Row, way: str, judgement: Judgement, found: Mapping[str, Any] | None
) -> Iterator[tuple[str, ...]]:
    asked = f"≥ {_said(judgement, judgement.reach)}" if judgement.reach else ""
    for label, (preset, *_) in row.methods.items():
        first = label == IMPLICIT
        where = f"{row.about}{f', {way}' if way else ''}" if first else ""
        published = judgement.published if first else ""
        policy = f"{label}, `{preset}`"
        method = found["methods"].get(label) if found else None
        if method is None or way not in method["judged"]:
            yield (where, policy, MISSING, "", published, asked if first else "", "", "")
            continue
        judged = method["judged"][way]
        missed = "" if judged["best"]["mean"] >= judgement.reach else ", missed"
        cost = method["cpu_seconds"]
        yield (
            where,
            f"{label}, `{method['preset']}`",
            _figure(judgement, judged["best"]),
            _figure(judgement, judged["last"]),
            published,
            f"{asked}{missed}" if first else "",
            _range(method["updates"]),
            f"{sum(cost) / len(cost):,.0f}",
        )


def _figure(judgement: Judgement, found: Mapping[str, Any]) -> str:
    said = _said(judgement, found["mean"])
    if "ci95" in found:
        return f"{said} {interval(found['ci95'])}"
    if len(found["by_seed"]) < 2:
        return said
    low, high = (_number(judgement, edge) for edge in student_interval(found["by_seed"]))
    return f"{said} ({low} to {high})"


def _said(judgement: Judgement, value: float) -> str:
    match judgement.measure:
        case "success":
            return percent(value)
        case "return":
            return f"return {_number(judgement, value)}"
        case "best_reward":
            return f"reward {_number(judgement, value)}"


def _number(judgement: Judgement, value: float) -> str:
    """A return to four digits, a share of a reward to three."""
    return f"{value:.3f}" if judgement.measure == "best_reward" else f"{value:.4g}"


def _range(updates: list[int]) -> str:
    low, high = min(updates), max(updates)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _sentence(row: Row, way: str, judgement: Judgement, found: Mapping[str, Any]) -> str:
    scores = {
        label: score(
            label,
            method["judged"][way]["best"],
            _said(judgement, method["judged"][way]["best"]["mean"]),
        )
        for label, method in found["methods"].items()
    }
    explicit, generative = (
        [each for label, each in scores.items() if label in kind] for kind in (EXPLICIT, GENERATIVE)
    )
    where = row.about + (f", {way}" if way else "")
    return sentence(where[0].upper() + where[1:], scores[IMPLICIT], explicit, generative)


def _commands(measured: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    for name in ROWS:
        if name not in measured:
            yield f"`{name}`", "", f"`python -m benchmarks.quality {name} --out …`"
            continue
        row = measured[name]
        data, seeds = row["data"], row["training_seeds"]
        what = (
            f"{data['episodes']:,} episodes, {data['steps']:,} steps, `{data['fingerprint'][:12]}`"
        )
        yield f"`{name}`", what, f"`{row['command']}` (training seeds {', '.join(map(str, seeds))})"
