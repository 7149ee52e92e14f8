"""How fast the default policies are trained, loading included, beside a plain PyTorch loop in the same run.

    OMP_NUM_THREADS=1 python benchmarks/training.py [--steps 150] [--rounds 3] [--out benchmarks/results/training.json]

Figures are updates per CPU-second of one core, the best of several rounds taken in turns, in the shapes of the push
task from states: 200 demonstrations, two frames of ten numbers, batches of 256. Ours is the whole trainer with
averaging of weights, checks for divergence and its log; validation and checkpoints are left out on both sides. The
baseline descends the same loss by the same policy with a `DataLoader` over single windows and Adam as it comes.
"Loading" is the time until a batch lies in memory, by itself.
"""

from __future__ import annotations

import argparse
import itertools
import json
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from torch.utils.data import DataLoader, Dataset

from ibc_gym.contracts import PolicySpec, TrainingData
from ibc_gym.data.metadata import installed_versions
from ibc_gym.records import Windows
from ibc_gym.registry import make_policy
from ibc_gym.training.config import TrainConfig
from ibc_gym.training.learner import Rows
from ibc_gym.training.records import TrainingProgress, TrainingSet
from ibc_gym.training.trainer import train_on

EPISODES = 200
LENGTH = 53
BATCH = 256
WARM = 20
"""Updates that are not timed."""
SPEC = PolicySpec(
    task="push",
    observation_space=spaces.Dict({"state": spaces.Box(-1, 1, (10,))}),
    action_space=spaces.Box(-0.03, 0.03, (2,)),
    control_period=0.1,
)


def demonstrations() -> Windows:
    """Smooth random episodes in the shapes of the push task; what is learned does not matter here."""
    rng = np.random.default_rng(0)
    count = EPISODES * LENGTH
    state = rng.uniform(-1, 1, (count, 10)).astype(np.float32)
    episode = np.repeat(np.arange(EPISODES), LENGTH)
    rows = np.arange(count)
    index = np.stack([np.maximum(rows - 1, episode * LENGTH), rows], axis=1)
    action = (0.03 * np.tanh(state[:, :2] - state[:, 2:4])).astype(np.float32)
    return Windows(frames={"state": state}, index=index, action=action, episode=episode)


def ours(name: str, windows: Windows, steps: int) -> float:
    """Updates per CPU-second of the trainer."""
    reports: list[TrainingProgress] = []
    with tempfile.TemporaryDirectory() as out:
        config = TrainConfig(
            data=Path("none"),
            out=Path(out),
            policy=name,
            steps=WARM + steps,
            batch_size=BATCH,
            log_every=WARM,
            checkpoint_every=10**9,
            tensorboard=False,
            device="cpu",
            threads=1,
        )
        data = TrainingSet(spec=SPEC, training=windows, validation=None, fingerprint="none")
        train_on(config, data, reports.append)
    # The last report would count the checkpoint that ends the run.
    first = next(report for report in reports if report.step == WARM)
    last = [report for report in reports if report.step < WARM + steps][-1]
    return (last.step - first.step) / (last.cpu_seconds - first.cpu_seconds)


class SingleWindows(Dataset[dict[str, torch.Tensor]]):
    """Windows one by one, as a DataLoader wants them."""

    def __init__(self, data: TrainingData) -> None:
        self._columns = dict(data.batch(torch.arange(len(data))))

    def __len__(self) -> int:
        return len(self._columns["action"])

    def __getitem__(self, row: int) -> dict[str, torch.Tensor]:
        return {name: column[row] for name, column in self._columns.items()}


def plain_loader(data: TrainingData) -> Iterator[dict[str, torch.Tensor]]:
    loader = DataLoader(SingleWindows(data), batch_size=BATCH, shuffle=True, drop_last=True)
    return itertools.chain.from_iterable(itertools.repeat(loader))


def plain(name: str, windows: Windows, steps: int) -> float:
    """Updates per CPU-second of a loop as one writes it down."""
    policy: Any = make_policy(name, SPEC)
    policy.fit(windows)
    optimiser = torch.optim.Adam(policy.parameters(), lr=2e-3)
    generator = torch.Generator().manual_seed(0)
    batches = plain_loader(policy.encode(windows))

    def update() -> None:
        loss, _ = policy.loss(next(batches), generator)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    return rate(update, steps)


def loading(name: str, windows: Windows, steps: int) -> tuple[float, float]:
    """Batches per CPU-second: ours, and the DataLoader's."""
    policy = make_policy(name, SPEC)
    policy.fit(windows)
    data = policy.encode(windows)
    order = Rows(len(data), BATCH, 0, torch.device("cpu"))
    numbers = itertools.count()
    batches = plain_loader(data)
    return (
        rate(lambda: data.batch(order.batch(next(numbers))), 20 * steps),
        rate(lambda: next(batches), steps),
    )


def rate(work: Callable[[], Any], times: int) -> float:
    for _ in range(WARM):
        work()
    started = time.process_time()
    for _ in range(times):
        work()
    return times / (time.process_time() - started)


def measure(name: str, steps: int, rounds: int) -> dict[str, Any]:
    windows = demonstrations()
    found = [
        (ours(name, windows, steps), plain(name, windows, steps), *loading(name, windows, steps))
        for _ in range(rounds)
    ]
    best = [max(values) for values in zip(*found, strict=True)]
    return {
        "policy": name,
        "trainer, loading included [updates/CPU-s]": best[0],
        "baseline: plain loop, DataLoader of single windows [updates/CPU-s]": best[1],
        "trainer / baseline": best[0] / best[1],
        "loading alone [batches/CPU-s]": best[2],
        "baseline: DataLoader alone [batches/CPU-s]": best[3],
        "loading / baseline": best[2] / best[3],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=150, help="updates timed per round")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, taken in turns")
    parser.add_argument("--out", type=Path, help="also write the figures here, as JSON")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    found = [measure(name, arguments.steps, arguments.rounds) for name in ("ebm", "mse")]
    for row in found:
        print(f"{row['policy']}, default settings, batches of {BATCH}")
        for name, value in list(row.items())[1:]:
            print(f"  {value:>12,.1f}  {name}")
    if arguments.out:
        words = ["python", "benchmarks/training.py", *sys.argv[1:]]
        record = {"command": shlex.join(words), "versions": installed_versions(), "rows": found}
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
