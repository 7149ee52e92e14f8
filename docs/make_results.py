"""Makes docs/results.md from benchmarks/results/: `python -m docs.make_results`.

Nothing is left out that has not been measured: it is said to be missing.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from benchmarks.time_to_quality import ROWS as TIMED
from benchmarks.time_to_quality import Row
from docs import results_of_quality
from docs.pages import DOCS, MISSING, interval, percent, results, table
from docs.verdicts import Score, sentence

PAGE = DOCS / "results.md"
NOTE = "<!-- Made from benchmarks/results/ by `python -m docs.make_results`. -->\n"
NOTHING = "Not measured yet."

TOP: Final = """# Results

What was measured, by which command, and where the claim "implicit beats explicit" does not hold. Times are CPU seconds of one
core of a laptop-sized machine unless it says otherwise; brackets are 95 % Wilson intervals; ± is the standard deviation over
training seeds. Commands are run in the repository's root. The figures as JSON are in `benchmarks/results/`.
"""

QUALITY: Final = """## Quality

Three training seeds, 100 evaluation episodes or more each, on seeds that no setting was tuned on. "Best" is the checkpoint with
the least held-out action error; where nothing is held out it is the last one; on Push-T, as published, the best of the last ten
in the environment, and "last" the mean of those ten. The first line of a task is the implicit policy, the others are explicit.
A comparison is "not told apart" where intervals overlap (of returns and rewards: where the ranges of training seeds do).
"""

TIME: Final = """## Time to quality

Success after a given CPU time of training, from a finished data set, loading and encoding included; 400 evaluation episodes for each
of three training seeds. "To reach" is asked of every training seed. A row that counts updates checks a published claim, and takes
hours.
"""

SAME: Final = """## The same work

The library beside a plain reference written with autograd (`benchmarks/reference/`): the same network, batch and
counter-examples, in one process on one core. A ratio below the target is a target that was missed.
"""

HUMAN: Final = """## Human demonstrations

No episode is held out and the last weights are taken; 100 episodes for each training seed. A score is the mean best reward of an
episode.
"""

LATENCY: Final = """## Latency

One action for one environment on one core, observation to action.
"""

ENVIRONMENTS: Final = """## Speed of the environments

Steps per CPU second of one core, resets included.
"""

RECORDING: Final = """## Speed of recording

Scripted demonstrations of `push` in MuJoCo from nothing to a data set on the disk, wall time; the data are the same whatever the number
of processes.
"""

SIMULATORS: Final = """## The same commands in two simulators

What the demonstrator did in the first is done in the second; then it does the task in each by itself.
"""

GROWTH: Final = """## How cost grows

