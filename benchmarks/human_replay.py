"""Play recorded human actions again, open loop from the recorded starts, and count what comes of it.

    python benchmarks/human_replay.py --data DATA [--out benchmarks/results/human_replay.json]

DATA holds the `.npz` files of the human demonstrations (door-human-v0, relocate-human, kitchen-complete-v2,
kitchen-complete-v0-shard, pusht), each in a folder of that name; by default $IBC_GYM_HUMAN_DATA. The table tells
whether this machine's simulators still do what the demonstrations were recorded in.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

import ibc_gym
from ibc_gym.data.metadata import installed_versions

DATA_VARIABLE = "IBC_GYM_HUMAN_DATA"

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Demonstration:
    """One episode of a file."""

    observations: np.ndarray
    """(T, O)"""
    actions: np.ndarray
    """(T, A)"""
    rewards: np.ndarray
    """(T,)"""
    start: dict[str, np.ndarray]
    """The recorded start, as `reset` takes it."""


@dataclass(frozen=True, kw_only=True)
class Replay:
    """What came of playing one again."""

    rewards: np.ndarray
    """(T,)"""
    observations: np.ndarray
    """Before every action and after the last, (T + 1, O)."""
    infos: list[dict[str, Any]]
    """After every action."""


def read(path: Path) -> list[Demonstration]:
    """Every episode of one `.npz`."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file}
    ends = arrays["episode_ends"]
    begins = [0, *ends[:-1]]
    starts = {name.removeprefix("init_"): a for name, a in arrays.items() if name[:5] == "init_"}
    return [
        Demonstration(
            observations=arrays["observations"][begin:end],
            actions=arrays["actions"][begin:end],
            rewards=arrays["rewards"][begin:end],
            start={name: array[k] for name, array in starts.items()},
        )
        for k, (begin, end) in enumerate(zip(begins, ends, strict=True))
    ]


def replay(
    env: Any,
    demonstration: Demonstration,
    *,
    seed: int = 0,
    recorded_start: bool = True,
    before_step: Callable[[int], None] | None = None,
) -> Replay:
    """Play one demonstration's actions, whatever comes of them."""
    options = {"recorded_start": demonstration.start} if recorded_start else None
    observation, _ = env.reset(seed=seed, options=options)
    seen, rewards, infos = [observation["state"]], [], []
    for step, action in enumerate(demonstration.actions):
        if before_step is not None:
            before_step(step)
        observation, reward, terminated, _, info = env.step(action)
        seen.append(observation["state"])
        rewards.append(reward)
        infos.append(info)
        if terminated:
            break
    return Replay(rewards=np.array(rewards), observations=np.array(seen), infos=infos)


def adroit(name: str, id: str, demonstrations: list[Demonstration]) -> Iterator[Row]:
    """Returns under the benchmark's sign, and how often the goal is reached."""
    longest = max(len(d.actions) for d in demonstrations)
    env = ibc_gym.make_env(f"gym:{id}", horizon=longest)
    replays = [replay(env, d) for d in demonstrations]
    pairs = list(zip(demonstrations, replays, strict=True))
    returns = np.array([r.rewards.sum() for r in replays])
    steps = np.array([r.infos[-1]["goal_steps"] for r in replays])
    yield {
        "data": name,
        "environment": id,
        "episodes": len(replays),
        "touched the goal": int((steps > 0).sum()),
        "successes (more than 25 steps)": int((steps > 25).sum()),
        **_summary("return", returns),
        **_normalised(env, returns),
        "return of the first 200 steps": float(np.mean([r.rewards[:200].sum() for r in replays])),
        "return as stored": float(np.mean([d.rewards.sum() for d in demonstrations])),
        "largest observation error, median episode": _median_error(pairs),
    }
    env.close()


def kitchen(name: str, id: str, demonstrations: list[Demonstration]) -> Iterator[Row]:
    """Tasks finished, for every way of beginning and of feeding the velocity controller."""
    shard = "shard" in name
    layout: dict[str, Any] = {"layout": "d4rl"} if shard else {}
    variants: list[tuple[str, dict[str, Any], bool, bool, int]] = [
        ("recorded start, no noise", {"robot_noise_ratio": 0.0}, True, False, 0),
        ("recorded start, no noise, recorded feedback", {"robot_noise_ratio": 0.0}, True, True, 0),
    ]
    if not shard:
        variants += [
            ("own start, no noise", {"robot_noise_ratio": 0.0}, False, False, 0),
            ("recorded start, noise 0.01", {}, True, False, 0),
            ("own start, noise 0.01, seed 0", {}, False, False, 0),
            ("own start, noise 0.01, seed 1", {}, False, False, 1),
        ]
    for label, options, recorded, feedback, seed in variants:
        env: Any = ibc_gym.make_env(f"gym:{id}", horizon=400, **layout, **options)
        replays = [
            replay(
                env,
                demonstration,
                seed=seed,
                recorded_start=recorded,
                before_step=_feedback(env, demonstration) if feedback else None,
            )
            for demonstration in demonstrations
        ]
        done = np.array([r.infos[-1]["tasks_done"] for r in replays])
        yield {
            "data": name,
            "environment": id,
            "variant": label,
            "episodes": len(done),
            "all four tasks": int(np.sum(done == 4)),
            "tasks per episode": float(done.mean()),
        }
        env.close()


