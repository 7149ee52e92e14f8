"""Real energies in the real loop: chosen by what they are least at, and rescued when they run away."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from gymnasium import spaces

from ibc_gym.contracts import PolicySpec
from ibc_gym.policies.ebm import EBM, EBMConfig
from ibc_gym.policies.losses import GradientPenaltyConfig
from ibc_gym.policies.negatives import NegativesConfig
from ibc_gym.policies.networks.factory import LateFusionConfig
from ibc_gym.policies.optimisers.dfo import DFOConfig
from ibc_gym.policies.optimisers.langevin import LangevinConfig
from ibc_gym.records import Windows
from ibc_gym.training.choice import Choice
from ibc_gym.training.config import RollbackConfig, TrainConfig
from ibc_gym.training.records import TrainingSet
from ibc_gym.training.telemetry import read_metrics
from ibc_gym.training.trainer import train_on

pytestmark = pytest.mark.slow

SMALL = LateFusionConfig(width=32, depth=2, value_width=32)
LANGEVIN = EBMConfig(
    history=1,
    late_fusion=SMALL,
    optimiser="langevin",
    negatives=NegativesConfig(langevin=8),
    gradient_penalty=GradientPenaltyConfig(weight=0.0),
    langevin=LangevinConfig(samples=16, validation_samples=16, iterations=10),
)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def windows(count: int, seed: int) -> Windows:
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (count, 2)).astype(np.float32)
    action = np.stack([0.6 * np.sin(2 * x[:, 0]), 0.5 * x[:, 0] * x[:, 1]], axis=1)
    rows = np.arange(count)
    return Windows(
        frames={"state": x}, index=rows[:, None], action=action.astype(np.float32), episode=rows
    )


def demonstrations(count: int = 1000) -> TrainingSet:
    spec = PolicySpec(
        task="curve",
        observation_space=spaces.Dict({"state": spaces.Box(-1, 1, (2,), np.float32)}),
        action_space=spaces.Box(-1, 1, (2,), np.float32),
        control_period=0.1,
    )
    return TrainingSet(
        spec=spec, training=windows(count, 0), validation=windows(200, 1), fingerprint="f"
    )


def lines(out: Path, data: TrainingSet, policy: EBMConfig, **changes: Any) -> list[dict[str, Any]]:
    """The reports of a run with a validation."""
    plain: dict[str, Any] = {
        "data": Path("curve.zarr"),
        "out": out,
        "policy_config": policy,
        "steps": 240,
        "batch_size": 64,
        "validate_every": 10,
        "checkpoint_every": 10,
        "log_every": 10,
        "validation_windows": 100,
        "tensorboard": False,
        "device": "cpu",
        "threads": 1,
    }
    train_on(TrainConfig(**{**plain, **changes}), data)
    return [line for line in read_metrics(out / "metrics.jsonl") if line["validation"]]


def test_langevin_training_that_runs_away_is_rescued_and_reaches_a_good_error(
    tmp_path: Path,
) -> None:
    # No gradient penalty, and a learning rate that rises to five hundred times the usual one.
    wild: dict[str, Any] = {"learning_rate": 1.0, "warmup": 150, "schedule": "constant"}
    watch = RollbackConfig(learning_rate_factor=0.03, patience=2, error_ratio=2.5)
    alone = lines(
        tmp_path / "alone", demonstrations(), LANGEVIN, rollback=RollbackConfig(attempts=0), **wild
    )
    rescued = lines(tmp_path / "rescued", demonstrations(), LANGEVIN, rollback=watch, **wild)
    assert rescued[-1]["rollbacks"] >= 1
    ends = [found[-1]["validation"]["action_error"] for found in (alone, rescued)]
    assert ends[0] > 0.4
    assert ends[1] < 0.15


def test_checkpoint_is_chosen_by_the_error_of_the_least_energetic_action_not_by_the_loss(
    tmp_path: Path,
) -> None:
    # Ends of chains are counter-examples that improve with the energy, so that its loss says little (§D.1 of the paper).
    steady: dict[str, Any] = {"learning_rate": 2e-2, "warmup": 20, "schedule": "constant"}
    found = lines(tmp_path, demonstrations(), LANGEVIN, steps=90, **steady)
    choice = Choice()
    for line in found:
        measures = line["validation"]
        choice = choice.after(line["step"], measures["action_error"], measures["action_error_sem"])
    by_loss = min(found, key=lambda line: float(line["validation"]["loss"]))
    assert choice.step != by_loss["step"]
    assert choice.error is not None
    assert choice.error < 0.9 * by_loss["validation"]["action_error"]
    checkpoints = tmp_path / "checkpoints"
    assert (checkpoints / "best").readlink() == Path(f"{choice.step:06d}")
    assert (checkpoints / "last").readlink() == Path("000090")


@pytest.mark.parametrize("optimiser", ["dfo", "langevin"])
def test_held_out_error_is_of_the_least_energetic_action_where_another_is_taken_too(
    optimiser: Literal["dfo", "langevin"],
) -> None:
    errors = []
    for pick in ("argmin", "sample"):
        torch.manual_seed(0)
        config = EBMConfig(
            history=1,
            late_fusion=SMALL,
            optimiser=optimiser,
            dfo=DFOConfig(validation_samples=64, pick=pick),
            langevin=LangevinConfig(validation_samples=64, iterations=3, pick=pick),
        )
        policy = EBM(config, demonstrations().spec)
        policy.fit(windows(200, 0))
        batch = policy.encode(windows(100, 1)).batch(torch.arange(100))
        found = policy.validate(batch, torch.Generator().manual_seed(0))
        errors.append(found["action_error"])
    assert errors[0] == errors[1]
