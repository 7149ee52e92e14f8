"""How often the scripted demonstrator of every task succeeds, in every simulator that hosts the task.

    OMP_NUM_THREADS=1 python benchmarks/oracles.py [--task NAME ...] [--workcell NAME ...] [--episodes 500]
        [--goal-tolerance M ...] [--clearance M ...] [--replay] [--out benchmarks/results/oracles.json]

Tasks have their default settings, by which policies are judged, and with --goal-tolerance or --clearance others. Rows
that are in the file already and were not measured this time stay. docs/make_tasks.py puts them on the page of the tasks.
With --replay the episodes are recorded and replayed from their stored state instead, and how many are the same to the last bit
is added to the row that is there.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ibc_gym.data.metadata import installed_versions
from ibc_gym.evaluation.uncertainty import wilson_interval
from ibc_gym.loading import load
from ibc_gym.record import RecordConfig, record
from ibc_gym.registry import make_oracle, make_vec_env
from ibc_gym.replay import ReplayConfig, replay
from ibc_gym.rollout import Episode, rollout
from ibc_gym.tables import ORACLES, REAL_TIME, TASKS, WORKCELLS

ENVIRONMENTS = 10
"""How many run at once; the result does not depend on it."""

SIMULATED = [workcell for workcell in WORKCELLS if workcell not in REAL_TIME]
"""Where 500 episodes do not take hours."""

Row = dict[str, Any]


def measure(task: str, workcell: str, episodes: int, options: dict[str, Any]) -> Row:
    """What became of the episodes with seeds 0, 1, ..."""
    envs = make_vec_env(task, ENVIRONMENTS, autoreset_mode="disabled", workcell=workcell, **options)
    began = time.process_time()
    ran = rollout(envs, make_oracle(task, envs), range(episodes)).episodes
    seconds = time.process_time() - began
    envs.close()
    successes = sum(episode.success for episode in ran)
    lengths = [episode.length for episode in ran]
    scores = [episode.metrics["score"] for episode in ran if "score" in episode.metrics]
    return {
        "task": task,
        "workcell": workcell,
        "options": options,
        "seeds": [0, episodes - 1],
        "episodes": episodes,
        "successes": successes,
        "interval": wilson_interval(successes, episodes),
        "failed_seeds": [episode.seed for episode in ran if not episode.success],
        "length_mean": float(np.mean(lengths)),
        "length_sd": float(np.std(lengths)),
        "length_max": max(lengths),
        "return_mean": float(np.mean([episode.total_reward for episode in ran])),
        **worst(ran),
        **({"score_mean": float(np.mean(scores))} if scores else {}),
        "cpu_seconds": seconds,
        "command": "python " + shlex.join(sys.argv),
        "versions": installed_versions(),
    }


def replayed(task: str, workcell: str, episodes: int, options: dict[str, Any]) -> Row:
    """How many of the episodes with seeds 0, 1, ... are the same to the last bit when they are replayed."""
    with TemporaryDirectory() as folder:
        out = Path(folder) / "demos.zarr"
        made: dict[str, Any] = {"task": task, "workcell": workcell, "options": options}
        record(RecordConfig(out=out, episodes=episodes, workers=1, **made))
        found = replay(ReplayConfig(data=out))
    return {
        "replayed": len(found),
        "replayed_steps": sum(episode.replayed for episode in found),
        "replayed_exactly": sum(episode.exact for episode in found),
        "parted_seeds": [episode.seed for episode in found if not episode.exact],
        "replay_command": "python " + shlex.join(sys.argv),
    }


def worst(ran: Sequence[Episode]) -> Row:
    """The deepest that things were in each other in any episode, where the task tells [m]."""
    name = "worst_penetration"
    depths = [episode.metrics[name] for episode in ran if name in episode.metrics]
    return {name: max(depths)} if depths else {}


def show_replayed(name: str, row: Row) -> str:
    exact, count, steps = (row[f"replayed{what}"] for what in ("_exactly", "", "_steps"))
    return f"{name:45} {exact:4} of {count} replay exactly, {steps:,} steps"


def show(name: str, row: Row) -> str:
    low, high = (100 * edge for edge in row["interval"])
    return (
        f"{name:45} {row['successes']:4} of {row['episodes']} succeed ({low:.1f} to {high:.1f} %), "
        f"{row['length_mean']:5.1f} +- {row['length_sd']:4.1f} steps, at most {row['length_max']}, "
        f"return {row['return_mean']:6.2f}, {row['cpu_seconds']:6.1f} CPU-seconds"
        + (f", {1e3 * row['worst_penetration']:.3f} mm deep" if "worst_penetration" in row else "")
    )


def put(file: Path, name: str, row: Row) -> None:
    """Put a row, or more of one, into the file, which others may have added to in the meantime."""
    rows = json.loads(file.read_text())["rows"] if file.exists() else {}
    whole = rows.get(name, {}) | row if "replayed" in row else row
    file.write_text(json.dumps({"rows": rows | {name: whole}}, indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--task", nargs="+", choices=sorted(ORACLES), default=list(TASKS))
    parser.add_argument("--workcell", nargs="+", choices=SIMULATED, default=SIMULATED)
    parser.add_argument("--episodes", type=int, default=500)
    parser.add_argument("--goal-tolerance", nargs="+", type=float, default=[None], help="[m]")
    parser.add_argument("--clearance", nargs="+", type=float, default=[None], help="[m]")
    parser.add_argument("--replay", action="store_true", help="record and replay them instead")
    parser.add_argument("--out", type=Path, help="put the figures into this JSON file")
    arguments = parser.parse_args()
    for task in arguments.task:
        for workcell in load(TASKS, task, "task").workcells:
            if workcell not in arguments.workcell:
                continue
            for given in product(arguments.goal_tolerance, arguments.clearance):
                named = zip(("goal_tolerance", "clearance"), given, strict=True)
                options = {option: value for option, value in named if value is not None}
                name = f"{task}@{workcell}" + "".join(f" {k}={v}" for k, v in options.items())
                do, tell = (replayed, show_replayed) if arguments.replay else (measure, show)
                row = do(task, workcell, arguments.episodes, options)
                print(tell(name, row), flush=True)
                if arguments.out is not None:
                    put(arguments.out, name, row)


if __name__ == "__main__":
    main()
