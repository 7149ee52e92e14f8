"""The table of quality: rows that can be run, figures over seeds, and nothing that is measured twice."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import endings
import pytest

from benchmarks import quality
from benchmarks.human_data import SOURCES
from benchmarks.quality_rows import IMPLICIT, ROWS, Judgement, Row, Scripted, episodes
from benchmarks.results_file import hints
from ibc_gym.loading import load
from ibc_gym.policies.presets.record import TrainingHints
from ibc_gym.tables import ORACLES, PRESETS
from ibc_gym.training.config import TrainConfig

TINY = Row(
    about="tiny",
    data=Scripted(task="particle", parts=episodes(8), flags=("--task.dimensions", "2")),
    methods={IMPLICIT: ("fast/particle-2",)},
    judged={"": Judgement(flags=("--task.dimensions", "2"))},
    training=("--keep", "3", "--checkpoint-every", "2", "--batch-size", "8"),
    last=3,
)


@pytest.mark.parametrize("name", ROWS)
def test_every_row_has_presets_that_exist_and_an_implicit_policy(name: str) -> None:
    row = ROWS[name]
    assert next(iter(row.methods)) == IMPLICIT and len(row.methods) > 1
    hints = {entry.name for entry in dataclasses.fields(TrainConfig)}
    for preset, *_ in row.methods.values():
        assert vars(load(PRESETS, preset, "preset").training).keys() <= hints
    published = any(judgement.published for judgement in row.judged.values())
    assert all((judgement.reach > 0) == published for judgement in row.judged.values())
    if isinstance(row.data, Scripted):
        assert row.data.task in ORACLES
    else:
        assert row.data in SOURCES


def test_a_hint_that_is_off_changes_no_name_of_a_run_and_one_that_is_on_does() -> None:
    before = {"steps", "batch_size", "micro_batch", "learning_rate", "schedule", "decay_steps"}
    before |= {"warmup", "average_decay", "validation_fraction"}
    assert hints(TrainingHints()).keys() == before
    fine = hints(TrainingHints(validation_windows=9))
    assert fine == {**hints(TrainingHints()), "validation_windows": 9}
    assert hints(TrainingHints(weight_decay=0.1)) == {**hints(TrainingHints()), "weight_decay": 0.1}


@pytest.mark.parametrize("dimensions", [2, 4, 8, 16, 32])
def test_particles_are_trained_and_judged_in_the_same_dimensions(dimensions: int) -> None:
    row = ROWS[f"particle-{dimensions}"]
    assert isinstance(row.data, Scripted)
    assert row.data.flags == row.judged[""].flags == ("--task.dimensions", str(dimensions))


def test_success_is_pooled_over_seeds() -> None:
    found = quality.together(
        Judgement(),
        [
            {"successes": 90, "episodes": 100, "success_rate": 0.9},
            {"successes": 100, "episodes": 100, "success_rate": 1.0},
        ],
    )
    assert (found["mean"], found["by_seed"]) == (0.95, [0.9, 1.0])
    low, high = found["ci95"]
    assert 0.9 < low < 0.95 < high < 1


def test_returns_have_mean_and_deviation_over_seeds() -> None:
    found = quality.together(
        Judgement(measure="return"), [{"return_mean": value} for value in (1.0, 2.0, 3.0)]
    )
    assert (found["mean"], found["deviation"]) == (2.0, 1.0)
    alone = quality.together(Judgement(measure="return"), [{"return_mean": 1.0}])
    assert alone["deviation"] is None


def settings(folder: Path, **changes: Any) -> quality.Settings:
    given: dict[str, Any] = {"human": None, "seeds": (0,), "episodes": 3, "workers": 1, "steps": 6}
    return quality.Settings(runs=folder, **given, **changes)


@pytest.mark.slow
def test_a_row_is_measured_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quality, "ROWS", {"tiny": TINY})
    (row,) = quality.measure("tiny", settings(tmp_path))
    found = row["methods"][IMPLICIT]
    assert found["updates"] == [6] and found["cpu_seconds"][0] > 0
    judged = found["judged"][""]
    assert judged["best"]["mean"] >= judged["last"]["mean"]
    assert str(tmp_path) not in json.dumps(row)
    (run,) = tmp_path.glob("fast-particle-2-*-s0")
    assert len(list(run.glob("judged-*.json"))) == 3

    only_records(monkeypatch)
    assert list(quality.measure("tiny", settings(tmp_path))) == [row]


def test_a_row_is_gone_on_with_on_another_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = dataclasses.replace(TINY, methods={**TINY.methods, "MSE": ("fast/particle-mse",)})
    measured: list[str] = []

    def method(row: Row, label: str, *_: Any) -> dict[str, Any]:
        measured.append(label)
        return {"preset": label}

    monkeypatch.setattr(quality, "ROWS", {"tiny": two})
    monkeypatch.setattr(quality, "demonstrations", lambda row, settings: tmp_path)
    monkeypatch.setattr(quality, "describe", lambda row, data: {"fingerprint": "the same"})
    monkeypatch.setattr(quality, "method", method)
    here = settings(tmp_path)
    half = json.loads(json.dumps(next(quality.measure("tiny", here))))
    assert half["methods"].keys() == {IMPLICIT}
    *_, whole = quality.measure("tiny", here, half)
    assert list(whole["methods"]) == measured == [IMPLICIT, "MSE"]
    assert whole["methods"][IMPLICIT] == half["methods"][IMPLICIT]
    *_, again = quality.measure("tiny", here, json.loads(json.dumps(whole)))
    assert again == whole and len(measured) == 2

    other_recipe = {**whole["methods"], "MSE": {"recipe": "another", "preset": "MSE"}}
    list(quality.measure("tiny", here, {**whole, "methods": other_recipe}))
    assert measured[2:] == ["MSE"]
    list(quality.measure("tiny", here, {**whole, "training_seeds": [1]}))
    assert measured[3:] == [IMPLICIT, "MSE"]
    monkeypatch.setattr(quality, "describe", lambda row, data: {"fingerprint": "another"})
    list(quality.measure("tiny", here, whole))
    assert measured[5:] == [IMPLICIT, "MSE"]


def test_answer_that_is_broken_off_as_it_is_kept_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = next(iter(TINY.methods.values()))
    here, given = settings(tmp_path), (TINY, steps, tmp_path / "demos.zarr", "same", 0)

    def run(words: list[str]) -> str:
        Path(words[words.index("--out") + 1]).mkdir(exist_ok=True)
        return json.dumps({"steps": 6})

    monkeypatch.setattr(quality, "run", run)
    with monkeypatch.context() as killed:
        killed.setattr(Path, "write_text", endings.half_written)
        with pytest.raises(KeyboardInterrupt):
            quality.train(*given, here)
    assert quality.train(*given, here).said == {"steps": 6}


def only_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on nothing is trained or judged."""

    def run(words: list[str]) -> str:
        assert words[0] == "record", words
        return ""

    monkeypatch.setattr(quality, "run", run)


def test_human_data_that_nobody_named_are_asked_for(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="IBC_GYM_HUMAN_DATA"):
        next(quality.measure("door-human", settings(tmp_path)))
