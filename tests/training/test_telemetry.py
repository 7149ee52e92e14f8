"""What is shown and kept of training."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import endings
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ibc_gym.errors import ConfigError
from ibc_gym.training.records import TrainingProgress
from ibc_gym.training.telemetry import (
    ConsoleDisplay,
    MetricsFile,
    TensorBoardFiles,
    duration,
    plain_line,
    read_metrics,
)

PROGRESS = TrainingProgress(
    step=40,
    share=0.25,
    learning_rate=2e-3,
    train={"loss": 1.5, "energy_positive": -3.0},
    validation={"action_error": 0.125},
    best_step=40,
    best_action_error=0.125,
    checkpoint="000040",
    note="",
    steps_per_second=61.7,
    seconds=10.0,
    cpu_seconds=9.0,
    seconds_left=75.0,
)
QUIET = replace(PROGRESS, validation={}, note="")


def test_every_report_is_a_line_of_json(tmp_path: Path) -> None:
    with MetricsFile(tmp_path / "m.jsonl") as file:
        file(PROGRESS)
        file(replace(PROGRESS, step=80))
    first, second = read_metrics(tmp_path / "m.jsonl")
    assert first["train"] == {"loss": 1.5, "energy_positive": -3.0}
    assert first["validation"]["action_error"] == 0.125
    assert second["step"] == 80


@pytest.mark.parametrize("torn", ['{"step": 4', '{"step": 4\n', "\0\0\0\0\n"])
def test_torn_last_line_is_passed_over(tmp_path: Path, torn: str) -> None:
    (tmp_path / "m.jsonl").write_text('{"step": 1}\n' + torn)
    assert read_metrics(tmp_path / "m.jsonl") == [{"step": 1}]


def test_last_line_that_lacks_its_line_break_alone_is_kept_and_mended(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    with MetricsFile(path) as file:
        for step in (10, 20):
            file(replace(PROGRESS, step=step))
    path.write_text(path.read_text().removesuffix("\n"))
    assert [line["step"] for line in read_metrics(path)] == [10, 20]
    with MetricsFile(path, after=20) as file:
        file(replace(PROGRESS, step=30))
    assert [line["step"] for line in read_metrics(path)] == [10, 20, 30]


@pytest.mark.parametrize("damaged", ['{"step": 2', "[]", "", "{}"])
def test_damaged_line_is_named(tmp_path: Path, damaged: str) -> None:
    path = tmp_path / "m.jsonl"
    path.write_text('{"step": 1}\n' + damaged + '\n{"step": 3}\n')
    with pytest.raises(ConfigError, match=r"Line 2 of .*m\.jsonl is damaged"):
        read_metrics(path)


def test_resumed_log_drops_what_is_to_be_done_again_and_half_lines(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    with MetricsFile(path) as file:
        for step in (10, 20, 30):
            file(replace(PROGRESS, step=step))
    path.write_text(path.read_text() + '{"step": 4')
    assert [line["step"] for line in read_metrics(path)] == [10, 20, 30]
    with MetricsFile(path, after=20) as file:
        file(replace(PROGRESS, step=31))
    assert [line["step"] for line in read_metrics(path)] == [10, 20, 31]


def test_log_that_is_broken_off_as_it_is_taken_up_again_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.jsonl"
    with MetricsFile(path) as file:
        for step in (10, 20, 30):
            file(replace(PROGRESS, step=step))
    monkeypatch.setattr(Path, "write_text", endings.half_written)
    with pytest.raises(KeyboardInterrupt):
        MetricsFile(path, after=20)
    assert [line["step"] for line in read_metrics(path)] == [10, 20, 30]


def test_new_log_starts_empty(tmp_path: Path) -> None:
    for _ in range(2):
        with MetricsFile(tmp_path / "m.jsonl") as file:
            file(PROGRESS)
    assert len(read_metrics(tmp_path / "m.jsonl")) == 1


def test_run_without_a_log_has_no_reports(tmp_path: Path) -> None:
    assert read_metrics(tmp_path / "m.jsonl") == []


def test_tensorboard_files_hold_the_same_numbers(tmp_path: Path) -> None:
    with TensorBoardFiles(tmp_path) as files:
        files(PROGRESS)
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    assert set(events.Tags()["scalars"]) >= {
        "train/loss",
        "train/energy_positive",
        "validation/action_error",
        "run/learning_rate",
        "run/steps_per_second",
    }
    (error,) = events.Scalars("validation/action_error")
    assert (error.step, error.value) == (40, 0.125)


def shown(reports: list[TrainingProgress], *, terminal: bool, seconds: list[float]) -> str:
    output = io.StringIO()
    console = Console(file=output, force_terminal=terminal, width=100)
    ticks = iter(seconds)
    with ConsoleDisplay(console, interval=10.0, clock=lambda: next(ticks)) as display:
        for report in reports:
            display(report)
    return output.getvalue()


def test_pipe_gets_one_plain_line_per_interval(tmp_path: Path) -> None:
    reports = [replace(QUIET, step=step) for step in (1, 2, 3)]
    text = shown(reports, terminal=False, seconds=[0.0, 0.0, 5.0, 10.0, 10.0])
    assert ["step 1" in line or "step 3" in line for line in text.splitlines()] == [True, True]
    assert "\x1b" not in text


def test_pipe_hears_of_every_validation(tmp_path: Path) -> None:
    text = shown([QUIET, PROGRESS, PROGRESS], terminal=False, seconds=[0.0] * 5)
    assert text.count("held-out error 0.125, chosen") == 2


def test_terminal_shows_speed_time_left_losses_energies_and_the_held_out_error() -> None:
    text = shown([PROGRESS, QUIET], terminal=True, seconds=[])
    for words in (
        "61.7 steps/s",
        "1 min 15 s left",
        "energy positive",
        "-3",
        "held-out action error",
        "best held-out action error 0.125 at step 40",
    ):
        assert words in text


def test_plain_line_says_what_matters_and_leaves_the_rest_to_the_file() -> None:
    many = {f"energy_of_kind_{number}": 1.0 for number in range(20)}
    learnt = replace(PROGRESS, step=123_456, best_step=123_456, train={**many, "loss": 1.23456})
    line = plain_line(learnt)
    expected = " 25% step 123,456 | 1 min 15 s left | loss 1.23 | held-out error 0.125, chosen"
    assert line == expected and len(line) <= 80
    worse = plain_line(replace(learnt, best_step=100_000, note="Chose checkpoint 100000."))
    assert worse == expected.removesuffix(", chosen") + "\nChose checkpoint 100000."


@pytest.mark.parametrize(
    "seconds, words", [(45.2, "45 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")]
)
def test_duration_is_said_as_people_say_it(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@given(seconds=st.floats(0, 1e6))
def test_duration_never_shows_sixty_of_anything(seconds: float) -> None:
    assert "60" not in duration(seconds).replace(" h", "").split()[-2:-1]


def test_metrics_are_plain_json(tmp_path: Path) -> None:
    with MetricsFile(tmp_path / "m.jsonl") as file:
        file(PROGRESS)
    json.loads((tmp_path / "m.jsonl").read_text(), parse_constant=pytest.fail)


def test_measure_that_is_no_number_is_null(tmp_path: Path) -> None:
    with MetricsFile(tmp_path / "m.jsonl") as file:
        file(replace(PROGRESS, validation={"loss": float("inf")}))
    said = json.loads((tmp_path / "m.jsonl").read_text(), parse_constant=pytest.fail)
    assert said["validation"] == {"loss": None}