CPU time of a training step, both axes logarithmic; the dashed line is linear growth. An exponent of 1 is linear. Small steps have
a share that does not grow, so the last three points say more.
"""


def page() -> str:
    """The text of docs/results.md."""
    parts = [
        TOP,
        QUALITY,
        results_of_quality.section(),
        TIME,
        _time(),
        HUMAN,
        _from("human", _human),
        SAME,
        _from("same_work", _same_work),
        LATENCY,
        _from("policy_latency", _latency),
        ENVIRONMENTS,
        _from("push_env", _push_env),
        _from("particle", _particle),
        _from("threads", _threads),
        RECORDING,
        _from("record_push", _record_push),
        SIMULATORS,
        _from("compare_sims", _compare_sims),
        GROWTH,
        _from("cost_growth", _growth),
    ]
    return NOTE + "\n\n".join(part.strip() for part in parts) + "\n"


def _from(name: str, tell: Callable[[Any], str]) -> str:
    found = results(name)
    return NOTHING if found is None else tell(found)


def _made_by(command: str) -> str:
    return f"Made by `{command}`."


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
        time = f"{row.budget:.0f} CPU s" if row.budget else f"{row.steps:,} updates"
        front = (f"`{name}`", f"{row.demonstrations:,}", time)
        if name not in measured:
            lines += _time_missing(front, name, row)
            continue
        lines += _time_lines(front, measured[name])
        sentences.append(_time_sentence(name, measured[name]))
    told = "\n".join(f"- {said}" for said in filter(None, sentences))
    return "\n\n".join(part for part in (table(heads, lines), told) if part)


def _time_missing(front: tuple[str, ...], name: str, row: Row) -> Iterator[tuple[str, ...]]:
    command = f"`python -m benchmarks.time_to_quality {name} --out …`"
    yield (*front, f"`{row.preset}`", MISSING, "", f"≥ {percent(row.least)}", command)
    for preset in row.baselines:
        yield ("", "", "", f"`{preset}`", MISSING, "", "", "")


def _time_lines(front: tuple[str, ...], found: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for preset in (found["preset"], *found["baselines"]):
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
            said=percent(pooled["success_rate"]),
        )
        for preset, pooled in found["pooled"].items()
    ]
    return sentence(f"`{name}`", scores[0], scores[1:])


def _human(found: Mapping[str, Any]) -> str:
    groups: dict[tuple[str, int], list[Mapping[str, Any]]] = {}
    for row in found["rows"]:
        groups.setdefault((row["recipe"], row["horizon"]), []).append(row)
    lines = [
        (
            f"`{recipe}`",
            str(horizon),
            _spread([_human_score(row) for row in rows]),
            f"{sum(row['successes'] for row in rows)} of {sum(row['episodes'] for row in rows)}",
            f"{statistics.fmean(row['training_cpu_seconds'] for row in rows):.0f}",
            _published(found["published"], recipe, horizon),
        )
        for (recipe, horizon), rows in groups.items()
    ]
    told = "\n".join(f"- {said}" for said in filter(None, _human_sentences(groups)))
    made = _made_by("python -m benchmarks.human --data DATA --seeds 0 1 2 --out …")
    heads = ("recipe", "steps", "score", "successes", "CPU s", "published")
    return "\n\n".join(part for part in (table(heads, lines), told, made) if part)


def _human_sentences(
    groups: Mapping[tuple[str, int], list[Mapping[str, Any]]],
) -> Iterator[str]:
    scores = {}
    for key, rows in groups.items():
        values = [_human_score(row) for row in rows]
        scores[key] = Score(
            name=f"`{key[0]}`",
            mean=statistics.fmean(values),
            edges=(min(values), max(values)),
            said=_spread(values),
        )
    for (recipe, horizon), implicit in scores.items():
        explicit = scores.get((recipe.replace("-ebm", "-mse"), horizon))
        if recipe.endswith("-ebm") and explicit:
            yield sentence(f"`{recipe}`, {horizon} steps", implicit, [explicit])


def _human_score(row: Mapping[str, Any]) -> float:
    return float(row["score"]["mean"])


def _spread(values: list[float]) -> str:
    mean = statistics.fmean(values)
    said = f"{mean:.2f}" if abs(mean) < 10 else f"{mean:.0f}"
    if len(values) < 2:
        return said
    deviation = statistics.stdev(values)
    return f"{said} ± {deviation:.2f}" if abs(mean) < 10 else f"{said} ± {deviation:.0f}"


def _published(published: Mapping[str, Any], recipe: str, horizon: int) -> str:
    facts = published[recipe.split("-")[0]]
    if facts["horizon"] != horizon:
        return ""
    figures = [
        f"{name} {value}"
        for name, value in facts.items()
        if name not in ("horizon", "measure", "source")
    ]
    return f"{'; '.join(figures)} ({facts['source']})"


def _same_work(found: Mapping[str, Any]) -> str:
    lines = [
        (
            row["work"],
            f"`{row['preset']}`",
            f"{row['reference_cpu_seconds']:.3f} s",
            f"{row['library_cpu_seconds']:.3f} s",
            f"{row['ratio']:.2f}",
            f"≥ {row['target']:.1f}{'' if row['ratio'] >= row['target'] else ', missed'}",
            f"{row['two_cores']:.2f}",
        )
        for row in found["rows"]
    ]
    heads = ("work", "preset", "reference", "library", "ratio", "target", "two cores over one")
    floors = [
        f"The matrix products of {row['work']} take {row['products_cpu_seconds']:.3f} s alone: single precision allows no ratio "
        f"above {row['reference_cpu_seconds'] / row['products_cpu_seconds']:.2f} on that core."
        for row in found["rows"]
        if "products_cpu_seconds" in row
    ]
    return "\n\n".join([table(heads, lines), *floors, _made_by(found["command"])])


def _latency(found: Mapping[str, Any]) -> str:
    lines = [
        (
            f"`{name}`",
            *(f"{row[key]:.2f}" for key in ("median_ms", "p95_ms", "cpu_median_ms")),
            f"{row['ratio']:.1f}",
        )
        for name, row in found["rows"].items()
    ]
    heads = (
        "preset",
        "median [ms]",
        "95th percentile [ms]",
        "CPU, median [ms]",
        "over MSE of that size",
    )
    return f"{table(heads, lines)}\n\n{_made_by(found['command'])}"


def _push_env(found: Mapping[str, Any]) -> str:
    lines = [
        (
            f"`{row['task']}` in `{row['workcell']}`",
            row["what"],
            f"{row['rate']:,.0f}",
            f"{row['ratio']:.1f}" if "ratio" in row else "",
        )
        for row in found["rows"]
        if "rate" in row
    ]
    heads = ("environment", "observation", "steps per CPU second", "over the published environment")
    return f"{table(heads, lines)}\n\n{_made_by(found['command'])}"


def _particle(found: Mapping[str, Any]) -> str:
    keys = {
        "as arrays [steps/s]": "as arrays",
        "as arrays, with oracle and seeded resets [steps/s]": "with oracle and resets",
        "baseline: SyncVectorEnv of 64 [steps/s]": "Gymnasium's SyncVectorEnv",
        "published, with recording, cited [steps/s]": "published, recording, cited",
    }
    lines = [
        (str(row["dimensions"]), *(f"{row[key]:,.0f}" for key in keys)) for row in found["rows"]
    ]
    return (
        f"{table(('particle, dimensions', *keys.values()), lines)}\n\n{_made_by(found['command'])}"
    )


def _threads(found: Mapping[str, Any]) -> str:
    lines = [
        (
            f"`{row['task']}`",
            *(
                f"{row['steps_per_s'][f'environments, {name}']:,.0f}"
                for name in ("1 thread", "2 threads")
            ),
            f"{row['ratio']:.2f}",
        )
        for row in found["rows"]
    ]
    heads = ("64 environments in MuJoCo", "steps/s, 1 thread", "2 threads", "ratio")
    return f"{table(heads, lines)}\n\n{_made_by('python benchmarks/threads.py --out …')}"


def _record_push(found: Mapping[str, Any]) -> str:
    walls = found["wall_seconds_by_processes"]
    lines = [
        (
            processes,
            f"{seconds:.1f} s",
            f"{found['episodes'] / seconds:.1f}",
            f"{walls['1'] / seconds:.2f}",
        )
        for processes, seconds in walls.items()
    ]
    heads = (
        "processes",
        f"{found['episodes']:,} episodes in",
        "episodes/s",
        "over one process",
    )
    return f"{table(heads, lines)}\n\n{_made_by(found['command'])}"


def _compare_sims(found: Mapping[str, Any]) -> str:
    return "\n\n".join(_compared(row) for row in found["rows"])


def _compared(row: Mapping[str, Any]) -> str:
    first, second = (f"`{workcell}`" for workcell in row["workcells"])
    same, oracle = row["same_commands"], row["trials"]["oracle"]
    apart = same["seconds_from_contact_until_5_mm_apart"]
    own = " and ".join(
        f"{oracle[which]['successes']} of {oracle[which]['episodes']}"
        for which in ("first", "second")
    )
    return (
        f"`{row['task']}` in {first} and in {second}: before the first contact the tips are at most "
        f"{same['tip_gap_before_contact_mm']['largest']:.2f} mm apart. With the same commands the things are 5 mm apart "
        f"{apart['median']:.1f} s after it (median of {apart['episodes']} episodes), and {same['success_in_second']} of "
        f"{same['episodes']} episodes succeed in the second; whoever looks succeeds in both: {own}.\n\n{_made_by(row['command'])}"
    )


def _growth(found: Mapping[str, Any]) -> str:
    lines = [
        (
            row["title"],
            ", ".join(f"{point['at']:g}: {point['cpu_ms']:.1f}" for point in row["points"]),
            f"{row['exponent']:.2f}",
            f"{row['exponent_of_last_three']:.2f}",
        )
        for row in found["rows"]
    ]
    heads = ("sweep", "CPU time [ms]", "exponent", "of the last three")
    picture = "![CPU time of a training step, in four sweeps](images/cost-growth.svg)"
    return f"{picture}\n\n{table(heads, lines)}\n\n{_made_by(found['command'])}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
