"""The loop: which checkpoint is chosen and kept, when it ends, and when it gives up."""

from __future__ import annotations

import contextlib
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from toys import (
    Stop,
    Toy,
    ToyConfig,
    everything,
    run,
    settings,
    toy,
    training_set,
    weights,
)

from ibc_gym.checkpoint import find_policy, load_policy
from ibc_gym.errors import ConfigError, TrainingDiverged
from ibc_gym.training.config import RollbackConfig
from ibc_gym.training.records import TrainingProgress
from ibc_gym.training.schedule import average_decay
from ibc_gym.training.trainer import train_on

pytestmark = pytest.mark.usefixtures("toy_policy")

OFF = RollbackConfig(attempts=0)


def test_how_often_is_validated_and_saved_does_not_change_what_is_learned(tmp_path: Path) -> None:
    run(tmp_path / "a")
    run(tmp_path / "b", validate_every=3, checkpoint_every=11, log_every=9)
    first, second = everything(tmp_path / "a"), everything(tmp_path / "b")
    assert first["tensors"] == second["tensors"]


def test_saved_weights_are_the_average_of_all_by_its_rule(tmp_path: Path) -> None:
    often: dict[str, Any] = {"steps": 15, "checkpoint_every": 1, "keep": 15}
    run(tmp_path / "raw", average_decay=None, **often)
    run(tmp_path / "averaged", average_decay=0.7, **often)
    start = Toy(ToyConfig(), training_set().spec)
    average = {key: torch.zeros_like(value) for key, value in start.state_dict().items()}
    average = {key: average[key] for key in ("linear.weight", "linear.bias")}
    decay_product = 1.0
    for step in range(15):
        decay = average_decay(step, 0.7)
        decay_product *= decay
        new = weights(tmp_path / "raw" / "checkpoints" / f"{step + 1:06d}")
        for key in average:
            average[key] = decay * average[key] + (1 - decay) * new[key]
    found = weights(tmp_path / "averaged" / "checkpoints" / "000015")
    for (
        key,
        value,
    ) in average.items():  # the first weights count with the product of all decays, 6e-6
        assert decay_product < 1e-3
        torch.testing.assert_close(found[key], value, atol=1e-2 * decay_product**0.5, rtol=1e-3)


@pytest.mark.parametrize(("name", "value"), [("loss", math.nan), ("entropy", -math.inf)])
def test_held_out_measure_that_is_no_number_stops_training_with_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: float
) -> None:
    def spoiled(*_: Any) -> dict[str, float]:
        return {"action_error": 0.1, "loss": 0.3, "entropy": 0.2, name: value}

    monkeypatch.setattr(Toy, "validate", spoiled)
    with pytest.raises(
        TrainingDiverged, match=rf"held out, {name} became {value} at step 20\. Look"
    ):
        run(tmp_path, rollback=OFF)


def test_checkpoint_is_chosen_by_held_out_action_error_and_the_log_says_so(tmp_path: Path) -> None:
    seen: list[TrainingProgress] = []
    config = settings(tmp_path, policy_config=toy(errors=(0.5, 0.2, 0.3)))
    result = train_on(config, training_set(), seen.append)
    checkpoints = tmp_path / "checkpoints"
    assert str((checkpoints / "best").readlink()) == "000040"
    assert str((checkpoints / "last").readlink()) == "000060"
    assert (result.best_step, result.action_error) == (40, 0.2)
    assert result.checkpoint == checkpoints.resolve() / "000040"
    assert seen[-1].note == "Chose checkpoint 000040 by the least held-out action error, 0.2."
    about = json.loads((find_policy(tmp_path) / "config.json").read_text())["about"]
    assert about["step"] == 40
    assert about["held_out_action_error"] == 0.2
    assert about["dataset"] == "f00"


def test_only_the_newest_checkpoints_and_the_best_are_kept(tmp_path: Path) -> None:
    run(tmp_path, policy_config=toy(errors=(0.1, 0.12, 0.13)), keep=2)
    names = {path.name for path in (tmp_path / "checkpoints").iterdir() if not path.is_symlink()}
    assert names == {"000020", "000056", "000060"}


