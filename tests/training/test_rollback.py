"""A run that degenerates goes on from where it was healthy, more slowly, and says so; or stops with the reason."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from toys import OFTEN, Stop, everything, run, settings, toy, training_set, weights

from ibc_gym.checkpoint import find_policy
from ibc_gym.errors import CheckpointError, ConfigError, TrainingDiverged
from ibc_gym.report.curves import read_runs
from ibc_gym.report.runs import runs_section
from ibc_gym.training.config import RollbackConfig
from ibc_gym.training.records import TrainingProgress
from ibc_gym.training.telemetry import ConsoleDisplay, MetricsFile, flat, read_metrics
from ibc_gym.training.trainer import train_on

pytestmark = [pytest.mark.usefixtures("toy_policy"), pytest.mark.slow]

HASTY: dict[str, Any] = {"sick_from": 20, "sick_faster_than": 0.012}
"""From the twentieth call on it does not bear great steps."""


QUICK = RollbackConfig(patience=1)


def hasty(sickness: str) -> Any:
    return toy(sickness=sickness, **HASTY)


@pytest.mark.parametrize("sickness", ["loss", "slope", "energy", "pulse"])
def test_run_that_goes_too_fast_is_rolled_back_and_ends_well(tmp_path: Path, sickness: str) -> None:
    seen: list[TrainingProgress] = []
    config = settings(tmp_path, policy_config=hasty(sickness), rollback=QUICK)
    result = train_on(config, training_set(), seen.append)
    (back,) = [progress for progress in seen if progress.rolled_back_to is not None]
    assert back.rolled_back_to in (14, 20)
    assert f"Rolled back to checkpoint {back.rolled_back_to:06d} at step" in back.note
    assert "at 0.3 of the learning rate (1 of 3)" in back.note
    assert (result.steps, result.rollbacks) == (60, 1)
    rates = {progress.step: progress.learning_rate for progress in seen}
    assert rates[50] < 0.35 * rates[20]
    slow = run(tmp_path / "slow", learning_rate=0.015)
    assert result.action_error is not None and slow.action_error is not None
    assert result.action_error < 1.5 * slow.action_error
    steps = [progress.step for progress in seen]
    assert steps == sorted(steps)  # the count of updates never goes back


def test_weights_after_a_rollback_are_those_of_the_checkpoint(tmp_path: Path) -> None:
    config = settings(
        tmp_path, policy_config=hasty("loss"), log_every=1, checkpoint_every=1, keep=60,
        average_decay=None,
    )  # fmt: skip
    train_on(config, training_set())
    (line,) = rolled_back(tmp_path)
    at = tmp_path / "checkpoints"
    back, before, after = (
        weights(at / f"{step:06d}")["linear.weight"]
        for step in (line["rolled_back_to"], line["step"], line["step"] + 1)
    )
    # Adam moves no weight further than a few times the learning rate.
    assert float((after - back).abs().max()) < 0.05
    assert float((after - back).abs().max()) < 0.5 * float((before - back).abs().max())


def rolled_back(out: Path) -> list[dict[str, Any]]:
    return [
        line for line in read_metrics(out / "metrics.jsonl") if line["rolled_back_to"] is not None
    ]


def test_everything_tells_of_a_rollback(tmp_path: Path) -> None:
    run(tmp_path, policy_config=hasty("pulse"), log_every=1)
    lines = read_metrics(tmp_path / "metrics.jsonl")
    (line,) = rolled_back(tmp_path)
    assert "pulse 5 is above 1, for 3 looks in a row" in line["note"]
    assert [found["rollbacks"] for found in lines][:: len(lines) - 1] == [0, 1]
    about = json.loads((find_policy(tmp_path) / "config.json").read_text())["about"]
    assert about["rollbacks"] == 1
    page = runs_section(read_runs([tmp_path]))
    assert "rollback 1" in page and "pulse 5 is above 1" in page


@pytest.mark.parametrize("terminal", [True, False])
def test_rollback_is_printed_in_one_line(tmp_path: Path, terminal: bool) -> None:
    output = io.StringIO()
    console = Console(file=output, force_terminal=terminal, width=400)
    config = settings(tmp_path, policy_config=hasty("loss"))
    with ConsoleDisplay(console) as display:
        train_on(config, training_set(), display)
    said = [line for line in output.getvalue().splitlines() if "Rolled back to checkpoint" in line]
    assert len(said) >= 1
    assert "loss became nan" in said[0]


def test_rollbacks_are_a_curve_in_tensorboard() -> None:
    progress = TrainingProgress(
        step=1, share=0.5, learning_rate=1e-3, train={}, steps_per_second=1.0, seconds=1.0,
        cpu_seconds=1.0, seconds_left=1.0, rollbacks=2,
    )  # fmt: skip
    assert flat(progress)["run/rollbacks"] == 2.0


@pytest.mark.parametrize("sickness", ["loss", "pulse"])
def test_rollback_is_deterministic(tmp_path: Path, sickness: str) -> None:
    for name in ("a", "b"):
        assert run(tmp_path / name, policy_config=hasty(sickness), rollback=QUICK).rollbacks == 1
    assert everything(tmp_path / "a") == everything(tmp_path / "b")


@pytest.mark.parametrize("at", (13, 20, 22, 24, 31))
@pytest.mark.parametrize("sickness", ["loss", "pulse"])
def test_run_with_a_rollback_that_is_broken_off_anywhere_resumes_to_the_bit(
    tmp_path: Path, at: int, sickness: str
) -> None:
    changes = {"policy_config": hasty(sickness), "log_every": 1, "checkpoint_every": 4}
    run(tmp_path / "whole", **changes)

    def stop(progress: TrainingProgress) -> None:
        if progress.step >= at:
            raise Stop

    with pytest.raises(Stop):
        train_on(settings(tmp_path / "broken", **changes), training_set(), stop)
    train_on(settings(tmp_path / "broken", resume=True, **changes), training_set())
    assert everything(tmp_path / "broken") == everything(tmp_path / "whole")
    assert len(rolled_back(tmp_path / "broken")) == 1


def test_run_broken_off_right_after_a_rollback_resumes_to_the_bit(tmp_path: Path) -> None:
    # A checkpoint at every update: the one of the rollback's own step was saved before it.
    changes = {"policy_config": hasty("loss"), "log_every": 1, "checkpoint_every": 1}
    run(tmp_path / "whole", **changes)

    def stop(progress: TrainingProgress) -> None:
        if progress.rolled_back_to is not None:
            raise Stop

    with pytest.raises(Stop):
        train_on(settings(tmp_path / "broken", **changes), training_set(), stop)
    train_on(settings(tmp_path / "broken", resume=True, **changes), training_set())
    assert everything(tmp_path / "broken") == everything(tmp_path / "whole")


def test_healthy_checkpoint_outlives_newer_ones_that_are_not(tmp_path: Path) -> None:
    result = run(
        tmp_path,
        policy_config=hasty("pulse"),
        keep=1,
        log_every=1,
        checkpoint_every=1,
        rollback=RollbackConfig(patience=4),
    )
    (line,) = rolled_back(tmp_path)
    assert line["step"] - line["rolled_back_to"] > 3
    assert result.rollbacks == 1


def test_sickness_that_a_lower_learning_rate_does_not_heal_stops_with_its_name(
    tmp_path: Path,
) -> None:
    seen: list[TrainingProgress] = []
    config = settings(tmp_path, policy_config=toy(sick_from=30, sickness="loss"))
    with pytest.raises(
        TrainingDiverged, match=r"loss became nan(.|\n)*rolled back 3 times already(.|\n)*000028"
    ):
        train_on(config, training_set(), seen.append)
    assert sum(progress.rolled_back_to is not None for progress in seen) == 3
    pulse = toy(sick_from=30, sickness="pulse")
    with pytest.raises(TrainingDiverged, match=r"pulse 5 is above 1, for 3 looks"):
        run(tmp_path / "pulse", policy_config=pulse, steps=200, log_every=1)


def test_weights_that_are_sick_as_they_are_put_back_are_not_tried_again(tmp_path: Path) -> None:
    with pytest.raises(TrainingDiverged, match="No update was made with these weights"):
        run(tmp_path, policy_config=toy(sick_from=0, sickness="loss"))
    assert not read_metrics(tmp_path / "metrics.jsonl")


def test_before_any_healthy_checkpoint_it_is_begun_anew(tmp_path: Path) -> None:
    early = toy(sick_from=3, sick_faster_than=0.012, sickness="loss")
    seen: list[TrainingProgress] = []
    config = settings(tmp_path, policy_config=early, warmup=0)
    result = train_on(config, training_set(), seen.append)
    assert result.rollbacks >= 1
    first = next(progress for progress in seen if progress.rolled_back_to is not None)
    assert first.rolled_back_to == 0
    assert "Rolled back to the first weights at step 3" in first.note


def test_held_out_error_far_above_the_least_is_rolled_back(tmp_path: Path) -> None:
    errors = (0.2, 0.1, 0.5, 0.5, 0.5, 0.09, 0.08, 0.08, 0.08, 0.08, 0.08, 0.08, 0.08)
    seen: list[TrainingProgress] = []
    config = settings(tmp_path, policy_config=toy(errors=errors), validate_every=5)
    train_on(config, training_set(), seen.append)
    (back,) = [progress for progress in seen if progress.rolled_back_to is not None]
    assert (back.step, back.rolled_back_to) == (25, 10)
    assert "held-out action_error 0.5 is above 0.3" in back.note


def test_sickness_at_the_very_end_leaves_healthy_weights_last(tmp_path: Path) -> None:
    errors = (0.2, 0.1, 0.1, 0.9, 0.9, 0.9, 0.1)
    result = run(tmp_path, policy_config=toy(errors=errors), validate_every=10)
    assert (result.steps, result.rollbacks, result.best_step) == (60, 1, 60)
    last = read_metrics(tmp_path / "metrics.jsonl")[-1]
    assert (last["step"], last["checkpoint"]) == (60, "000060")


def test_watching_changes_nothing_of_a_healthy_run(tmp_path: Path) -> None:
    run(tmp_path / "watched")
    run(tmp_path / "alone", rollback=RollbackConfig(attempts=0))
    assert everything(tmp_path / "watched") == everything(tmp_path / "alone")


def test_switched_off_it_stops_at_once_at_what_is_not_finite_and_at_nothing_else(
    tmp_path: Path,
) -> None:
    off = RollbackConfig(attempts=0)
    with pytest.raises(TrainingDiverged, match="step 20: loss became nan"):
        run(tmp_path / "a", policy_config=hasty("loss"), rollback=off)
    assert run(tmp_path / "b", policy_config=hasty("pulse"), rollback=off).rollbacks == 0


def test_state_of_the_watch_that_is_damaged_is_named(tmp_path: Path) -> None:
    run(tmp_path, **OFTEN)
    state = tmp_path / "checkpoints" / "last" / "training_state" / "state.json"
    numbers = json.loads(state.read_text())
    numbers["health"]["pulse"] = 1
    state.write_text(json.dumps(numbers))
    with pytest.raises(CheckpointError, match="is damaged"):
        run(tmp_path, resume=True, **OFTEN)


def test_line_of_a_rollback_after_the_checkpoint_is_dropped_when_it_is_resumed(
    tmp_path: Path,
) -> None:
    path = tmp_path / "m.jsonl"
    lines: list[dict[str, Any]] = [
        {"step": 4, "rolled_back_to": 2},
        {"step": 4, "rolled_back_to": None, "checkpoint": "000004"},
        {"step": 4, "rolled_back_to": 4},
        {"step": 5, "rolled_back_to": None},
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    MetricsFile(path, after=4).close()
    assert read_metrics(path) == lines[:2]


@pytest.mark.parametrize(
    "bad",
    [
        {"attempts": -1},
        {"learning_rate_factor": 0.0},
        {"learning_rate_factor": 1.5},
        {"patience": 0},
        {"error_ratio": 1.0},
        {"error_ratio": float("nan")},
    ],
)
def test_senseless_settings_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(bad))):
        RollbackConfig(**bad)
