"""How fast pushing is stepped and drawn in either simulator, beside the published environment, and what its oracle does.

    OMP_NUM_THREADS=1 python benchmarks/push_env.py [--episodes 500] [--out benchmarks/results/push_env.json]

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
from ibc_gym.registry import make_env, make_oracle, make_vec_env
from ibc_gym.rollout import rollout

REPEATS = 5
STATE_EPISODES = 20
IMAGE_EPISODES = 4
SIZES = ((240, 320), (180, 240), (90, 120))
"""Height and width of the pictures [px]."""
PUBLISHED_STEPS = 209.0
"""State steps per CPU-second of the published environment; three runs gave 197 to 221."""
PUBLISHED_FRAMES = 18.0
"""Its steps with a 240 x 320 picture, at best."""
TOLERANCE = 0.01
"""At which demonstrations are recorded [m]."""
TOLERANCES = (TOLERANCE, 0.02)
"""At which the oracle is judged [m]: as demonstrations are recorded, and as policies are judged."""

Episodes = list[tuple[int, list[Float32]]]
Row = dict[str, Any]


def noted(workcell: str, episodes: int) -> Episodes:
    """Seeds and the oracle's actions."""
    env = make_env("push", workcell=workcell, goal_tolerance=TOLERANCE)
    oracle = make_oracle("push", env)
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


def best_rate(episodes: Episodes, **options: Any) -> float:
    """The greatest number of steps per CPU-second of several runs through all episodes."""
    env = make_env("push", goal_tolerance=TOLERANCE, **options)
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


def physics_microseconds(workcell: str, episodes: Episodes) -> float:
    """CPU time of one physics step while the oracle pushes [us]."""
    env = make_env("push", workcell=workcell, goal_tolerance=TOLERANCE)
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


def oracle_row(workcell: str, episodes: int, tolerance: float) -> Row:
    envs = make_vec_env(
        "push", 8, workcell=workcell, autoreset_mode="disabled", goal_tolerance=tolerance
    )
    ran = rollout(envs, make_oracle("push", envs), range(episodes)).episodes
    envs.close()
    lengths = [episode.length for episode in ran]
    return {
        "what": f"oracle at {tolerance} m, seeds 0 to {episodes - 1}",
        "successes": sum(episode.success for episode in ran),
        "episodes": episodes,
        "length_mean": float(np.mean(lengths)),
        "length_sd": float(np.std(lengths)),
    }


def measure(workcell: str, oracle_episodes: int) -> list[Row]:
    episodes = noted(workcell, STATE_EPISODES)
    rate = best_rate(episodes, workcell=workcell)
    rows: list[Row] = [
        {"what": "states", "rate": rate, "ratio": rate / PUBLISHED_STEPS},
        {
            "what": "one physics step [us]",
            "microseconds": physics_microseconds(workcell, episodes),
        },
    ]
    for height, width in SIZES:
        rate = best_rate(
            episodes[:IMAGE_EPISODES],
            workcell=workcell,
            observation="image",
            image_size=(height, width),
        )
        row: Row = {"what": f"images {height} x {width}", "rate": rate}
        if (height, width) == SIZES[0]:
            row["ratio"] = rate / PUBLISHED_FRAMES
        rows.append(row)
    rows += [oracle_row(workcell, oracle_episodes, tolerance) for tolerance in TOLERANCES]
    return [{"workcell": workcell, **row} for row in rows]


def show(row: Row) -> str:
    return f"{row['workcell']:10} {said(row)}"


def said(row: Row) -> str:
    if "rate" in row:
        beside = f"   {row['ratio']:5.1f} x the published environment" if "ratio" in row else ""
        return f"{row['what']:24} {row['rate']:8.0f} steps per CPU-second{beside}"
    if "microseconds" in row:
        return f"{row['what']:24} {row['microseconds']:8.1f}"
    return (
        f"{row['what']}: {row['successes']} of {row['episodes']} succeed, "
        f"{row['length_mean']:.1f} +- {row['length_sd']:.1f} steps"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=500, help="of the oracle")
    parser.add_argument("--workcells", nargs="+", default=["mujoco", "pybullet"])
    parser.add_argument("--out", type=Path, help="write the figures here as JSON")
    arguments = parser.parse_args()
    rows = [row for cell in arguments.workcells for row in measure(cell, arguments.episodes)]
    print("\n".join(map(show, rows)))
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
