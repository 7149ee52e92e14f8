"""Training any policy: what it learns, what its options do, what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from toys import (
    ToyConfig,
    everything,
    record,
    run,
    settings,
    toy,
    training_set,
    weights,
    windows,
)

from ibc_gym.checkpoint import find_policy
from ibc_gym.data.dataset import Dataset
from ibc_gym.data.recorder import Recorder
from ibc_gym.errors import (
    ConfigError,
    IbcGymError,
    SpecMismatch,
    UnknownName,
)
from ibc_gym.policies.mse import MSEConfig
from ibc_gym.training.records import TrainingProgress
from ibc_gym.training.telemetry import read_metrics
from ibc_gym.training.trainer import load_training_set, train, train_on

pytestmark = pytest.mark.usefixtures("toy_policy")


def test_training_lowers_loss_and_held_out_error(tmp_path: Path) -> None:
    result = run(tmp_path, steps=300)
    log = read_metrics(tmp_path / "metrics.jsonl")
    held_out = [line["validation"]["action_error"] for line in log if line["validation"]]
    assert log[-1]["train"]["loss"] < 0.2 * log[0]["train"]["loss"]
    assert held_out[-1] < 0.5 * held_out[0]
    assert result.steps == 300
    assert result.action_error == min(held_out)


def test_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        run(tmp_path / name, seed=seed)
    assert everything(tmp_path / "a") == everything(tmp_path / "b")
    assert everything(tmp_path / "a")["tensors"] != everything(tmp_path / "c")["tensors"]


def test_training_leaves_the_global_stream_and_threads_alone(tmp_path: Path) -> None:
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    run(tmp_path)
    assert torch.equal(before, torch.get_rng_state())
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize(
    "changes",
    [
        {"schedule": "constant"},
        {"clip_gradient": 1e-3},
        {"weight_decay": 0.5},
        {"precision": "bfloat16"},
        {"adam_epsilon": 1e-2},
        {"average_decay": None},
        {"batch_size": 200},
        {"micro_batch": 7},
    ],
)
def test_option_has_an_effect(tmp_path: Path, changes: dict[str, Any]) -> None:
    run(tmp_path / "plain")
    run(tmp_path / "changed", **changes)
    plain, changed = weights(tmp_path / "plain"), weights(tmp_path / "changed")
    assert not torch.equal(plain["linear.weight"], changed["linear.weight"])
    assert torch.isfinite(changed["linear.weight"]).all()


def test_two_runs_at_once_never_share_a_folder(tmp_path: Path) -> None:
    refused: list[ConfigError] = []

    def meddle(_: TrainingProgress) -> None:
        with pytest.raises(ConfigError, match=r"is training in .* choose another --out") as error:
            run(tmp_path / "run", resume=True)
        refused.append(error.value)

    train_on(settings(tmp_path / "run"), training_set(), meddle)
    assert refused
    run(tmp_path / "alone")
    assert everything(tmp_path / "run") == everything(tmp_path / "alone")


def test_folder_that_holds_a_run_is_not_overwritten(tmp_path: Path) -> None:
    run(tmp_path)
    with pytest.raises(ConfigError, match=r"already holds a training run.*--resume"):
        run(tmp_path)


@pytest.mark.parametrize(
    "changes, kind, words",
    [
        ({"policy": "toi"}, UnknownName, "Did you mean 'toy'"),
        ({"policy": "mse", "policy_config": ToyConfig()}, ConfigError, "not a ToyConfig"),
        ({"policy_config": ToyConfig(inputs=("image",))}, SpecMismatch, "image"),
        ({"device": "abacus"}, ConfigError, "abacus"),
        ({"device": "meta"}, ConfigError, "'meta' cannot be used"),
    ],
)
def test_wrong_choice_is_refused_before_training(
    tmp_path: Path, changes: dict[str, Any], kind: type[IbcGymError], words: str
) -> None:
    with pytest.raises(kind, match=words):
        run(tmp_path, **changes)


def test_far_more_threads_than_the_machine_has_processors_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    run(tmp_path / "some", threads=8)
    with pytest.raises(ConfigError, match="threads is 9, but this machine has 1 CPU"):
        run(tmp_path / "more", threads=9)


def test_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="Cannot write to"):
        run(tmp_path / "file" / "run")


def test_training_without_data_is_refused(tmp_path: Path) -> None:
    empty = windows(0, np.random.default_rng(0))
    with pytest.raises(ConfigError, match="no windows"):
        train_on(settings(tmp_path), training_set(training=empty))


def test_recorded_data_are_split_by_episode_and_train_to_the_end(tmp_path: Path) -> None:
    data = record(tmp_path / "demos.zarr", 20)
    config = settings(tmp_path / "run", data=data, validation_fraction=0.2)
    split = load_training_set(config)
    assert split.validation is not None
    assert (len(split.training), len(split.validation)) == (160, 40)
    assert not set(split.training.episode) & set(split.validation.episode)
    result = train(config)
    assert result.steps == 60
    about = json.loads((find_policy(tmp_path / "run") / "config.json").read_text())["about"]
    assert about["dataset"] == split.fingerprint == Dataset.open(data).fingerprint


@pytest.mark.parametrize("policy", ["toy", "ebm", "mse", "mdn", "nearest"])
def test_only_the_best_demonstrations_are_trained_and_held_out_on(
    tmp_path: Path, policy: str
) -> None:
    data = record(tmp_path / "demos.zarr", 20, returns=[float(n % 10) for n in range(20)])
    plain = settings(tmp_path / "run", data=data, policy=policy, validation_fraction=0.2)
    best = load_training_set(replace(plain, keep_top=0.5))
    assert best.validation is not None
    seen = np.concatenate([best.training.episode, best.validation.episode])
    assert sorted(set(seen)) == [5, 6, 7, 8, 9, 15, 16, 17, 18, 19]
    assert (len(best.training), len(best.validation)) == (80, 20)
    whole = load_training_set(plain)
    assert best.fingerprint == whole.fingerprint
    assert len(set(whole.training.episode)) == 16


@pytest.mark.parametrize(("field", "copied"), [("history", "first"), ("horizon", "last")])
def test_policy_that_looks_many_times_as_far_as_the_longest_episode_goes_is_refused(
    tmp_path: Path, field: str, copied: str
) -> None:
    config = settings(tmp_path / "run", data=record(tmp_path / "demos.zarr", 3), policy="mse")
    as_far: dict[str, Any] = {field: 1000}
    farther: dict[str, Any] = {field: 1001}
    load_training_set(replace(config, policy_config=MSEConfig(**as_far)))
    words = rf"MSEConfig.{field} is 1001 .*longest episode has 10: .* copies of its {copied} one"
    with pytest.raises(ConfigError, match=words):
        load_training_set(replace(config, policy_config=MSEConfig(**farther)))


def test_data_whose_episodes_are_all_damaged_say_so(tmp_path: Path) -> None:
    data = record(tmp_path / "demos.zarr", 3)
    for file in (data / "segments").rglob("c/*"):
        if file.is_file():
            file.write_bytes(bytes(file.stat().st_size))
    config = settings(tmp_path / "run", data=data, skip_damaged=True)
    with pytest.raises(
        ConfigError, match=r": 0 episodes to learn from.*Left out: 3 damaged episodes\."
    ) as caught:
        load_training_set(config)
    assert "--validation-fraction" not in str(caught.value)


def test_one_episode_is_trained_on_when_none_is_held_out_as_the_refusal_says(
    tmp_path: Path,
) -> None:
    config = settings(tmp_path / "run", data=record(tmp_path / "demos.zarr", 1))
    with pytest.raises(ConfigError, match=r"--validation-fraction 0 holds none out\."):
        load_training_set(config)
    assert load_training_set(replace(config, validation_fraction=0)).validation is None


def test_best_demonstrations_change_what_is_learned(tmp_path: Path) -> None:
    data = record(tmp_path / "demos.zarr", 20, returns=[float(n) for n in range(20)])
    plain = settings(tmp_path / "whole", data=data)
    train(plain)
    train(replace(plain, out=tmp_path / "best", keep_top=0.5))
    whole, best = weights(tmp_path / "whole"), weights(tmp_path / "best")
    assert not torch.equal(whole["linear.weight"], best["linear.weight"])


@pytest.mark.parametrize("keep_top", [1.0, 0.5])
def test_what_an_error_cut_off_is_no_demonstration_unless_it_had_succeeded(
    tmp_path: Path, keep_top: float
) -> None:
    data = record(tmp_path / "demos.zarr", 4, returns=[1.0, 1.0, 0.0, 0.0])
    there = Dataset.open(data)
    with Recorder(data, there.metadata, successes_only=True) as recorder:
        for success in (False, True):
            broken = replace(there[0], seed=9, fault="RobotFault: C31.", success=success)
            recorder.append(replace(broken, total_reward=2.0))
    plain = settings(tmp_path / "run", data=data, validation_fraction=0.0, keep_top=keep_top)
    entries = Dataset.open(data).entries
    seen = [entries[number] for number in set(load_training_set(plain).training.episode.tolist())]
    assert [entry.success for entry in seen if entry.fault] == [True]
    assert len(seen) == (5 if keep_top == 1 else 3)


def test_share_that_leaves_too_few_demonstrations_is_told_beside_how_many_there_are(
    tmp_path: Path,
) -> None:
    data = record(tmp_path / "demos.zarr", 10, returns=[float(n) for n in range(10)])
    with pytest.raises(ConfigError, match=r"1 episode to learn from.*has 10 episodes.*keep-top"):
        load_training_set(settings(tmp_path / "run", data=data, keep_top=0.01))


def test_demonstrations_without_rewards_cannot_be_ranked(tmp_path: Path) -> None:
    data = record(tmp_path / "demos.zarr", 3)
    with pytest.raises(ConfigError, match="no return"):
        train(settings(tmp_path / "run", data=data, keep_top=0.5))
    assert not (tmp_path / "run").exists()


def test_input_that_the_data_lack_is_named_before_anything_is_read(tmp_path: Path) -> None:
    data = record(tmp_path / "demos.zarr", 2)
    with pytest.raises(SpecMismatch, match="'image'"):
        train(settings(tmp_path / "run", data=data, policy_config=toy(inputs=("image",))))
    assert not (tmp_path / "run").exists()


def test_missing_data_are_an_error_before_a_folder_is_made(tmp_path: Path) -> None:
    with pytest.raises(IbcGymError, match="nowhere"):
        train(settings(tmp_path / "run", data=tmp_path / "nowhere.zarr"))
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_compiled_training_learns_the_same(tmp_path: Path) -> None:
    run(tmp_path / "plain")
    run(tmp_path / "compiled", compile=True)
    plain, compiled = weights(tmp_path / "plain"), weights(tmp_path / "compiled")
    torch.testing.assert_close(plain["linear.bias"], compiled["linear.bias"], atol=0.2, rtol=0.2)


@pytest.mark.parametrize("inside", ["", "run", "a/run"])
def test_a_data_set_that_is_trained_into_is_left_as_it_was(tmp_path: Path, inside: str) -> None:
    data = record(tmp_path / "demos.zarr", 3)
    before = sorted(data.rglob("*"))
    with pytest.raises(ConfigError, match="no place for a run"):
        train_on(settings(data / inside), training_set())
    assert sorted(data.rglob("*")) == before


def test_folder_that_leads_nowhere_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "run").symlink_to(tmp_path / "run")
    with pytest.raises(ConfigError, match="Cannot write to"):
        train_on(settings(tmp_path / "run"), training_set())
