"""How long an update and an action take on a device: on a GPU what `device` says, else on one core.

    python -m benchmarks.on_device [PRESET ...] [--device cuda] [--compile] [--out benchmarks/results/on_device.json]

An update is the trainer's own: loss, gradients, Adam and averaged weights, by the preset's batch, in float32 and bfloat16, with
`--compile` by `torch.compile` as well. Its time is the device's: between events on a GPU, of the process on a CPU. An action
is for one robot, from the camera's picture to numbers in the task's units; its time is the wall's, which an arm waits for.
Data are random in the shapes of the push task, and weights are as drawn: neither changes how long anything takes. A row
of another device stays in the file.
"""

from __future__ import annotations

import argparse
import copy
import platform
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from gymnasium import spaces

from benchmarks.results_file import add_row, command
from ibc_gym.checkpoint import as_module
from ibc_gym.contracts import PolicySpec
from ibc_gym.loading import load
from ibc_gym.records import Windows
from ibc_gym.registry import make_policy
from ibc_gym.tables import PRESETS
from ibc_gym.training.config import TrainConfig
from ibc_gym.training.learner import Learner
from ibc_gym.training.machine import pick_device, threads

USUAL = ("fast/push", "fast/pixels", "paper/real-push")
"""By states, by pictures, and the network that the published real arm acted by."""
TARGET_MS = 10.0
"""95th percentile of an action's time, of a policy that looks at pictures five times a second."""
WINDOWS, PICTURES = 1_024, 128
STATE, ACTIONS, CAMERA = 10, 2, (180, 320, 3)
Precision = Literal["float32", "bfloat16"]

SPEC = PolicySpec(
    task="push",
    observation_space=spaces.Dict(
        {
            "state": spaces.Box(-1, 1, (STATE,), np.float32),
            "image": spaces.Box(0, 255, CAMERA, np.uint8),
        }
    ),
    action_space=spaces.Box(-0.1, 0.1, (ACTIONS,), np.float32),
    control_period=0.2,
)


def demonstrations(history: int, *, pictures: bool) -> Windows:
    """Random windows."""
    rng = np.random.default_rng(0)
    count = PICTURES if pictures else WINDOWS
    frames: dict[str, Any] = {"state": rng.uniform(-1, 1, (count, STATE)).astype(np.float32)}
    if pictures:
        frames["image"] = rng.integers(0, 256, (count, *CAMERA), np.uint8)
    return Windows(
        frames=frames,
        index=np.maximum(np.arange(count)[:, None] + np.arange(1 - history, 1), 0),
        action=rng.uniform(-0.03, 0.03, (count, ACTIONS)).astype(np.float32),
        episode=np.zeros(count, np.int64),
    )


class Bench:
    """A preset's policy and data on a device."""

    def __init__(self, preset: str, device: torch.device) -> None:
        chosen = load(PRESETS, preset, "preset")
        self.hints, self.device = chosen.training, device
        self.pictures = bool(chosen.config.image_inputs)
        self.windows = demonstrations(chosen.config.history, pictures=self.pictures)
        torch.manual_seed(0)
        self.policy: Any = make_policy(chosen.policy, SPEC, chosen.config)
        self.policy.fit(self.windows)
        as_module(self.policy).to(device)

    def update_ms(self, precision: Precision, *, compiled: bool, rounds: int) -> float:
        """Device time of one update, the least of several rounds [ms]."""
        config = TrainConfig(
            data=Path("none"), out=Path("none"), precision=precision, compile=compiled
        )
        config = replace(config, **vars(self.hints))
        learner = Learner(
            config,
            copy.deepcopy(self.policy).train(),
            copy.deepcopy(self.policy),
            self.policy.encode(self.windows).to(self.device),
            self.device,
        )

        def update() -> None:
            learner.update(0.5, lambda record: None)

        for _ in range(3):  # compiling, caches, the optimiser's own numbers
            update()
        return min(self._device_ms(update) for _ in range(rounds))

    def _device_ms(self, work: Callable[[], None], repeats: int = 5) -> float:
        if self.device.type != "cuda":
            seconds = time.process_time()
            for _ in range(repeats):
                work()
            return 1e3 * (time.process_time() - seconds) / repeats
        began, ended = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        began.record()
        for _ in range(repeats):
            work()
        ended.record()
        torch.cuda.synchronize(self.device)
        return float(began.elapsed_time(ended)) / repeats

    def action_ms(self, calls: int) -> tuple[float, float]:
        """Median and 95th percentile of one robot's wall time per action [ms]."""
        self.policy.eval()
        self.policy.reset(np.ones(1, np.bool_), [0])
        times = []
        for row in range(calls + calls // 10):
            at = row % len(self.windows)
            seen = {name: np.asarray(each[at])[None] for name, each in self.windows.frames.items()}
            began = time.perf_counter()
            self.policy.act(seen)
            times.append(1e3 * (time.perf_counter() - began))
        median, p95 = np.quantile(times[calls // 10 :], (0.5, 0.95)).tolist()
        return median, p95


def measure(
    preset: str, device: torch.device, *, compiled: bool, rounds: int, calls: int
) -> dict[str, Any]:
    """Everything of one preset."""
    bench, updates = Bench(preset, device), {}
    for by_compiler in (False, True) if compiled else (False,):
        for precision in ("float32", "bfloat16"):
            name = f"{precision}, compiled" if by_compiler else precision
            updates[name] = bench.update_ms(precision, compiled=by_compiler, rounds=rounds)
    median, p95 = bench.action_ms(calls)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "one core"
    return {
        "row": f"{name}: {preset}",
        "device": name,
        "preset": preset,
        "pictures": bench.pictures,
        "batch_size": bench.hints.batch_size,
        "update_ms": updates,
        "action_median_ms": median,
        "action_p95_ms": p95,
        "calls": calls,
        "machine": {"processor": platform.machine(), "torch": torch.__version__},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("presets", nargs="*", default=USUAL, metavar="PRESET")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    device = pick_device(given.device)
    for preset in given.presets:
        with threads(1 if device.type == "cpu" else None):
            row = measure(
                preset, device, compiled=given.compile, rounds=given.rounds, calls=given.calls
            )
        said = ", ".join(f"{name} {each:.2f}" for name, each in row["update_ms"].items())
        print(f"{row['row']}\n  update [ms]: {said}")
        print(
            f"  action [ms]: median {row['action_median_ms']:.2f}, p95 {row['action_p95_ms']:.2f}"
        )
        if given.out:
            add_row({"command": command("on_device"), **row}, given.out)


if __name__ == "__main__":
    main()
