"""How good each kind of policy gets, task by task, beside what was published: three training seeds, fresh episodes.

    python -m benchmarks.quality                      # names the rows, and says which are measured
    python -m benchmarks.quality particle-8 door-human --data DATA --out benchmarks/results/quality.json

Everything is done by the command line: `record` or `data import`, `train`, `eval`. What is in `--runs` is not made again, a
training that was killed goes on from its last checkpoint, and a preset or data that have changed make new runs. A method is
put into its row of `--out` when it is measured, so that hours of a row may be on several machines; what the file has of the
same data, recipe and episodes is not measured again, and the other rows stay.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.commands import run, spoken
from benchmarks.human_data import DATA_VARIABLE, imported
from benchmarks.quality_rows import ROWS, Judgement, Row, Scripted
from benchmarks.results_file import RESULTS, add_row, command, digest, hints, read_row, read_rows
from ibc_gym.atomic import write_whole
from ibc_gym.data.info import data_info
from ibc_gym.evaluation.uncertainty import wilson_interval
from ibc_gym.loading import load
from ibc_gym.serialise import switched_on, to_json
from ibc_gym.tables import PRESETS

FIRST_SEED = 600_000
"""Of evaluation; no setting was tuned on these episodes."""
KEYS = {"success": "success_rate", "return": "return_mean", "best_reward": "best_reward_mean"}
"""Where an evaluation has each measure."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What holds for all rows of a call."""

    runs: Path
    human: Path | None
    """Folder of human demonstrations."""
    seeds: tuple[int, ...]
    """Of training."""
    episodes: int
    workers: int
    """Processes that record and evaluate; training has one thread."""
    steps: int | None = None
    """Updates in place of the presets', to try a row out."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One trained policy."""

    folder: Path
    words: tuple[str, ...]
    """How it was trained."""
    said: Mapping[str, Any]
    """What `ibc-gym train --json` said."""


def measure(
    name: str, settings: Settings, kept: Mapping[str, Any] | None = None
) -> Iterator[dict[str, Any]]:
    """A row, each time that one more of its methods is measured; `kept` is what an earlier call had of it."""
    row = ROWS[name]
    data = demonstrations(row, settings)
    described = describe(row, data)
    about = {
        "row": name,
        "about": row.about,
        "data": described,
        "training_seeds": list(settings.seeds),
        "evaluation_seeds": [FIRST_SEED, FIRST_SEED + settings.episodes - 1],
        "judged": {label: to_json(judgement) for label, judgement in row.judged.items()},
    }
    recipes = {
        label: recipe(row, words, described["fingerprint"], settings)
        for label, words in row.methods.items()
    }
    methods = _still_true(about, recipes, kept or {})
    for label, words in row.methods.items():
        if label not in methods:
            measured = method(row, label, words, data, recipes[label], settings)
            methods[label] = {"recipe": recipes[label], **measured}
        yield {**about, "methods": {each: methods[each] for each in recipes if each in methods}}


def _still_true(
    about: Mapping[str, Any], recipes: Mapping[str, str], kept: Mapping[str, Any]
) -> dict[str, Any]:
    """Methods of a row in a file that were judged and made as they would be now."""
    if any(
        kept.get(name) != about[name] for name in ("training_seeds", "evaluation_seeds", "judged")
    ):
        return {}
    return {
        label: found
        for label, found in kept["methods"].items()
        if label in recipes and found.get("recipe") == recipes[label]
    }


def demonstrations(row: Row, settings: Settings) -> Path:
    """The row's data set, made the first time."""
    if isinstance(row.data, str):
        if settings.human is None:
            raise SystemExit(f"Say where the demonstrations are, with --data or ${DATA_VARIABLE}.")
        return imported(row.data, settings.human, settings.runs)
    out = settings.runs / f"{row.data.task}-{digest(*row.data.recordings)}.zarr"
    for words in row.data.recordings:
        run([*words, "--workers", str(settings.workers), "--out", str(out)])
    return out


def describe(row: Row, data: Path) -> dict[str, Any]:
    """What the policies learned from."""
    info = data_info(data)
    made = row.data.recordings if isinstance(row.data, Scripted) else [["data", "import", row.data]]
    return {
        "command": "; ".join(spoken(words, data.parent) for words in made),
        **{
            name: info[name] for name in ("task", "workcells", "demonstrators", "episodes", "steps")
        },
        "fingerprint": info["fingerprint"],
    }


def recipe(row: Row, words: Sequence[str], fingerprint: str, settings: Settings) -> str:
    """Eight letters that stand for data, policy and training; a setting that is added later, and off, changes none."""
    preset, *flags = _preset_and_flags(row, words, settings)
    settled = load(PRESETS, preset, "preset")
    config = switched_on(to_json(settled.config))
    return digest(fingerprint, config, hints(settled.training), flags)


def _preset_and_flags(row: Row, words: Sequence[str], settings: Settings) -> list[str]:
    fewer = (
        []
        if settings.steps is None
        else ["--steps", str(settings.steps), "--budget-cpu-seconds", "None"]
    )
    return [*words, *row.training, *fewer]


def method(
    row: Row, label: str, words: Sequence[str], data: Path, same: str, settings: Settings
) -> dict[str, Any]:
    """One kind of policy: every training seed, judged in every way."""
    trained = [train(row, words, data, same, seed, settings) for seed in settings.seeds]
    judged = {}
    for way, judgement in row.judged.items():
        found = [judge(row, one, judgement, settings) for one in trained]
        judged[way] = {
            "best": together(judgement, [each["best"] for each in found]),
            "last": together(judgement, [each["last"] for each in found]),
            "command": found[0]["command"],
        }
        print(f"{row.about} {way}: {label}: {_line(judged[way])}", flush=True)
    return {
        "preset": words[0],
        "command": spoken(trained[0].words, settings.runs),
        "updates": [one.said["steps"] for one in trained],
        "chosen": [one.said["best_step"] for one in trained],
        "rollbacks": [one.said["rollbacks"] for one in trained],
        "cpu_seconds": [round(one.said["cpu_seconds"], 1) for one in trained],
        "judged": judged,
    }