def pusht(name: str, id: str, demonstrations: list[Demonstration]) -> Iterator[Row]:
    """Best reward, and how far the block strays from the recording."""
    env = ibc_gym.make_env(f"gym:{id}")
    replays = [replay(env, d) for d in demonstrations]
    best = np.array([r.rewards.max() for r in replays])
    errors = []
    for d, r in zip(demonstrations, replays, strict=True):
        rows = min(len(d.observations), len(r.observations))
        errors.append(np.abs(d.observations[:rows, 2:4] - r.observations[:rows, 2:4]).max())
    yield {
        "data": name,
        "environment": id,
        "episodes": len(replays),
        "successes": sum(bool(r.infos[-1]["is_success"]) for r in replays),
        **_summary("best reward", best),
        "return, mean": float(np.mean([r.rewards.sum() for r in replays])),
        "block within 5 px throughout": int(np.sum(np.array(errors) < 5)),
        "largest block error of the median episode [px]": float(np.median(errors)),
    }
    env.close()


SETS: dict[str, tuple[str, Callable[..., Iterator[Row]]]] = {
    "door-human-v0/door_human_v0.npz": ("AdroitHandDoor-v1", adroit),
    "relocate-human/relocate_human.npz": ("AdroitHandRelocate-v1", adroit),
    "kitchen-complete-v2/kitchen_complete_v2.npz": ("FrankaKitchen-v1", kitchen),
    "kitchen-complete-v0-shard/kitchen_complete_v0_shard.npz": ("FrankaKitchen-v1", kitchen),
    "pusht/pusht_human.npz": ("gym_pusht/PushT-v0", pusht),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=os.environ.get(DATA_VARIABLE))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--only", default="", help="play only files whose path contains this")
    config = parser.parse_args()
    if config.data is None:
        parser.error(f"say where the demonstrations are, with --data or ${DATA_VARIABLE}")
    rows: list[Row] = []
    began = time.process_time()
    for relative, (id, play) in SETS.items():
        path = Path(config.data) / relative
        if config.only not in relative:
            continue
        if not path.is_file():
            parser.error(f"{path} is missing")
        for row in play(relative.split("/")[0], id, read(path)):
            rows.append(row)
            print(json.dumps(row, indent=2), flush=True)
    if config.out:
        result = {
            "command": f"python {shlex.join(_relative(sys.argv, config.data))}",
            "versions": installed_versions()
            | {name: version(name) for name in ("gym-pusht", "pymunk")},
            "cpu_seconds": round(time.process_time() - began, 1),
            "rows": rows,
        }
        config.out.write_text(json.dumps(result, indent=2) + "\n")


def _feedback(env: Any, demonstration: Demonstration) -> Callable[[int], None]:
    """Let the kitchen's velocity controller go on from the joints as they were read then."""
    robot = env.inner.unwrapped.robot_env

    def feed(step: int) -> None:
        robot._last_robot_qpos = demonstration.observations[step, :9].astype(np.float64)

    return feed


def _summary(name: str, values: np.ndarray) -> Row:
    return {
        f"{name}, mean": float(values.mean()),
        f"{name}, least": float(values.min()),
        f"{name}, greatest": float(values.max()),
    }


def _normalised(env: Any, returns: np.ndarray) -> Row:
    random, expert = env.task.reference_scores
    return {"normalised return": float(100 * (returns.mean() - random) / (expert - random))}


def _median_error(pairs: list[tuple[Demonstration, Replay]]) -> float:
    return float(
        np.median(
            [np.abs(d.observations - r.observations[: len(d.observations)]).max() for d, r in pairs]
        )
    )


def _relative(words: list[str], data: Path) -> list[str]:
    """The command without this machine's paths."""
    return ["DATA" if word == str(data) else word for word in words]


if __name__ == "__main__":
    main()
