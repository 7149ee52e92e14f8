"""Train on the human demonstrations of Push-T and evaluate the last weights, through the command line alone.

    python -m benchmarks.human --data DATA [--only frame] [--seeds 0 1 2] [--out benchmarks/results/human.json]

DATA holds `pusht/pusht_human.npz`; by default $IBC_GYM_HUMAN_DATA. Hand and kitchen are rows of `quality.py`. Runs are
kept in --runs; what is there already is not made again. Every row says which commands made it.

No episode is held out and the last weights are taken: with so few people, the held-out action error chooses the
first checkpoint, long before the policy is at its best in the environment.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ibc_gym.atomic import write_whole
from ibc_gym.data.metadata import installed_versions

DATA_VARIABLE = "IBC_GYM_HUMAN_DATA"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One policy on one data set."""

    data: str
    """Row of `SOURCES`."""
    name: str
    """Its run folder is <name>-s<seed>."""
    training: tuple[str, ...]
    """Flags of `ibc-gym train`."""


SOURCES = {
    "door": "door-human-v0/door_human_v0.npz",
    "pusht": "pusht/pusht_human.npz",
    "relocate": "relocate-human/relocate_human.npz",
    "kitchen": "kitchen-complete-v2/kitchen_complete_v2.npz",
}
"""Files of demonstrations, in the folder that the user names."""
HORIZON = 300
"""Steps of an episode, as published."""

RECIPES = (
    Recipe(data="pusht", name="pusht-ebm", training=("--preset", "fast/pusht")),
    Recipe(data="pusht", name="pusht-frame-ebm", training=("--preset", "fast/pusht-frame")),
    Recipe(data="pusht", name="pusht-mse", training=("--preset", "fast/pusht-mse")),
    Recipe(data="pusht", name="pusht-frame-mse", training=("--preset", "fast/pusht-frame-mse")),
)
PUBLISHED = {
    "pusht": {
        "horizon": HORIZON,
        "measure": "best reward, best checkpoint / mean of the last ten; keypoints as state",
        "IBC": "0.90 / 0.84",
        "LSTM-GMM": "0.67 / 0.61",
        "Diffusion Policy": "0.95 / 0.91",
        "source": "Chi et al. 2023, Table I",
    },
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=os.environ.get(DATA_VARIABLE))
    parser.add_argument("--runs", type=Path, default=Path("runs/human"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--episodes", type=int, default=100)
    parser.add_argument("--only", default="", help="only recipes whose name contains this")
    parser.add_argument("--out", type=Path)
    config = parser.parse_args()
    if config.data is None:
        parser.error(f"say where the demonstrations are, with --data or ${DATA_VARIABLE}")
    config.runs.mkdir(parents=True, exist_ok=True)
    rows = []
    for recipe in RECIPES:
        if config.only in recipe.name:
            for seed in config.seeds:
                rows.append(measure(recipe, seed, config))
                write(config.out, rows)


def measure(recipe: Recipe, seed: int, config: argparse.Namespace) -> dict[str, Any]:
    """Import, train and evaluate."""
    data = imported(recipe.data, Path(config.data), config.runs)
    folder = config.runs / f"{recipe.name}-s{seed}"
    train = ["train", str(data), "--out", str(folder), *recipe.training]
    train += ["--validation-fraction", "0", "--seed", str(seed), "--threads", "1"]
    spent = folder / "cpu_seconds.json"
    if not spent.exists():
        seconds, _ = run(train)
        write_whole(spent, json.dumps(seconds))
    words = ["eval", str(folder), "--horizon", str(HORIZON)]
    words += ["--episodes", str(config.episodes), "--workers", "1", "--num-envs", "25"]
    kept = folder / f"eval-{HORIZON}-{config.episodes}.json"
    if not kept.exists():
        _, said = run([*words, "--json"])
        write_whole(kept, said)
    row = {
        "recipe": recipe.name,
        "training_seed": seed,
        "training_cpu_seconds": round(json.loads(spent.read_text()), 1),
        **facts(json.loads(kept.read_text())),
        "commands": [spoken(train, config.runs), spoken(words, config.runs)],
    }
    print(json.dumps(row, indent=2), flush=True)
    return row


def imported(source: str, folder: Path, runs: Path) -> Path:
    """A row of `SOURCES` in our format, imported the first time."""
    data = runs / f"{source}.zarr"
    if not data.exists():
        run(["data", "import", str(folder / SOURCES[source]), "--out", str(data)])
    return data


def run(words: Sequence[str]) -> tuple[float, str]:
    """Run one command of ours on one thread; its CPU time [s] and standard output."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = subprocess.run(
        [sys.executable, "-m", "ibc_gym", *words],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, result.stdout


def write(path: Path | None, rows: Sequence[dict[str, Any]]) -> None:
    """Write what has been measured so far."""
    if path is not None:
        result = {"versions": installed_versions(), "published": PUBLISHED, "rows": list(rows)}
        write_whole(path, json.dumps(result, indent=2) + "\n")


def facts(evaluation: dict[str, Any]) -> dict[str, Any]:
    """What a table needs of an evaluation."""
    names = ["task", "policy", "frame", "horizon", "episodes", "successes", "success_rate", "ci95"]
    names += ["return_mean", "return_ci95", "best_reward_mean", "length_mean", "score", "action_ms"]
    seeds = evaluation["seeds"]
    return {**{name: evaluation.get(name) for name in names}, "seeds": [seeds[0], seeds[-1]]}


def spoken(words: Sequence[str], runs: Path) -> str:
    """The command without this machine's paths."""
    return "ibc-gym " + shlex.join(words).replace(str(runs), "RUNS")


if __name__ == "__main__":
    main()
