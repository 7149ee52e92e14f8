"""How long an exported policy takes for an action, beside the policy in Python: batch 1, one core, from the same seed.

    python -m benchmarks.export [--calls 200] [--presets fast/push fast/push-frame] [--out benchmarks/results/export.json]

Weights are drawn at random: latency does not depend on them. Ratios are of medians in one run; above 1, the exported
policy is faster.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium import spaces

from benchmarks.results_file import command, write_result
from ibc_gym.checkpoint import load_policy, save_policy
from ibc_gym.contracts import PolicySpec
from ibc_gym.export import ExportConfig, export
from ibc_gym.loading import load
from ibc_gym.records import Windows
from ibc_gym.registry import make_policy
from ibc_gym.runtime import load as load_exported
from ibc_gym.runtime.folder import MODELS
from ibc_gym.tables import PRESETS

MEASURED = ("fast/push-mse", "fast/push", "fast/push-frame", "released/push-states-langevin")

SPEC = PolicySpec(
    task="toy",  # of the push task's sizes
    observation_space=spaces.Dict({"state": spaces.Box(-1, 1, (10,), np.float32)}),
    action_space=spaces.Box(-0.1, 0.1, (2,), np.float32),
    control_period=0.1,
)


def demonstrations(rng: np.random.Generator) -> Windows:
    """Random windows of the right shapes."""
    return Windows(
        frames={"state": rng.uniform(-1, 1, (1000, 10)).astype(np.float32)},
        index=np.stack([np.arange(1000)] * 2, axis=1),
        action=rng.uniform(-0.03, 0.03, (1000, 2)).astype(np.float32),
        episode=np.zeros(1000, np.int64),
    )


def milliseconds(act: Callable[[int], Any], calls: int) -> float:
    """Median time of a call on this thread, after a tenth of them to warm up."""
    times = []
    for call in range(calls + calls // 10):
        started = time.thread_time()
        act(call)
        times.append(time.thread_time() - started)
    return 1e3 * float(np.median(times[calls // 10 :]))


def measured(preset: str, calls: int, there: Path) -> dict[str, float]:
    """Milliseconds by what acted."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    chosen = load(PRESETS, preset, "preset")
    made = make_policy(chosen.policy, SPEC, chosen.config)
    made.fit(demonstrations(rng))
    save_policy(there / "policy", chosen.policy, made)
    policy = load_policy(there / "policy")
    policy.reset(np.ones(1, np.bool_), [0])
    seen = rng.uniform(-1, 1, (calls + calls // 10, 10)).astype(np.float32)
    found = {"python": milliseconds(lambda k: policy.act({"state": seen[k][None]}), calls)}
    for form in MODELS:
        config = ExportConfig(run=str(there / "policy"), format=form, out=there / form, check=5)
        acting = load_exported(export(config).folder)
        acting.reset(0)
        found[form] = milliseconds(lambda k, acting=acting: acting.act({"state": seen[k]}), calls)  # type: ignore[misc]
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--presets", nargs="+", default=MEASURED)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    rows = {}
    for preset in args.presets:
        with tempfile.TemporaryDirectory() as there:
            found = rows[preset] = measured(preset, args.calls, Path(there))
        ratios = ", ".join(
            f"{form} {found[form]:.2f} ms ({found['python'] / found[form]:.2f} x)"
            for form in MODELS
        )
        print(f"{preset}: python {found['python']:.2f} ms, {ratios}", flush=True)
    if args.out:
        write_result({"command": command("export"), "rows": rows}, args.out)


if __name__ == "__main__":
    main()
