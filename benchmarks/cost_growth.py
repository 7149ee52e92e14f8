"""How the CPU time of a training step grows with batch, counter-examples, action dimensions and image size.

    OMP_NUM_THREADS=1 python -m benchmarks.cost_growth [--out benchmarks/results/cost_growth.json]
        [--chart docs/images/cost-growth.svg]

Loss, gradients and Adam's update of an implicit policy on one core, the least of several rounds; random data in the shapes
of the push task. An exponent of 1 is linear: it is fitted to all points of a sweep and, since small steps have a share that
does not grow, to the last three.
"""

from __future__ import annotations

import argparse
import math
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium import spaces

from benchmarks.picture_work import with_means
from benchmarks.results_file import command, write_result
from ibc_gym.contracts import PolicySpec
from ibc_gym.heap import keep_freed_memory
from ibc_gym.loading import load
from ibc_gym.policies.ebm_config import EBMConfig
from ibc_gym.policies.negatives import NegativesConfig
from ibc_gym.records import Windows
from ibc_gym.registry import make_policy
from ibc_gym.report.charts import Series, line_chart
from ibc_gym.tables import PRESETS

FRAMES = 512
STATE = 10


@dataclass(frozen=True, kw_only=True)
class Step:
    """One training step."""

    config: EBMConfig
    batch: int = 256
    actions: int = 2


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Steps that differ in one number."""

    title: str
    label: str
    """Of the number."""
    steps: Mapping[int, Step]


def preset(name: str) -> EBMConfig:
    config = load(PRESETS, name, "preset").config
    assert isinstance(config, EBMConfig)
    return config


def sweeps() -> dict[str, Sweep]:
    poses, pictures = preset("fast/push"), preset("fast/pixels")
    return {
        "batch": Sweep(
            title="Batch, 16 counter-examples",
            label="windows",
            steps={
                size: Step(config=poses, batch=size) for size in (64, 128, 256, 512, 1024, 2048)
            },
        ),
        "counter-examples": Sweep(
            title="Counter-examples, batch 256",
            label="counter-examples",
            steps={
                count: Step(
                    config=replace(poses, negatives=NegativesConfig(uniform=count, anchored=0))
                )
                for count in (8, 16, 32, 64, 128, 256, 512)
            },
        ),
        "action dimensions": Sweep(
            title="Action dimensions, batch 256",
            label="dimensions",
            steps={size: Step(config=poses, actions=size) for size in (2, 4, 8, 16, 32, 64, 128)},
        ),
        "image size": Sweep(
            title="Image size, batch 16",
            label="pixels",
            steps={
                3 * side * 4 * side: Step(
                    config=with_means(pictures, (3 * side, 4 * side)), batch=16
                )
                for side in (10, 20, 30, 40, 60)
            },
        ),
    }


def windows(step: Step) -> Windows:
    """Random windows in the shapes of the push task."""
    rng = np.random.default_rng(0)
    frames: dict[str, Any] = {}
    if step.config.image_size is None:
        frames["state"] = rng.uniform(-1, 1, (FRAMES, STATE)).astype(np.float32)
    else:
        frames["image"] = rng.integers(0, 256, (FRAMES // 8, *step.config.image_size, 3), np.uint8)
    count = len(next(iter(frames.values())))
    return Windows(
        frames=frames,
        index=np.stack([np.arange(count)] * 2, axis=1),
        action=rng.uniform(-0.03, 0.03, (count, step.actions)).astype(np.float32),
        episode=np.zeros(count, np.int64),
    )


def spec(step: Step) -> PolicySpec:
    seen: dict[str, spaces.Space[Any]] = {"state": spaces.Box(-1, 1, (STATE,), np.float32)}
    if step.config.image_size is not None:
        seen["image"] = spaces.Box(0, 255, (*step.config.image_size, 3), np.uint8)
    return PolicySpec(
        task="push",
        observation_space=spaces.Dict(seen),
        action_space=spaces.Box(-0.1, 0.1, (step.actions,), np.float32),
        control_period=0.1,
    )


def training_step(step: Step) -> Callable[[], None]:
    """What makes one update."""
    policy: Any = make_policy("ebm", spec(step), step.config)
    data = windows(step)
    policy.fit(data)
    encoded = policy.encode(data)
    batch = encoded.batch(torch.arange(step.batch) % len(encoded))
    optimiser = torch.optim.Adam(policy.parameters(), lr=1e-9)
    generator = torch.Generator().manual_seed(0)

    def update() -> None:
        loss, _ = policy.loss(batch, generator)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    return update


def cpu_seconds(step: Step, rounds: int) -> float:
    """Least of several rounds, each long enough for the clock."""
    update = training_step(step)
    update()
    began = time.process_time()
    update()
    repeats = max(1, math.ceil(0.05 / max(time.process_time() - began, 1e-4)))
    found = []
    for _ in range(rounds):
        began = time.process_time()
        for _ in range(repeats):
            update()
        found.append((time.process_time() - began) / repeats)
    return min(found)


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """Slope of log time over log number, by least squares."""
    x, y = np.log(np.array(points)).T
    return float(np.polyfit(x, y, 1)[0])


def measure(name: str, sweep: Sweep, rounds: int) -> dict[str, Any]:
    points = [(float(at), cpu_seconds(step, rounds)) for at, step in sweep.steps.items()]
    return {
        "sweep": name,
        "title": sweep.title,
        "label": sweep.label,
        "points": [{"at": at, "cpu_ms": 1e3 * seconds} for at, seconds in points],
        "exponent": exponent(points),
        "exponent_of_last_three": exponent(points[-3:]),
    }


LOOK = """
svg { font: 11px ui-sans-serif, system-ui, sans-serif; background: #fff; }
text { fill: #5d6675; } .title { fill: #1d2330; font-size: 13px; } .grid { stroke: #e3e1dc; fill: none; }
.line { fill: none; stroke-width: 1.8; } .series-0 { stroke: #1f6feb; } .series-1 { stroke: #8a93a3; } .held { stroke-dasharray: 5 3; }
"""
WIDTH, HEIGHT, TITLE, GAP = 320, 190, 34, 20


def chart(rows: Sequence[Mapping[str, Any]]) -> str:
    """The sweeps side by side, and beside each what linear growth from its last point would be."""
    parts = []
    for number, row in enumerate(rows):
        left, top = (number % 2) * (WIDTH + GAP), (number // 2) * (HEIGHT + TITLE + GAP)
        points = [(point["at"], point["cpu_ms"]) for point in row["points"]]
        end, cost = points[-1]
        # Where the straight line would leave the chart below, it is cut.
        line = [(at, cost * at / end) for at, _ in points if cost * at / end >= points[0][1] / 2]
        drawn = line_chart(
            row["title"],
            [
                Series(label="linear", curve=line, series=1, dashed=True),
                Series(label="measured", curve=points, series=0),
            ],
            x_label=row["label"],
            log=True,
        )
        (inner,) = re.findall(r"<svg (.*)</svg>", drawn, re.DOTALL)
        parts.append(
            f'<text class="title" x="{left + 46}" y="{top + 14}">{escape(row["title"])} [ms]</text>'
            f'<text x="{left + 46}" y="{top + 29}">exponent {row["exponent"]:.2f}, of the last three points '
            f"{row['exponent_of_last_three']:.2f}</text>"
            f'<svg x="{left}" y="{top + TITLE}" width="{WIDTH}" height="{HEIGHT}" {inner}</svg>'
        )
    size = (2 * WIDTH + GAP, 2 * (HEIGHT + TITLE + GAP))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]} {size[1]}" width="{size[0]}" '
        f'height="{size[1]}"><style>{LOOK}</style>{"".join(parts)}</svg>\n'
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--chart", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()  # as the trainer does
    rows = []
    for name, sweep in sweeps().items():
        row = measure(name, sweep, given.rounds)
        rows.append(row)
        times = ", ".join(f"{point['at']:.0f}: {point['cpu_ms']:.1f}" for point in row["points"])
        print(
            f"{name}: exponent {row['exponent']:.2f}, at the end {row['exponent_of_last_three']:.2f} "
            f"({times} ms)",
            flush=True,
        )
    if given.out:
        write_result({"command": command("cost_growth"), "rows": rows}, given.out)
    if given.chart:
        given.chart.write_text(chart(rows))


if __name__ == "__main__":
    main()
