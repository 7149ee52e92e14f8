"""Success after a given CPU time of training, from a finished data set: three training seeds, fresh episodes.

`python benchmarks/time_to_quality.py push-frame particle-2 --out benchmarks/results/time_to_quality.json`

Demonstrations and runs are kept in `--runs`; what has been measured there is not measured again. A row that counts
updates instead of time is run only by name: it is a published claim, which takes hours to check.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ibc_gym.data.metadata import installed_versions
from ibc_gym.evaluation.evaluator import evaluate
from ibc_gym.evaluation.results import EvalConfig
from ibc_gym.evaluation.uncertainty import wilson_interval
from ibc_gym.record import RecordConfig, record
from ibc_gym.registry import load
from ibc_gym.tables import PRESETS
from ibc_gym.training.config import TrainConfig
from ibc_gym.training.trainer import train

FIRST_SEED = 300_000
"""Of evaluation; no setting was tuned on these episodes."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A recipe, the data it learns from, and the time it gets."""

    task: str
    preset: str
    baseline: str
    demonstrations: int
    budget: float | None = None
    """Of training [CPU s], encoding of the data included."""
    steps: int | None = None
    """Updates, where the claim is about them."""
    least: float = 0.0
    """Success rate that the claim asks for, pooled over the training seeds."""
    recorded_with: dict[str, Any] = field(default_factory=dict)
    """Options of the task in the demonstrations."""
    judged_with: dict[str, Any] = field(default_factory=dict)
    """Options of the task in the evaluation."""


ROWS = {
    "push-frame": Row(
        task="push",
        preset="fast/push-frame",
        baseline="fast/push-frame-mse",
        demonstrations=200,
        budget=20.0,
        recorded_with={"goal_tolerance": 0.01},
        judged_with={"goal_tolerance": 0.02},
    ),
    "push-raw": Row(
        task="push",
        preset="fast/push",
        baseline="fast/push-mse",
        demonstrations=2_000,
        budget=120.0,
        recorded_with={"goal_tolerance": 0.01},
        judged_with={"goal_tolerance": 0.02},
    ),
    "particle-2": Row(
        task="particle",
        preset="fast/particle",
        baseline="released/particle-mse",
        demonstrations=2_000,
        budget=70.0,
        recorded_with={"dimensions": 2},
        judged_with={"dimensions": 2},
    ),
    "particle-2-published": Row(
        task="particle",
        preset="released/particle-langevin",
        baseline="released/particle-mse",
        demonstrations=2_000,
        steps=10_000,
        least=0.95,
        recorded_with={"dimensions": 2},
        judged_with={"dimensions": 2},
    ),
}

TIMED = [name for name, row in ROWS.items() if row.steps is None]


def measure(row: Row, preset_name: str, data: Path, seed: int, episodes: int) -> dict[str, Any]:
    """Train with one seed and evaluate the chosen checkpoint, or read what an earlier call has measured."""
    preset = load(PRESETS, preset_name, "preset")
    folder = data.parent / f"{preset_name.replace('/', '-')}-s{seed}"
    measured = folder / f"measured-{episodes}.json"
    if measured.exists():
        found: dict[str, Any] = json.loads(measured.read_text())
        return found
    shutil.rmtree(folder, ignore_errors=True)
    settings = dict(vars(preset.training)) | {"budget_cpu_seconds": row.budget}
    if row.steps is not None:
        settings["steps"] = row.steps
    trained = train(
        TrainConfig(
            data=data,
            out=folder,
            policy=preset.policy,
            policy_config=preset.config,
            **{"threads": 1, "seed": seed, "tensorboard": False, **settings},
        )
    )
    summary = evaluate(
        EvalConfig(
            policy=str(folder),
            options=row.judged_with,
            episodes=episodes,
            first_seed=FIRST_SEED,
        )
    ).summary
    found = {
        "preset": preset_name,
        "training_seed": seed,
        "steps": trained.steps,
        "chosen_step": trained.best_step,
        "cpu_seconds": trained.cpu_seconds,
        "successes": summary["successes"],
        "episodes": episodes,
    }
    measured.write_text(json.dumps(found) + "\n")
    return found


def benchmark(name: str, folder: Path, seeds: int, episodes: int) -> dict[str, Any]:
    """Every training seed of a row, the implicit policy beside its explicit baseline."""
    row = ROWS[name]
    data = folder / name / "demos.zarr"
    record(
        RecordConfig(
            task=row.task, out=data, episodes=row.demonstrations, options=row.recorded_with
        )
    )
    runs = []
    for preset in (row.preset, row.baseline):
        for seed in range(seeds):
            runs.append(measure(row, preset, data, seed, episodes))
            print(name, _line(runs[-1]), flush=True)
    pooled = {}
    for preset in (row.preset, row.baseline):
        own = [run for run in runs if run["preset"] == preset]
        solved, tried = sum(run["successes"] for run in own), episodes * len(own)
        pooled[preset] = {"success_rate": solved / tried, "ci95": wilson_interval(solved, tried)}
        print(f"{name}: {preset} {solved}/{tried} = {solved / tried:.1%}", flush=True)
    reached = pooled[row.preset]["success_rate"]
    ratio = reached / max(pooled[row.baseline]["success_rate"], 1e-9)
    equal = "at equal CPU time" if row.steps is None else "after as many updates"
    print(f"{name}: {ratio:.2f} times the success of {row.baseline} {equal}", flush=True)
    if reached < row.least:
        print(
            f"{name}: {reached:.1%} is less than the {row.least:.0%} that are claimed", flush=True
        )
    return {"row": name, **dataclasses.asdict(row), "pooled": pooled, "runs": runs}


def _line(run: dict[str, Any]) -> str:
    return (
        f"{run['preset']} seed {run['training_seed']}: {run['successes']}/{run['episodes']} after "
        f"{run['cpu_seconds']:.0f} CPU s, {run['steps']} updates (chose {run['chosen_step']})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", default=TIMED, help=f"of {', '.join(ROWS)}")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--episodes", type=int, default=400)
    parser.add_argument("--runs", type=Path, default=Path("runs/time_to_quality"))
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    command = "python benchmarks/time_to_quality.py " + " ".join(sys.argv[1:])
    for name in arguments.rows:
        row = benchmark(name, arguments.runs, arguments.seeds, arguments.episodes)
        if arguments.out:
            add({"command": command, "versions": installed_versions(), **row}, arguments.out)


def add(row: dict[str, Any], path: Path) -> None:
    """Put a row into the file; one of the same name is replaced, the others stay."""
    rows = json.loads(path.read_text()) if path.exists() else []
    rows = [other for other in rows if other["row"] != row["row"]] + [row]
    path.write_text(json.dumps(sorted(rows, key=lambda one: str(one["row"])), indent=1) + "\n")


if __name__ == "__main__":
    main()