def test_without_held_out_episodes_the_last_checkpoint_is_the_best(tmp_path: Path) -> None:
    seen: list[TrainingProgress] = []
    train_on(settings(tmp_path), training_set(validation=None), seen.append)
    assert (tmp_path / "checkpoints" / "best").readlink() == Path("000060")
    assert "Nothing was held out" in seen[-1].note


@pytest.mark.parametrize(
    "sickness, words",
    [
        ("loss", "step 30: loss became nan"),
        ("energy", "step 30: energy_positive exploded to 1e"),
        ("slope", "step 30: parameter_gradient_norm became nan"),
    ],
)
def test_divergence_stops_with_a_diagnosis_and_keeps_the_last_good_checkpoint(
    tmp_path: Path, sickness: str, words: str
) -> None:
    with pytest.raises(TrainingDiverged) as caught:
        run(tmp_path, policy_config=toy(sick_from=30, sickness=sickness), rollback=OFF)
    message = str(caught.value)
    for part in (words, "learning rate 0.0", "energy_positive", "Try", "000028"):
        assert part in message
    assert math.isfinite(weights(tmp_path)["linear.weight"].sum())
    assert (tmp_path / "checkpoints" / "last").readlink() == Path("000028")
    load_policy(tmp_path)


def test_divergence_at_the_first_update_points_at_the_data(tmp_path: Path) -> None:
    with pytest.raises(
        TrainingDiverged, match=r"NaN or huge values in the data(.|\n)*None was saved"
    ):
        run(tmp_path, policy_config=toy(sick_from=0, sickness="loss"))


def test_policy_that_chooses_no_number_diverges(tmp_path: Path) -> None:
    with pytest.raises(TrainingDiverged, match="held-out action error became nan at step 20"):
        run(tmp_path, policy_config=toy(errors=("nan",)), rollback=OFF)


def test_budget_ends_training_in_time_with_the_schedule_at_its_end(tmp_path: Path) -> None:
    ticks = iter(range(10**6))
    seen: list[TrainingProgress] = []
    config = settings(tmp_path, budget_cpu_seconds=300.0, log_every=1)
    result = train_on(config, training_set(), seen.append, clock=lambda: float(next(ticks)))
    assert 10 < result.steps < 300
    assert seen[-1].cpu_seconds >= 300
    assert seen[-1].share == 1
    rates = [progress.learning_rate for progress in seen[config.warmup :]]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 0.01 * config.learning_rate


def test_budget_that_is_spent_before_the_first_update_is_refused_and_can_be_raised(
    tmp_path: Path,
) -> None:
    config = settings(tmp_path, budget_cpu_seconds=1.0)
    ticks = iter(range(0, 10**6, 7))
    with pytest.raises(ConfigError, match=r"is 1, but .* took \d+\.\d\d s of CPU time"):
        train_on(config, training_set(), clock=lambda: float(next(ticks)))
    more = replace(config, budget_cpu_seconds=300.0)
    assert train_on(more, training_set(), clock=lambda: float(next(ticks))).steps > 0


def test_run_that_spent_its_budget_is_known_to_have_ended_when_it_is_resumed(
    tmp_path: Path,
) -> None:
    ticks = iter(range(10**6))
    config = settings(tmp_path, budget_cpu_seconds=300.0)
    ended = train_on(config, training_set(), clock=lambda: float(next(ticks)))
    again = replace(config, resume=True)
    resumed = train_on(again, training_set(), clock=lambda: float(next(ticks)))
    assert (resumed.steps, resumed.checkpoint) == (ended.steps, ended.checkpoint)


def test_interrupted_budget_counts_the_time_before(tmp_path: Path) -> None:
    ticks = iter(range(10**6))

    def stop(progress: TrainingProgress) -> None:
        if progress.cpu_seconds > 200:
            raise Stop

    config = settings(tmp_path, budget_cpu_seconds=300.0, log_every=1, checkpoint_every=1)
    with contextlib.suppress(Stop):
        train_on(config, training_set(), stop, clock=lambda: float(next(ticks)))
    seen: list[TrainingProgress] = []
    fresh = iter(range(10**6))
    again = replace(config, resume=True)
    train_on(again, training_set(), seen.append, clock=lambda: float(next(fresh)))
    assert next(fresh) < 200
    assert seen[-1].cpu_seconds >= 300