def train(
    row: Row, words: Sequence[str], data: Path, same: str, seed: int, settings: Settings
) -> Run:
    """One training, or what is left of an earlier one."""
    preset, *flags = _preset_and_flags(row, words, settings)
    folder = settings.runs / f"{preset.replace('/', '-')}-{same}-s{seed}"
    said = ["train", str(data), "--preset", preset, *flags, "--seed", str(seed), "--threads", "1"]
    said += ["--out", str(folder)]
    kept = folder / "trained.json"
    if not kept.exists():
        answer = run([*said, "--no-tensorboard", "--resume", "--json"])
        write_whole(kept, answer)
    return Run(folder=folder, words=tuple(said), said=json.loads(kept.read_text()))


def judge(row: Row, one: Run, judgement: Judgement, settings: Settings) -> dict[str, Any]:
    """The best and the last checkpoint of a run; where several last ones are judged, their best and their mean."""
    steps = sorted(int(path.name) for path in (one.folder / "checkpoints").glob("[0-9]*"))
    lasts = steps[-row.last :]
    found = {step: evaluated(row, one, step, judgement, settings) for step in lasts}
    key = KEYS[judgement.measure]
    if row.last > 1:
        best = max(found.values(), key=lambda each: float(each[key]))
    else:
        chosen = one.said["best_step"] or lasts[-1]
        best = found.get(chosen) or evaluated(row, one, chosen, judgement, settings)
    names = ("successes", "episodes", key)
    mean = {name: statistics.fmean(each[name] for each in found.values()) for name in names}
    words = evaluation(row, one.folder, judgement, settings)
    return {"best": best, "last": mean, "command": spoken(words, settings.runs)}


def evaluation(row: Row, policy: Path, judgement: Judgement, settings: Settings) -> list[str]:
    """The command that judges a run or one of its checkpoints."""
    words = ["eval", str(policy), "--episodes", str(settings.episodes)]
    words += ["--first-seed", str(FIRST_SEED), "--num-envs", str(row.num_envs)]
    return [*words, *judgement.flags]


def evaluated(
    row: Row, one: Run, step: int, judgement: Judgement, settings: Settings
) -> dict[str, Any]:
    """What a checkpoint does in fresh episodes, or what an earlier call found."""
    words = evaluation(row, one.folder / "checkpoints" / f"{step:06d}", judgement, settings)
    kept = one.folder / f"judged-{digest(words[2:])}-{step}.json"
    if not kept.exists():
        workers = ["--workers", str(settings.workers), "--latency-steps", "0"]
        answer = run([*words, *workers, "--json"])
        write_whole(kept, answer)
    found: dict[str, Any] = json.loads(kept.read_text())
    return found


def together(judgement: Judgement, found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Over training seeds: success pooled with its Wilson interval, anything else as mean and deviation."""
    by_seed = [float(each[KEYS[judgement.measure]]) for each in found]
    if judgement.measure == "success":
        solved, tried = (sum(each[name] for each in found) for name in ("successes", "episodes"))
        low, high = wilson_interval(round(solved), round(tried))
        return {"mean": solved / tried, "ci95": [low, high], "by_seed": by_seed}
    deviation = statistics.stdev(by_seed) if len(by_seed) > 1 else None
    return {"mean": statistics.fmean(by_seed), "deviation": deviation, "by_seed": by_seed}


def _line(found: Mapping[str, Any]) -> str:
    said = {which: found[which] for which in ("best", "last")}
    return ", ".join(
        f"{which} {each['mean']:.4g} ({', '.join(f'{value:.4g}' for value in each['by_seed'])})"
        for which, each in said.items()
    )


def _said(settings: Settings) -> str:
    """How this process was begun, without this machine's paths."""
    said = command("quality").replace(str(settings.runs), "RUNS")
    return said if settings.human is None else said.replace(str(settings.human), "DATA")


def show(path: Path) -> None:
    """Every row's name, and how many of its methods are in the file."""
    there = {row["row"]: len(row["methods"]) for row in read_rows(path)}
    for name, row in ROWS.items():
        print(f"{name:22} {there.get(name, 0)} of {len(row.methods)}  {row.about}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(ROWS)}, or all")
    parser.add_argument("--data", type=Path, default=os.environ.get(DATA_VARIABLE))
    parser.add_argument("--runs", type=Path, default=Path("runs/quality"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--episodes", type=int, default=100)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--steps", type=int, help="updates in place of the presets', to try it out")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    if unknown := [name for name in given.rows if name not in (*ROWS, "all")]:
        parser.error(f"no row is called {', '.join(unknown)}; there are {', '.join(ROWS)}")
    if given.steps is not None and given.out:
        parser.error("--steps is for trying a row out, which is no result: leave out --out")
    if not given.rows:
        show(given.out or RESULTS / "quality.json")
    settings = Settings(
        runs=given.runs,
        human=Path(given.data) if given.data else None,
        seeds=tuple(given.seeds),
        episodes=given.episodes,
        workers=given.workers,
        steps=given.steps,
    )
    settings.runs.mkdir(parents=True, exist_ok=True)
    for name in ROWS if "all" in given.rows else given.rows:
        kept = read_row(name, given.out) if given.out else None
        for row in measure(name, settings, kept):
            if given.out:
                add_row({"command": _said(settings), **row}, given.out)


if __name__ == "__main__":
    main()
