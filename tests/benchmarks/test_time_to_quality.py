"""Time to quality: what was measured is kept whole, or measured again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import endings
import pytest
from toys import Stop, record

from benchmarks import time_to_quality
from ibc_gym.training import trainer
from ibc_gym.training.config import TrainConfig
from ibc_gym.training.records import TrainingProgress, TrainResult


def test_measurement_that_is_broken_off_as_it_is_kept_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = time_to_quality.ROWS["particle-2"]
    data = record(tmp_path / "demos.zarr", 2)

    def measured(config: TrainConfig, *_: Any) -> dict[str, Any]:
        config.out.mkdir(exist_ok=True)
        return {"successes": 3}

    monkeypatch.setattr(time_to_quality, "_measured", measured)
    with monkeypatch.context() as killed:
        killed.setattr(Path, "write_text", endings.half_written)
        with pytest.raises(KeyboardInterrupt):
            time_to_quality.measure(row, row.preset, data, 0, 5)
    assert time_to_quality.measure(row, row.preset, data, 0, 5) == {"successes": 3}


@dataclass(frozen=True)
class Evaluated:
    """Stands for an evaluation."""

    summary: dict[str, int]


def by_updates(config: TrainConfig, **changes: Any) -> TrainConfig:
    """The same training as if it had updates to make, and not time to take."""
    return replace(config, budget_cpu_seconds=None, steps=12, log_every=1, **changes)


def test_training_that_was_killed_goes_on_from_its_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = time_to_quality.ROWS["particle-2"]
    data = record(tmp_path / "demos.zarr", 30)
    updates: list[int] = []

    def train(config: TrainConfig) -> TrainResult:
        def stop(progress: TrainingProgress) -> None:
            updates.append(progress.step)
            if progress.step == 7:
                raise Stop

        return trainer.train(by_updates(config, checkpoint_every=5), stop)

    monkeypatch.setattr(time_to_quality, "train", train)
    monkeypatch.setattr(time_to_quality, "evaluate", lambda _: Evaluated({"successes": 3}))
    with pytest.raises(Stop):
        time_to_quality.measure(row, "released/particle-mse", data, 0, 5)
    assert updates == [1, 2, 3, 4, 5, 6, 7]
    updates.clear()
    with pytest.raises(Stop):
        time_to_quality.measure(row, "released/particle-mse", data, 0, 5)
    assert updates == [6, 7]
    monkeypatch.setattr(time_to_quality, "train", lambda config: trainer.train(by_updates(config)))
    with pytest.raises(SystemExit, match=r"(?s)checkpoint_every.*Remove .*-s0 to begin"):
        time_to_quality.measure(row, "released/particle-mse", data, 0, 5)
    monkeypatch.setattr(
        time_to_quality,
        "train",
        lambda config: trainer.train(by_updates(config, checkpoint_every=5)),
    )
    found = time_to_quality.measure(row, "released/particle-mse", data, 0, 5)
    assert (found["steps"], found["successes"]) == (12, 3)
