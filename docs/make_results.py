"""Makes docs/results.md from benchmarks/results/: `python -m docs.make_results`.

Nothing is left out that has not been measured: it is said to be missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from benchmarks.time_to_quality import ROWS as TIMED
from benchmarks.time_to_quality import Row
from docs import results_of_quality, results_of_speed
from docs.pages import DOCS, MISSING, from_file, interval, percent, results, table
from docs.verdicts import Score, sentence

PAGE = DOCS / "results.md"
NOTE = "<!-- Made from benchmarks/results/ by `python -m docs.make_results`. -->\n"

TOP: Final = """# Results

What was measured, by which command, and where the claim "implicit beats explicit" does not hold. Times are CPU seconds of one
core of a laptop-sized machine unless it says otherwise; brackets are 95 % intervals, Wilson's of what succeeds, Student's over training
seeds of returns and rewards. Commands are run in the repository's root. The figures as JSON are in `benchmarks/results/`.
"""

QUALITY: Final = """## Quality

Three training seeds, 100 evaluation episodes or more each, on seeds that no setting was tuned on. "Best" is the checkpoint with
the least held-out action error; where nothing is held out it is the last one; on Push-T, as published, the best of the last ten
in the environment, and "last" the mean of those ten. What is "to reach" is asked of the best checkpoints' mean; "raw" was
published without a canonical frame. The first line of a task is the implicit policy; MDN and MSE are explicit. "MDN, as long" is
the mixture with at least the CPU time that the implicit policy took, where its own recipe took less and came behind by more than
chance; the particle's policies are held against each other at equal time [below](#time-to-quality).
A comparison is "not told apart" where the 95 % interval of the difference (Newcombe 1998) holds zero; of returns and rewards:
where the ranges of training seeds overlap.
"""

BEYOND: Final = """## Beyond the data, by pictures

Where is the square in the picture (Florence et al. 2021, §3, Fig. 4), learned from 10 or 30 of them: the same pictures, encoder and
CPU time for all. Places within the convex hull of the learned ones and beyond it are judged apart; figures are means over three
seeds that draw places and weights. The same question by states is that of the particle with goals of the middle half, above.
"""

TIME: Final = """## Time to quality

Success after a given CPU time of training, from a finished data set, loading and encoding included; 400 evaluation episodes for each
of three training seeds. "To reach" is asked of every training seed.
"""


def page() -> str:
    """The text of docs/results.md."""
    parts = [
        TOP,
        QUALITY,
        results_of_quality.section(),
        BEYOND,
        from_file("coordinates", results_of_quality.coordinates),
        TIME,
        _time(),
        *results_of_speed.sections(),
    ]
    return NOTE + "\n\n".join(part.strip() for part in parts) + "\n"


def _time() -> str:
    measured = {row["row"]: row for row in results("time_to_quality") or []}
    heads = (
        "row",
        "demonstrations",
        "time",
        "recipe",
        "success",
        "each seed",
        "to reach",
        "command",
    )
    lines: list[tuple[str, ...]] = []
    sentences = []
    for name, row in TIMED.items():
        front = (f"`{name}`", f"{row.demonstrations:,}", f"{row.budget:.0f} CPU s")
        if name not in measured:
            lines += _time_missing(front, name, row)
            continue
        lines += _time_lines(front, row, measured[name])
        if measured[name]["pooled"].keys() >= {*row.baselines}:
            sentences.append(_time_sentence(name, measured[name]))
    told = "\n".join(f"- {said}" for said in filter(None, sentences))
    return "\n\n".join(part for part in (table(heads, lines), told) if part)


def _time_missing(front: tuple[str, ...], name: str, row: Row) -> Iterator[tuple[str, ...]]:
    command = f"`python -m benchmarks.time_to_quality {name} --out …`"
    yield (*front, f"`{row.preset}`", MISSING, "", f"≥ {percent(row.least)}", command)
    for preset in row.baselines:
        yield ("", "", "", f"`{preset}`", MISSING, "", "", "")


def _time_lines(
    front: tuple[str, ...], row: Row, found: Mapping[str, Any]
) -> Iterator[tuple[str, ...]]:
    for preset in (found["preset"], *row.baselines):
        if preset not in found["pooled"]:
            yield ("", "", "", f"`{preset}`", MISSING, "", "", "")
            continue
        pooled = found["pooled"][preset]
        own = [run for run in found["runs"] if run["preset"] == preset]
        rates = [run["successes"] / run["episodes"] for run in own]
        first = preset == found["preset"]
        aim = f"≥ {percent(found['least'])}{'' if min(rates) >= found['least'] else ', missed'}"
        yield (
            *(front if first else ("", "", "")),
            f"`{preset}`",
            f"{percent(pooled['success_rate'])} {interval(pooled['ci95'])}",
            ", ".join(f"{100 * rate:.1f}" for rate in rates),
            aim if first else "",
            f"`{found['command']}`" if first else "",
        )


def _time_sentence(name: str, found: Mapping[str, Any]) -> str:
    scores = [
        Score(
            name=f"`{preset}`",
            mean=pooled["success_rate"],
            edges=(pooled["ci95"][0], pooled["ci95"][1]),
            is_rate=True,
            said=percent(pooled["success_rate"]),
        )
        for preset, pooled in found["pooled"].items()
    ]
    return sentence(f"`{name}`", scores[0], scores[1:])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
