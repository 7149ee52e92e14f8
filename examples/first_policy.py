"""From scripted demonstrations to an evaluated implicit policy, through the Python interface.

Run it with a folder to write to: `python examples/first_policy.py runs/first`; `--help` names the sizes.
"""

import argparse
from pathlib import Path

from ibc_gym.evaluation.evaluator import evaluate
from ibc_gym.evaluation.results import EvalConfig
from ibc_gym.loading import load
from ibc_gym.record import RecordConfig, record
from ibc_gym.tables import PRESETS
from ibc_gym.training.config import TrainConfig
from ibc_gym.training.trainer import train


def main(out: Path, demonstrations: int = 200, steps: int = 1_000, episodes: int = 50) -> float:
    """Record, train, evaluate; gives the share of episodes that succeed."""
    record(RecordConfig(task="push", out=out / "demos.zarr", episodes=demonstrations))
    preset = load(PRESETS, "fast/push-frame", "preset")
    train(
        TrainConfig(
            data=out / "demos.zarr",
            out=out / "run",
            policy=preset.policy,
            policy_config=preset.config,
            steps=steps,
        )
    )
    result = evaluate(EvalConfig(policy=str(out / "run"), episodes=episodes))
    low, high = result.summary["ci95"]
    print(f"{result.summary['success_rate']:.0%} of {episodes} episodes ({low:.0%} to {high:.0%})")
    return float(result.summary["success_rate"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="folder to write to, as runs/first")
    parser.add_argument("--demonstrations", type=int, default=200, help="(default: 200)")
    parser.add_argument("--steps", type=int, default=1_000, help="updates (default: 1000)")
    parser.add_argument("--episodes", type=int, default=50, help="to evaluate on (default: 50)")
    main(**vars(parser.parse_args()))
