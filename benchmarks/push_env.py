"""How fast pushing is stepped and drawn in either simulator, beside the published environment.

    OMP_NUM_THREADS=1 python benchmarks/push_env.py [--out benchmarks/results/push_env.json]

Steps are those of `Env.step` in episodes of the oracle, whose actions were noted down beforehand; resets are included,
and so is the block being pushed. Figures are per CPU-second of one core, the best of several runs. The published
environment's are cited: PyBullet at 240 Hz, its pictures by the same control loop at 240 x 320.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from ibc_gym.data.metadata import installed_versions
from ibc_gym.env import Env
from ibc_gym.records import Float32
from ibc_gym.registry import make_env, make_oracle

REPEATS = 5
STATE_EPISODES = 20
IMAGE_EPISODES = 4
SIZES = ((240, 320), (180, 240), (90, 120))
"""Height and width of the pictures [px]."""
PUBLISHED_STEPS = {"push": 209.0, "push-multimodal": 122.0}
"""State steps per CPU-second of the published environments; three runs of push gave 197 to 221."""
PUBLISHED_FRAMES = {"push": 18.0}
"""Its steps with a 240 x 320 picture, at best."""
OPTIONS: dict[str, dict[str, Any]] = {"push": {"goal_tolerance": 0.01}, "push-multimodal": {}}
"""As demonstrations are recorded."""

Episodes = list[tuple[int, list[Float32]]]
Row = dict[str, Any]


def noted(task: str, workcell: str, episodes: int) -> Episodes:
    """Seeds and the oracle's actions."""
    env = make_env(task, workcell=workcell, **OPTIONS[task])
    oracle = make_oracle(task, env)
    notes: Episodes = []
    for seed in range(episodes):
        observation, _ = env.reset(seed=seed)
        oracle.reset(np.ones(1, dtype=np.bool_), [seed])
        actions: list[Float32] = []
        ended = False
        while not ended:
            actions.append(oracle.act({"state": observation["state"][None]})[0])
            observation, _, terminated, truncated, _ = env.step(actions[-1])
            ended = terminated or truncated
        notes.append((seed, actions))
    env.close()
    return notes


def best_rate(task: str, episodes: Episodes, **options: Any) -> float:
    """The greatest number of steps per CPU-second of several runs through all episodes."""
    env = make_env(task, **OPTIONS[task], **options)
    steps = sum(len(actions) for _, actions in episodes)
    rates = []
    for _ in range(REPEATS):
        began = time.process_time()
        for seed, actions in episodes:
            env.reset(seed=seed)
            for action in actions:
                env.step(action)
        rates.append(steps / (time.process_time() - began))
    env.close()
    return max(rates)


def physics_microseconds(task: str, workcell: str, episodes: Episodes) -> float:
    """CPU time of one physics step while the oracle pushes [us]."""
    env = make_env(task, workcell=workcell, **OPTIONS[task])
    assert isinstance(env, Env)
    world: Any = env.workcell.simulation
    spent, count = 0.0, 0

    def step(substeps: int, *arguments: Any) -> None:
        nonlocal spent, count
        began = time.process_time()
        plain(substeps, *arguments)
        spent += time.process_time() - began
        count += substeps

    plain, world.step = world.step, step
    for seed, actions in episodes:
        env.reset(seed=seed)
        for action in actions:
            env.step(action)
    env.close()
    return 1e6 * spent / count


def measure(task: str, workcell: str) -> list[Row]:
    episodes = noted(task, workcell, STATE_EPISODES)
    rate = best_rate(task, episodes, workcell=workcell)
    rows: list[Row] = [
        {"what": "states", "rate": rate, "ratio": rate / PUBLISHED_STEPS[task]},
        {
            "what": "one physics step [us]",
            "microseconds": physics_microseconds(task, workcell, episodes),
        },
    ]
    for size in SIZES if task in PUBLISHED_FRAMES else ():
        few = episodes[:IMAGE_EPISODES]
        rate = best_rate(task, few, workcell=workcell, observation="image", image_size=size)
        row: Row = {"what": "images {} x {}".format(*size), "rate": rate}
        if size == SIZES[0]:
            row["ratio"] = rate / PUBLISHED_FRAMES[task]
        rows.append(row)
    return [{"task": task, "workcell": workcell, **row} for row in rows]


def show(row: Row) -> str:
    name = f"{row['task']:16} {row['workcell']:9} {row['what']:22}"
    if "microseconds" in row:
        return f"{name} {row['microseconds']:8.1f}"
    beside = f"   {row['ratio']:5.1f} x the published environment" if "ratio" in row else ""
    return f"{name} {row['rate']:8.0f} steps per CPU-second{beside}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", nargs="+", choices=list(OPTIONS), default=list(OPTIONS))
    parser.add_argument("--workcells", nargs="+", default=["mujoco", "pybullet"])
    parser.add_argument("--out", type=Path, help="write the figures here as JSON")
    arguments = parser.parse_args()
    rows: list[Row] = []
    for task in arguments.tasks:
        for workcell in arguments.workcells:
            found = measure(task, workcell)
            print("\n".join(map(show, found)), flush=True)
            rows += found
    if arguments.out is not None:
        report = {
            "command": "python " + shlex.join(sys.argv),
            "versions": installed_versions(),
            "published": {"states": PUBLISHED_STEPS, "images": PUBLISHED_FRAMES},
            "rows": rows,
        }
        arguments.out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
