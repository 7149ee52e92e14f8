"""How fast particles are stepped: as arrays, one by one, and with the demonstrator acting.

    OMP_NUM_THREADS=1 python benchmarks/particle.py [--rows 4096] [--out benchmarks/results/particle.json]

Figures are steps per CPU-second of one core, the best of several runs, resets of ended episodes included. The baseline
is Gymnasium's own SyncVectorEnv over the single environment, in the same run. What the published environment and
oracle do while recording is cited, not measured here.
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

import numpy as np
from gymnasium.vector import SyncVectorEnv, VectorEnv

from ibc_gym.data.metadata import installed_versions
from ibc_gym.registry import make_env, make_oracle, make_vec_env
from ibc_gym.rollout import rollout

REPEATS = 5
DIMENSIONS = (2, 16)
PUBLISHED = {2: 416.0, 16: 345.0}
"""Steps per CPU-second of the published environment, oracle and recording, by dimensions; as cited, one core."""

Row = dict[str, Any]


def best_rate(work: Callable[[], int]) -> float:
    """The greatest of several rates at which `work` does the number of things that it returns [1/s]."""
    work()  # the first run also fills caches
    rates = []
    for _ in range(REPEATS):
        began = time.process_time()
        done = work()
        rates.append(done / (time.process_time() - began))
    return max(rates)


def stepping(envs: VectorEnv[Any, Any, Any], steps: int) -> Callable[[], int]:
    envs.reset(seed=0)
    shape = envs.action_space.shape
    actions = np.random.default_rng(0).random(shape, dtype=np.float32)

    def work() -> int:
        for _ in range(steps):
            envs.step(actions)
        return steps * envs.num_envs

    return work


def demonstrating(envs: VectorEnv[Any, Any, Any], steps: int) -> Callable[[], int]:
    oracle = make_oracle("particle", envs)
    every = np.ones(envs.num_envs, dtype=np.bool_)

    def work() -> int:
        seeds = list(range(envs.num_envs))
        observation, _ = envs.reset(seed=seeds)  # type: ignore[arg-type]  # the hint forgets lists
        oracle.reset(every, seeds)
        for _ in range(steps):
            observation, *_ = envs.step(oracle.act(observation))
        return steps * envs.num_envs

    return work


def rolling_out(envs: VectorEnv[Any, Any, Any]) -> Callable[[], int]:
    oracle = make_oracle("particle", envs)

    def work() -> int:
        outcome = rollout(envs, oracle, range(envs.num_envs))
        assert all(episode.success for episode in outcome.episodes)
        return sum(episode.length for episode in outcome.episodes)

    return work


def resetting(envs: VectorEnv[Any, Any, Any]) -> Callable[[], int]:
    def work() -> int:
        envs.reset(seed=list(range(envs.num_envs)))  # type: ignore[arg-type]
        return envs.num_envs

    return work


def stepping_one(dimensions: int, steps: int) -> Callable[[], int]:
    env = make_env("particle", dimensions=dimensions)
    env.reset(seed=0)
    action = np.full(dimensions, 0.5, dtype=np.float32)

    def work() -> int:
        for _ in range(steps):
            *_, truncated, _ = env.step(action)
            if truncated:
                env.reset()
        return steps

    return work


def measure(dimensions: int, rows: int) -> Row:
    def vector(mode: str = "next_step") -> VectorEnv[Any, Any, Any]:
        return make_vec_env("particle", rows, dimensions=dimensions, autoreset_mode=mode)

    loop = SyncVectorEnv([lambda: make_env("particle", dimensions=dimensions)] * 64)
    return {
        "dimensions": dimensions,
        "rows": rows,
        "as arrays [steps/s]": best_rate(stepping(vector(), 102)),
        "as arrays, with oracle and seeded resets [steps/s]": best_rate(
            demonstrating(vector("disabled"), 50)
        ),
        "rollout of the oracle, all succeed [steps/s]": best_rate(rolling_out(vector("disabled"))),
        "seeded resets, as arrays [episodes/s]": best_rate(resetting(vector("disabled"))),
        "single environment [steps/s]": best_rate(stepping_one(dimensions, 1020)),
        "baseline: SyncVectorEnv of 64 [steps/s]": best_rate(stepping(loop, 51)),
        "baseline: its seeded resets [episodes/s]": best_rate(resetting(loop)),
        "published, with recording, cited [steps/s]": PUBLISHED[dimensions],
    }


def with_ratios(row: Row) -> Row:
    arrays = row["as arrays [steps/s]"]
    demonstrated = row["as arrays, with oracle and seeded resets [steps/s]"]
    return row | {
        "as arrays / baseline": arrays / row["baseline: SyncVectorEnv of 64 [steps/s]"],
        "seeded resets / baseline": row["seeded resets, as arrays [episodes/s]"]
        / row["baseline: its seeded resets [episodes/s]"],
        "with oracle / published (which also records)": demonstrated
        / row["published, with recording, cited [steps/s]"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=4096, help="environments stepped at once")
    parser.add_argument("--out", type=Path, help="also write the figures here, as JSON")
    arguments = parser.parse_args()
    found = [with_ratios(measure(dimensions, arguments.rows)) for dimensions in DIMENSIONS]
    for row in found:
        print(f"particle, N = {row['dimensions']}, {row['rows']} rows")
        for name, value in list(row.items())[2:]:
            print(f"  {value:>14,.1f}  {name}")
    if arguments.out:
        words = ["python", "benchmarks/particle.py", *sys.argv[1:]]
        record = {"command": shlex.join(words), "versions": installed_versions(), "rows": found}
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
