"""How long a policy takes to choose one action, on one core: the figure that bounds the control rate.

    python benchmarks/policy_latency.py [--calls 300] [--out benchmarks/results/policy_latency.json]

Every policy sees the push task's state and acts for one environment, as it would on the arm. Weights are drawn at
random: latency does not depend on them. Wall times are what an arm waits for; CPU times are what remains of them on a
machine with nothing else to do. The ratio of CPU times is to the explicit baseline of the same encoder size.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium import spaces

from ibc_gym.contracts import PolicySpec
from ibc_gym.data.metadata import installed_versions
from ibc_gym.loading import load
from ibc_gym.records import Windows
from ibc_gym.registry import make_policy
from ibc_gym.tables import PRESETS

TARGET_MEDIAN_MS, TARGET_P95_MS = 5.0, 10.0
BASELINE = "fast/push-mse"
MEASURED = (
    BASELINE,
    "fast/push",
    "fast/push-frame",
    "released/push-states-dfo",
    "released/push-states-langevin",
    "released/push-states-mse",
)

SPEC = PolicySpec(
    task="push",
    observation_space=spaces.Dict({"state": spaces.Box(-1, 1, (10,), np.float32)}),
    action_space=spaces.Box(-0.1, 0.1, (2,), np.float32),
    control_period=0.1,
)


def demonstrations(rng: np.random.Generator) -> Windows:
    """Random windows of the right shapes."""
    states = rng.uniform(-1, 1, (1000, 10)).astype(np.float32)
    return Windows(
        frames={"state": states},
        index=np.stack([np.arange(1000)] * 2, axis=1),
        action=rng.uniform(-0.03, 0.03, (1000, 2)).astype(np.float32),
        episode=np.zeros(1000, np.int64),
    )


def latencies(preset: str, calls: int) -> np.ndarray:
    """Wall and CPU time of every call at batch 1, (calls, 2) [ms]."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    chosen = load(PRESETS, preset, "preset")
    policy = make_policy(chosen.policy, SPEC, chosen.config)
    policy.fit(demonstrations(rng))
    assert isinstance(policy, torch.nn.Module)
    policy.eval()
    policy.reset(np.ones(1, np.bool_), [0])
    observed = rng.uniform(-1, 1, (calls, 1, 10)).astype(np.float32)
    times = []
    for state in observed:
        wall, cpu = time.perf_counter(), time.thread_time()
        policy.act({"state": state})
        times.append((time.perf_counter() - wall, time.thread_time() - cpu))
    return 1e3 * np.array(times[calls // 10 :])  # the first calls fill caches


def main() -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows: dict[str, dict[str, Any]] = {}
    print(f"{'':34}{'wall [ms]':>18}{'CPU [ms]':>18}{'ratio to':>16}")
    print(f"{'preset':34}{'median':>9}{'p95':>9}{'median':>9}{'p95':>9}{BASELINE:>16}")
    for preset in MEASURED:
        calls = options.calls if preset.startswith("fast") else max(20, options.calls // 10)
        times = latencies(preset, calls)
        (wall, cpu), (wall_p95, cpu_p95) = np.quantile(times, (0.5, 0.95), axis=0).tolist()
        ratio = cpu / rows[BASELINE]["cpu_median_ms"] if rows else 1.0
        rows[preset] = {
            "median_ms": wall,
            "p95_ms": wall_p95,
            "cpu_median_ms": cpu,
            "cpu_p95_ms": cpu_p95,
            "ratio": ratio,
            "calls": len(times),
        }
        print(f"{preset:34}{wall:9.2f}{wall_p95:9.2f}{cpu:9.2f}{cpu_p95:9.2f}{ratio:16.1f}")
    default = rows["fast/push-frame"]
    met = default["median_ms"] <= TARGET_MEDIAN_MS and default["p95_ms"] <= TARGET_P95_MS
    print(
        f"target: median <= {TARGET_MEDIAN_MS} ms, p95 <= {TARGET_P95_MS} ms: {'met' if met else 'MISSED'}"
    )
    if options.out:
        machine = {"processor": platform.machine(), "torch": torch.__version__, "threads": 1}
        command = "python benchmarks/policy_latency.py " + " ".join(sys.argv[1:])
        content = {"command": command, "versions": installed_versions(), "machine": machine}
        options.out.write_text(json.dumps({**content, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
