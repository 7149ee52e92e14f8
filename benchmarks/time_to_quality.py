"""Success after a given CPU time of training, from a finished data set: three training seeds, fresh episodes.

`python -m benchmarks.time_to_quality push-frame particle-2 --out benchmarks/results/time_to_quality.json`

Demonstrations and runs are kept in `--runs`; what has been measured there is not measured again, unless preset, budget or
data have changed, and a training that was killed goes on from its last checkpoint.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.quality_rows import particle_twins
from benchmarks.results_file import add_row, command, digest, hints
from ibc_gym.atomic import write_whole
from ibc_gym.data.dataset import Dataset
from ibc_gym.errors import CheckpointError, ConfigError
from ibc_gym.evaluation.evaluator import evaluate
from ibc_gym.evaluation.results import EvalConfig
from ibc_gym.evaluation.uncertainty import wilson_interval
from ibc_gym.loading import load
from ibc_gym.record import RecordConfig, record
from ibc_gym.serialise import json_line, switched_on, to_json
from ibc_gym.tables import PRESETS
from ibc_gym.training.config import TrainConfig
from ibc_gym.training.trainer import train

FIRST_SEED = 300_000
"""Of evaluation; no setting was tuned on these episodes."""
NOISY_SEED = 5_000
"""Of demonstrations with noise."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A recipe, the data it learns from, and the time it gets."""

    task: str
    preset: str
    baselines: tuple[str, ...]
    """Explicit ones, in the same time."""
    demonstrations: int
    noisy: int = 0
    """How many of them are recorded with noise, after the others."""
    noise: float = 0.0
    """Its deviation, in the action's units."""
    budget: float
    """Of training [CPU s], encoding of the data included."""
    least: float = 0.0
    """Success rate that every training seed shall reach."""
    recorded_with: dict[str, Any] = field(default_factory=dict)
    """Options of the task in the demonstrations."""
    judged_with: dict[str, Any] = field(default_factory=dict)
    """Options of the task in the evaluation."""

    @property
    def presets(self) -> tuple[str, ...]:
        """All that are measured, the recipe first."""
        return (self.preset, *self.baselines)


def _particle(dimensions: int, preset: str, baselines: tuple[str, ...], **asked: Any) -> Row:
    """Two thousand demonstrations of so many dimensions."""
    return Row(
        task="particle",
        preset=preset,
        baselines=baselines,
        demonstrations=2_000,
        recorded_with={"dimensions": dimensions},
        judged_with={"dimensions": dimensions},
        **asked,
    )


def _ranked(dimensions: int, budget: float) -> Row:
    """The energy chooses among what a mixture names; beside it that mixture alone, and one answer alone."""
    twins = particle_twins(dimensions)
    return _particle(dimensions, f"fast/particle-{dimensions}", twins, budget=budget, least=0.97)


def _walked(dimensions: int, preset: str, budget: float) -> Row:
    """Langevin dynamics for counter-examples and for acting; beside it a mixture, and one answer alone."""
    twins = particle_twins(dimensions)
    return _particle(dimensions, preset, twins, budget=budget, least=0.95)


ROWS = {
    "push-frame": Row(
        task="push",
        preset="fast/push-frame",
        baselines=("fast/push-frame-mdn", "fast/push-frame-mse"),
        demonstrations=200,
        budget=20.0,
        least=0.98,
        recorded_with={"goal_tolerance": 0.01},
        judged_with={"goal_tolerance": 0.02},
    ),
    "push-raw": Row(
        task="push",
        preset="fast/push",
        baselines=("fast/push-mdn", "fast/push-mse"),
        demonstrations=2_000,
        budget=120.0,
        least=0.95,
        recorded_with={"goal_tolerance": 0.01},
        judged_with={"goal_tolerance": 0.02},
    ),
    "particle-2": _particle(
        2,
        "fast/particle",
        ("fast/particle-2-mdn", "released/particle-mse"),
        budget=70.0,
        least=0.95,
    ),
    "particle-2-ranked": _ranked(2, 40.0),
    "particle-4-ranked": _ranked(4, 40.0),
    "particle-8-ranked": _ranked(8, 30.0),
    "particle-16-ranked": _ranked(16, 60.0),
    "particle-32-ranked": _ranked(32, 120.0),
    "particle-2-frame": Row(
        task="particle",
        preset="fast/particle-frame",
        baselines=("fast/particle-frame-mdn", "fast/particle-frame-mse"),
        demonstrations=2_000,
        noisy=1_000,  # they are drawn back to where they rest
        noise=0.01,
        budget=20.0,
        least=0.97,
        recorded_with={"dimensions": 2, "horizon": 70},
        judged_with={"dimensions": 2},
    ),
    "particle-32-frame": _particle(
        32,
        "fast/particle-32-frame",
        ("fast/particle-32-frame-mdn", "fast/particle-32-frame-mse"),
        budget=120.0,
        least=0.97,
    ),
    "particle-2-langevin": _walked(2, "fast/particle-langevin", 200.0),
    "particle-8-langevin": _walked(8, "fast/particle-8-langevin", 300.0),
}


