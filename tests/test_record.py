"""Scripted demonstrations: the same data whoever shares the work, and what was asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ibc_gym.data.dataset import Dataset
from ibc_gym.errors import ConfigError, SpecMismatch, UnknownName
from ibc_gym.record import RecordConfig, RecordSummary, record


def config(out: Path, **changes: Any) -> RecordConfig:
    fields: dict[str, Any] = {"task": "particle", "out": out, "episodes": 24, "workers": 1}
    return RecordConfig(**{**fields, **changes})


@pytest.mark.slow
def test_same_data_whatever_the_number_of_workers(tmp_path: Path) -> None:
    for workers in (1, 3):
        record(config(tmp_path / f"{workers}.zarr", workers=workers, share=7, noise=0.05))
    one, three = (Dataset.open(tmp_path / f"{workers}.zarr", verify=True) for workers in (1, 3))
    assert one.fingerprint == three.fingerprint
    assert [entry.seed for entry in three.entries] == list(range(24))


@pytest.mark.slow
@pytest.mark.parametrize("workcell", ["mujoco", "pybullet"])
def test_same_data_of_simulators_whatever_the_number_of_workers(
    workcell: str, tmp_path: Path
) -> None:
    changes: dict[str, Any] = {"task": "push", "workcell": workcell, "episodes": 6, "share": 2}
    changes |= {"noise": 0.001, "options": {"horizon": 20, "randomisation": {"friction": 0.5}}}
    for workers in (1, 2):
        record(config(tmp_path / f"{workers}.zarr", workers=workers, **changes))
    one, two = (Dataset.open(tmp_path / f"{workers}.zarr", verify=True) for workers in (1, 2))
    assert one.fingerprint == two.fingerprint
    assert [entry.seed for entry in two.entries] == list(range(6))


def test_arrays_and_single_environments_record_the_same_numbers(tmp_path: Path) -> None:
    record(config(tmp_path / "arrays.zarr", episodes=5))
    record(config(tmp_path / "one.zarr", episodes=5, num_envs=1))
    arrays, one = Dataset.open(tmp_path / "arrays.zarr"), Dataset.open(tmp_path / "one.zarr")
    assert arrays.fingerprint == one.fingerprint


def all_labels_are_goals(dataset: Dataset) -> bool:
    """Whether the particle's demonstrator wants one of the two goals at every step, as it does undisturbed."""
    state, action = dataset.column("observation.state"), dataset.column("action")
    goals = np.stack([state[:, 2:4], state[:, 4:6]])
    return bool(np.isclose(action, goals).all(axis=2).any(axis=0).all())


def test_noise_is_in_what_was_sent_and_not_in_the_label(tmp_path: Path) -> None:
    record(config(tmp_path / "d.zarr", noise=0.1))
    dataset = Dataset.open(tmp_path / "d.zarr")
    assert all_labels_are_goals(dataset)
    apart = dataset.column("action_sent") - dataset.column("action")
    assert 0.05 < apart.std() < 0.15
    assert dataset.metadata.source["noise"] == 0.1


def test_random_actions_are_in_what_was_sent_and_not_in_the_label(tmp_path: Path) -> None:
    record(config(tmp_path / "d.zarr", random_actions=0.2))
    dataset = Dataset.open(tmp_path / "d.zarr")
    assert all_labels_are_goals(dataset)
    other = (dataset.column("action_sent") != dataset.column("action")).any(axis=1)
    assert 0.1 < other.mean() < 0.3
    assert dataset.metadata.source["random_actions"] == 0.2


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_share_of_random_actions_is_a_share(tmp_path: Path, share: float) -> None:
    with pytest.raises(ConfigError, match="random_actions"):
        config(tmp_path, random_actions=share)


def test_data_of_a_demonstrator_that_took_care_say_so(tmp_path: Path) -> None:
    said = {}
    for task, field, share in (
        ("push", "noise", 0.0),
        ("push", "noise", 0.003),
        ("push", "random_actions", 0.1),
        ("particle", "noise", 0.003),
    ):
        name = f"{task} {field} {share}"
        out = tmp_path / f"{name}.zarr"
        record(config(out, task=task, episodes=1, options={"horizon": 3}, **{field: share}))
        said[name] = Dataset.open(out).metadata.source.get("careful")
    assert said == {
        "push noise 0.0": None,
        "push noise 0.003": True,
        "push random_actions 0.1": True,
        "particle noise 0.003": None,
    }


