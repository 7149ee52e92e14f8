"""Whether a task goes through the vendor's client in real time as it goes in simulation: success, deviation, and timing.

Takes about 20 s for a trial of insertion: close everything else first, because an arm in real time notices. Beside the
demonstrator, `--policy RUN` tries a trained run on the same seeds.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from ibc_gym.comparison.compare import compare
from ibc_gym.comparison.page import open_loop, told_of_faults
from ibc_gym.comparison.rehearse import RehearseConfig

RESULTS = Path(__file__).parent / "results" / "rehearse.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", default="insert")
    parser.add_argument("--episodes", type=int, default=10, help="with the same commands in both")
    parser.add_argument("--trials", type=int, default=50, help="of every policy in each of the two")
    parser.add_argument("--policy", type=Path, help="a run")
    parser.add_argument("--out", type=Path, help=f"where to keep the figures, as {RESULTS.name}")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        config = RehearseConfig(
            task=options.task,
            episodes=options.episodes,
            trials=options.trials,
            policy=options.policy,
            out=Path(folder),
        )
        found = compare(config, lambda share, doing: print(f"{share:4.0%} {doing}", flush=True))
    print(open_loop(found.summary))
    for policy, trial in found.summary["trials"].items():
        one, other = trial["first"], trial["second"]
        print(
            f"{policy}: {one['successes']}/{one['episodes']} in {config.workcells[0]}, "
            f"{other['successes']}/{other['episodes']} in {config.workcells[1]}: "
            f"{trial['difference_points']:+.1f} points; {one['faults']} and {other['faults']} by a fault"
        )
    for said in told_of_faults(config, found.summary):
        print(said)
    print(json.dumps(found.summary["timing"], indent=2))
    if options.out is not None:
        command = shlex.join(["python", "benchmarks/rehearse.py", *sys.argv[1:]])
        kept = {"command": command, **found.summary}
        options.out.write_text(json.dumps(kept, indent=2) + "\n")


if __name__ == "__main__":
    main()
