"""How long 2,000 scripted push demonstrations take to record, on one core and on all that there are.

    python benchmarks/record_push.py [--episodes 2000] [--out benchmarks/results/record_push.json]

The baseline is the same recording by one process; the target is under 2 minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from ibc_gym.data.metadata import installed_versions
from ibc_gym.record import RecordConfig, record
from ibc_gym.threads import usable_cores

TARGET_S = 120.0
"""For 2,000 demonstrations on two cores."""


def seconds(episodes: int, workers: int) -> float:
    """Wall time of one recording, start of the processes included [s]."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        record(
            RecordConfig(
                task="push",
                out=Path(folder) / "demos.zarr",
                episodes=episodes,
                workers=workers,
                options={"goal_tolerance": 0.01},
            )
        )
        return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--episodes", type=int, default=2_000)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    cores = usable_cores()
    found = {workers: seconds(options.episodes, workers) for workers in (1, cores)}
    for workers, wall in found.items():
        rate = options.episodes / wall
        print(
            f"{workers} processes: {wall:6.1f} s, {rate:5.1f} demonstrations/s, {found[1] / wall:.2f} x one process"
        )
    met = found[cores] * 2_000 / options.episodes < TARGET_S
    print(f"target: 2,000 in under {TARGET_S:.0f} s: {'met' if met else 'MISSED'}")
    if options.out:
        content = {
            "command": "python benchmarks/record_push.py " + " ".join(sys.argv[1:]),
            "versions": installed_versions(),
            "episodes": options.episodes,
            "wall_seconds_by_processes": found,
            "ratio_to_one_process": found[1] / found[cores],
        }
        options.out.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