def measure(row: Row, preset_name: str, data: Path, seed: int, episodes: int) -> dict[str, Any]:
    """Train with one seed and evaluate the chosen checkpoint, or read what an earlier call has measured."""
    preset = load(PRESETS, preset_name, "preset")
    settings = {
        "threads": 1,
        "seed": seed,
        "tensorboard": False,
        **hints(preset.training),
        "budget_cpu_seconds": row.budget,
    }
    same = digest(switched_on(to_json(preset.config)), settings, Dataset.open(data).fingerprint)
    folder = data.parent / f"{preset_name.replace('/', '-')}-{same}-s{seed}"
    measured = folder / f"measured-{episodes}.json"
    if not measured.exists():
        config = TrainConfig(
            data=data,
            out=folder,
            resume=True,
            policy=preset.policy,
            policy_config=preset.config,
            **settings,
        )
        try:
            found = _measured(config, preset_name, row, episodes)
        except (CheckpointError, ConfigError) as error:
            raise SystemExit(f"{error}\nRemove {folder} to begin that training anew.") from error
        write_whole(measured, json_line(found))
    kept: dict[str, Any] = json.loads(measured.read_text())
    return kept


def _measured(config: TrainConfig, preset: str, row: Row, episodes: int) -> dict[str, Any]:
    trained = train(config)
    summary = evaluate(
        EvalConfig(
            policy=str(config.out),
            options=row.judged_with,
            episodes=episodes,
            first_seed=FIRST_SEED,
        )
    ).summary
    return {
        "preset": preset,
        "training_seed": config.seed,
        "steps": trained.steps,
        "chosen_step": trained.best_step,
        "cpu_seconds": trained.cpu_seconds,
        "successes": summary["successes"],
        "episodes": episodes,
    }


def benchmark(name: str, folder: Path, seeds: int, episodes: int) -> dict[str, Any]:
    """Every training seed of a row, the implicit policy beside its explicit baselines."""
    row = ROWS[name]
    data = folder / name / "demos.zarr"
    clean = RecordConfig(
        task=row.task,
        out=data,
        episodes=row.demonstrations - row.noisy,
        options=row.recorded_with,
    )
    record(clean)
    if row.noisy:
        record(dataclasses.replace(clean, episodes=row.noisy, seed=NOISY_SEED, noise=row.noise))
    runs = []
    for preset in row.presets:
        for seed in range(seeds):
            runs.append(measure(row, preset, data, seed, episodes))
            print(name, _line(runs[-1]), flush=True)
    pooled = {}
    for preset in row.presets:
        own = [run for run in runs if run["preset"] == preset]
        solved, tried = sum(run["successes"] for run in own), episodes * len(own)
        pooled[preset] = {"success_rate": solved / tried, "ci95": wilson_interval(solved, tried)}
        print(f"{name}: {preset} {solved}/{tried} = {solved / tried:.1%}", flush=True)
    _compare(name, row, pooled, runs)
    return {"row": name, **dataclasses.asdict(row), "pooled": pooled, "runs": runs}


def _compare(name: str, row: Row, pooled: dict[str, Any], runs: list[dict[str, Any]]) -> None:
    """Say how the recipe stands beside its baselines, and beside what it shall reach."""
    for baseline in row.baselines:
        ratio = pooled[row.preset]["success_rate"] / max(pooled[baseline]["success_rate"], 1e-9)
        print(f"{name}: {ratio:.2f} times the success of {baseline} at equal CPU time", flush=True)
    rates = [run["successes"] / run["episodes"] for run in runs if run["preset"] == row.preset]
    if min(rates) < row.least:
        print(
            f"{name}: a training seed reaches {min(rates):.1%}, less than the {row.least:.0%} that are claimed",
            flush=True,
        )


def _line(run: dict[str, Any]) -> str:
    return (
        f"{run['preset']} seed {run['training_seed']}: {run['successes']}/{run['episodes']} after "
        f"{run['cpu_seconds']:.0f} CPU s, {run['steps']} updates (chose {run['chosen_step']})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", default=ROWS, help=f"of {', '.join(ROWS)}")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--episodes", type=int, default=400)
    parser.add_argument("--runs", type=Path, default=Path("runs/time_to_quality"))
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    for name in arguments.rows:
        row = benchmark(name, arguments.runs, arguments.seeds, arguments.episodes)
        if arguments.out:
            add_row({"command": command("time_to_quality"), **row}, arguments.out)


if __name__ == "__main__":
    main()
