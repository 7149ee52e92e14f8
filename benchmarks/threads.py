"""How many environment steps per second one process makes with one thread and with all cores, state tasks on MuJoCo.

    python benchmarks/threads.py [--tasks push push-multimodal] [--out benchmarks/results/threads.json]

Beside it what `mujoco.batch` gains on the same physics. It cannot do better than the share of physics in a step allows,
since what is around the physics then runs on one core; with threads the two overlap.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mujoco.batch
import numpy as np

from ibc_gym.data.metadata import installed_versions
from ibc_gym.registry import make_env, make_vec_env
from ibc_gym.threads import usable_cores

ENVS = 64
REPEATS = 8
"""Of each measurement, in turns; the best counts, for what else the machine does only slows down."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tasks", nargs="+", default=["push", "push-multimodal"])
    parser.add_argument("--steps", type=int, default=60, help="of every environment, each time")
    parser.add_argument("--out", type=Path)
    config = parser.parse_args()
    rows = [measure(task, config.steps) for task in config.tasks]
    if config.out is not None:
        found = {
            "command": "python " + shlex.join(sys.argv),
            "versions": installed_versions(),
            "cores": usable_cores(),
            "rows": rows,
        }
        config.out.write_text(json.dumps(found, indent=2) + "\n")


def measure(task: str, steps: int) -> dict[str, Any]:
    """Steps per second of one task, every way."""
    cores = usable_cores()
    ways: dict[str, Callable[[], float]] = {
        "environments, 1 thread": lambda: of_environments(task, 1, steps),
        f"environments, {cores} threads": lambda: of_environments(task, cores, steps),
        "physics alone in mujoco.batch, 1 thread": lambda: of_batch(task, 1, steps),
        f"physics alone in mujoco.batch, {cores} threads": lambda: of_batch(task, cores, steps),
    }
    best = dict.fromkeys(ways, 0.0)
    for _ in range(REPEATS):
        for name, way in ways.items():
            best[name] = max(best[name], way())
    for name, value in best.items():
        print(f"{task:<20} {name:<48} {value:>9,.0f} steps/s")
    one, many, batch_one, batch_many = best.values()
    row = {"task": task, "environments": ENVS, "threads": cores, "steps_per_s": best}
    row |= {"ratio": many / one, "ratio_of_batch_on_physics_alone": batch_many / batch_one}
    # Amdahl: physics on all cores, everything else on one.
    physics = one / batch_one
    row["ratio_that_batch_could_reach"] = 1 / (1 - physics + physics * batch_one / batch_many)
    for name in ("ratio", "ratio_of_batch_on_physics_alone", "ratio_that_batch_could_reach"):
        print(f"{task:<20} {name:<48} {row[name]:>9.2f}")
    return row


def of_environments(task: str, threads: int, steps: int) -> float:
    """Environment steps per second of wall time."""
    envs = make_vec_env(task, ENVS, threads=threads)
    envs.reset(seed=0)
    actions = np.random.default_rng(0).uniform(-0.02, 0.02, (steps, ENVS, 2)).astype(np.float32)
    started = time.perf_counter()
    for row in actions:
        envs.step(row)
    seconds = time.perf_counter() - started
    envs.close()
    return steps * ENVS / seconds


def of_batch(task: str, threads: int, steps: int) -> float:
    """Control periods per second of wall time that `mujoco.batch` integrates."""
    env = make_env(task)
    env.reset(seed=0)
    world: Any = env.unwrapped.workcell.simulation  # type: ignore[attr-defined]
    batch = mujoco.batch.Batch(world.model, ENVS, threads)
    started = time.perf_counter()
    for _ in range(steps):
        batch.step(nstep=world.substeps)
    seconds = time.perf_counter() - started
    env.close()
    return steps * ENVS / seconds


if __name__ == "__main__":
    main()