def test_what_is_there_is_not_recorded_again(tmp_path: Path) -> None:
    first = record(config(tmp_path / "d.zarr", episodes=10, share=4))
    more = record(config(tmp_path / "d.zarr", episodes=18, share=4))
    nothing = record(config(tmp_path / "d.zarr", episodes=18, share=4))
    assert (first.present, first.written) == (0, 10)
    assert (more.present, more.written) == (10, 8)
    assert (nothing.present, nothing.done) == (18, 0)
    dataset = Dataset.open(tmp_path / "d.zarr", verify=True)
    assert sorted(entry.seed or 0 for entry in dataset.entries) == list(range(18))


def test_two_at_once_never_make_the_same_episodes(tmp_path: Path) -> None:
    out = tmp_path / "d.zarr"
    refused: list[ConfigError] = []

    def meddle(_: RecordSummary) -> None:
        with pytest.raises(ConfigError, match="is recording in") as error:
            record(config(out))
        refused.append(error.value)

    record(config(out, share=12), meddle, meddle)
    assert len(refused) == 3
    assert sorted(entry.seed or 0 for entry in Dataset.open(out).entries) == list(range(24))


def test_what_is_there_is_told_before_the_first_episode(tmp_path: Path) -> None:
    told: list[RecordSummary] = []
    record(config(tmp_path / "d.zarr", episodes=5), None, told.append)
    record(config(tmp_path / "d.zarr", episodes=8, seed=3), None, told.append)
    record(config(tmp_path / "d.zarr", episodes=8, seed=3), None, told.append)
    record(config(tmp_path / "d.zarr", episodes=2, noise=0.1), None, told.append)
    assert [(found.present, found.others) for found in told] == [(0, 0), (2, 3), (8, 3), (0, 11)]
    assert all(found.done == 0 for found in told)


def test_other_settings_with_the_same_seeds_are_other_episodes(tmp_path: Path) -> None:
    record(config(tmp_path / "d.zarr", episodes=4))
    noisy = record(config(tmp_path / "d.zarr", episodes=4, noise=0.1))
    assert (noisy.present, noisy.written) == (0, 4)


def test_progress_is_told_after_every_share(tmp_path: Path) -> None:
    told: list[RecordSummary] = []
    summary = record(config(tmp_path / "d.zarr", episodes=10, share=4), told.append)
    assert [progress.done for progress in told] == [4, 8, 10]
    assert summary.successes == summary.written == 10 and summary.steps == 500


def test_options_of_the_task_are_used_and_written_down(tmp_path: Path) -> None:
    record(config(tmp_path / "d.zarr", options={"dimensions": 3, "horizon": 20}))
    dataset = Dataset.open(tmp_path / "d.zarr")
    assert dataset.spec.action_space.shape == (3,) and set(dataset.lengths) == {20}
    assert dataset.metadata.config["dimensions"] == 3
    assert dataset.metadata.demonstrator == "oracle"
    assert "numpy" in dataset.metadata.versions


def test_successes_only_writes_no_failure(tmp_path: Path) -> None:
    summary = record(
        config(tmp_path / "d.zarr", episodes=64, options={"horizon": 40}, successes_only=True)
    )
    assert 0 < summary.successes == summary.written < summary.done == 64
    assert Dataset.open(tmp_path / "d.zarr").success.all()


def test_unknown_task_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="particle"):
        record(config(tmp_path / "d.zarr", task="partical"))
    assert not (tmp_path / "d.zarr").exists()


def test_data_set_of_another_task_is_refused(tmp_path: Path) -> None:
    record(config(tmp_path / "d.zarr", episodes=1))
    with pytest.raises(SpecMismatch, match="Choose another folder"):
        record(config(tmp_path / "d.zarr", episodes=1, options={"dimensions": 5}))


@pytest.mark.parametrize("field", ["episodes", "seed", "workers", "num_envs", "share", "noise"])
def test_negative_settings_are_refused(tmp_path: Path, field: str) -> None:
    with pytest.raises(ConfigError, match=f"RecordConfig.{field} is -1"):
        config(tmp_path, **{field: -1})
