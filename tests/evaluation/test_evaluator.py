"""An evaluation counts rightly, says what it ran, and is the same on any number of cores."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import endings
import numpy as np
import pytest

from ibc_gym.errors import (
    CheckpointError,
    ConfigError,
    SpecMismatch,
    UnknownName,
    WorkerFailed,
)
from ibc_gym.evaluation import shares
from ibc_gym.evaluation.evaluator import EvalProgress, evaluate, prepare
from ibc_gym.evaluation.results import (
    EvalConfig,
    Evaluation,
    find_tape,
    list_evaluations,
    read_evaluation,
)
from ibc_gym.evaluation.shares import run_shares
from ibc_gym.evaluation.stage import Stage
from ibc_gym.evaluation.uncertainty import wilson_interval
from ibc_gym.threads import ThreadedVectorEnv

pytestmark = pytest.mark.slow

PROMISED = [
    "task",
    "workcell",
    "policy",
    "episodes",
    "successes",
    "success_rate",
    "ci95",
    "return_mean",
    "action_ms",
    "seeds",
]
"""Keys of `ibc-gym eval --json`, in this order."""


def oracle(tmp_path: Path, **changes: object) -> EvalConfig:
    config = EvalConfig(
        policy="oracle",
        env="particle",
        episodes=12,
        share=5,
        num_envs=2,
        workers=1,
        latency_steps=20,
        out=tmp_path / "run",
    )
    return replace(config, **changes)  # type: ignore[arg-type]


def everything_but_times(evaluation: Evaluation) -> dict[str, object]:
    timed = ("action_ms", "action_ms_batched", "cpu_seconds", "wall_seconds", "config")
    return {key: value for key, value in evaluation.summary.items() if key not in timed}


def test_oracle_solves_what_random_actions_do_not(tmp_path: Path) -> None:
    assert evaluate(oracle(tmp_path)).summary["success_rate"] == 1.0
    assert evaluate(oracle(tmp_path, policy="random")).summary["success_rate"] == 0.0


def test_result_is_the_same_on_any_number_of_workers(tmp_path: Path) -> None:
    one = evaluate(oracle(tmp_path / "one", policy="random"))
    three = evaluate(oracle(tmp_path / "three", policy="random", workers=3))
    assert one.episodes == three.episodes
    assert everything_but_times(one) == everything_but_times(three)
    for here, there in zip(one.tapes, three.tapes, strict=True):
        assert here.seed == there.seed
        np.testing.assert_array_equal(here.actions, there.actions)


@pytest.mark.parametrize("workers, threads", [(0, 0), (1, 1)])
def test_one_process_steps_its_environments_with_all_cores_unless_one_worker_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int, threads: int
) -> None:
    made: list[tuple[int, object]] = []

    def noted(stage: Stage, count: int, threads: int = 1) -> object:
        envs = make_envs(stage, count, threads)
        made.append((threads, type(envs)))
        return envs

    make_envs = Stage.make_envs
    monkeypatch.setattr(Stage, "make_envs", noted)
    evaluate(oracle(tmp_path, env="push", episodes=3, workers=workers, options={"horizon": 3}))
    assert made[-1] == (threads, ThreadedVectorEnv)


def test_json_object_begins_with_what_is_promised(tmp_path: Path) -> None:
    evaluation = evaluate(oracle(tmp_path, policy="random"))
    found = json.loads((evaluation.folder / "evaluation.json").read_text())
    assert list(found)[: len(PROMISED)] == PROMISED
    assert found["seeds"] == list(range(100_000, 100_012))
    assert (found["task"], found["workcell"], found["policy"]) == ("particle", "particle", "random")
    assert found["ci95"] == list(wilson_interval(found["successes"], found["episodes"]))
    assert set(found["action_ms"]) == {"median", "p95"}
    assert 0 < found["action_ms"]["median"] <= found["action_ms"]["p95"]
    assert [row["seed"] for row in found["failures"]] == found["seeds"]


def test_episodes_are_written_row_by_row_and_read_back(tmp_path: Path) -> None:
    evaluation = evaluate(oracle(tmp_path))
    rows = (evaluation.folder / "episodes.jsonl").read_text().splitlines()
    assert [json.loads(row)["seed"] for row in rows] == evaluation.summary["seeds"]
    shutil.copytree(evaluation.folder, evaluation.folder.with_name(".unfinished-other"))
    assert list_evaluations(tmp_path / "run") == [evaluation.folder]
    again = read_evaluation(evaluation.folder)
    assert again.episodes == evaluation.episodes
    assert again.summary == evaluation.summary
    np.testing.assert_array_equal(again.tapes[3].actions, evaluation.tapes[3].actions)
    assert len(find_tape(again.tapes, 100_004).actions) == again.episodes[4].length


def test_half_an_evaluation_is_not_read(tmp_path: Path) -> None:
    folder = evaluate(oracle(tmp_path)).folder
    (folder / "actions.npz").unlink()
    with pytest.raises(ConfigError, match="no complete evaluation"):
        read_evaluation(folder)


def test_evaluations_of_other_options_do_not_overwrite_each_other(tmp_path: Path) -> None:
    loose = evaluate(oracle(tmp_path, options={"goal_tolerance": 0.1}))
    strict = evaluate(oracle(tmp_path, options={"goal_tolerance": 0.0001}))
    assert loose.folder != strict.folder
    assert loose.summary["successes"] == 12
    assert strict.summary["successes"] == 0


def test_progress_counts_every_episode_once(tmp_path: Path) -> None:
    heard: list[EvalProgress] = []
    evaluate(oracle(tmp_path, workers=2), heard.append)
    assert [progress.done for progress in heard] == list(range(1, 13))
    assert heard[-1].successes == heard[-1].total == 12


def test_score_is_normalised_by_the_reference(tmp_path: Path) -> None:
    config = oracle(tmp_path, score="return", reference=(0.5, 1.5))
    score = evaluate(config).summary["score"]
    assert score["name"] == "return"
    assert score["normalised"] == pytest.approx(100 * (score["mean"] - 0.5))


def test_score_of_a_benchmark_is_its_published_one(tmp_path: Path) -> None:
    door = oracle(
        tmp_path,
        policy="random",
        env="gym:AdroitHandDoor-v1",
        options={"horizon": 5},
        episodes=2,
        latency_steps=0,
    )
    summary = evaluate(door).summary
    assert summary["score"]["name"] == "return"
    assert summary["score"]["mean"] == summary["return_mean"]
    assert summary["score"]["reference"] == [-56.512833, 2880.5693087298737]
    assert summary["horizon"] == 5
    by_success = evaluate(replace(door, score="success")).summary["score"]
    assert "normalised" not in by_success  # D4RL's reference scores are returns


def test_films_show_the_failures_first(tmp_path: Path) -> None:
    evaluation = evaluate(oracle(tmp_path, policy="random", films=2))
    films = sorted(path.name for path in (evaluation.folder / "films").iterdir())
    assert films == [
        "100000-failure.jpg",
        "100000-failure.mp4",
        "100001-failure.jpg",
        "100001-failure.mp4",
    ]


def test_films_show_the_episodes_that_are_named(tmp_path: Path) -> None:
    config = oracle(tmp_path, policy="random", films=1, film_seeds=(100_007, 100_000))
    films = (evaluate(config).folder / "films").glob("*.mp4")
    assert sorted(path.name for path in films) == [
        "100000-failure.mp4",
        "100001-failure.mp4",  # the first failure beside those
        "100007-failure.mp4",
    ]


@pytest.mark.parametrize("error", [ConfigError("Dark."), RuntimeError("Dark.")])
def test_error_in_filming_is_told_and_leaves_the_episodes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def dark(*_: object) -> None:
        raise error

    monkeypatch.setattr("ibc_gym.evaluation.films._write", dark)
    found = evaluate(oracle(tmp_path, films=1))
    assert found.film_error in ("Dark.", "RuntimeError: Dark.")
    assert read_evaluation(found.folder).episodes == found.episodes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"film_seeds": (100_003, 100_012, 7)}, "names 100012, 7, but .* 100000 to 100011"),
        ({"episodes": 0}, "episodes is 0"),
        ({"env": None}, "say which with --env"),
        ({"name": "../elsewhere"}, "no file name"),
        ({"reference": (1.0, 1.0)}, "two different scores"),
        ({"workers": -1}, "workers is -1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        oracle(tmp_path, **changes)


def test_unknown_task_is_answered_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="particle"):
        evaluate(oracle(tmp_path, env="partical"))


def test_trained_policy_does_the_same_on_any_number_of_workers(
    tmp_path: Path, particle_run: Path
) -> None:
    policy = str(particle_run)
    one = evaluate(oracle(tmp_path / "one", policy=policy, env=None))
    two = evaluate(oracle(tmp_path / "two", policy=policy, env=None, workers=2))
    assert one.episodes == two.episodes
    assert everything_but_times(one) == everything_but_times(two)
    assert one.summary["policy"] == "ebm"
    assert one.summary["task"] == "particle"
    assert one.summary["checkpoint"]["step"] > 0


@pytest.mark.parametrize(
    ("first", "said"), [(0, "All seeds are"), (9, "3 of the 5 seeds are"), (12, None)]
)
def test_seeds_of_the_demonstrations_are_no_test_and_that_is_said(
    tmp_path: Path, particle_run: Path, first: int, said: str | None
) -> None:
    config = EvalConfig(policy=str(particle_run), episodes=5, first_seed=first, out=tmp_path)
    notes = [note for note in prepare(config).notes if "no test" in note]
    assert [note.partition(" those")[0] for note in notes] == ([] if said is None else [said])


def test_checkpoint_of_another_task_is_refused(tmp_path: Path, particle_run: Path) -> None:
    with pytest.raises(SpecMismatch, match="trained on 'particle'"):
        evaluate(oracle(tmp_path, policy=str(particle_run), env="push"))
    with pytest.raises(SpecMismatch, match="state"):
        evaluate(oracle(tmp_path, policy=str(particle_run), options={"dimensions": 3}))


def test_evaluation_of_a_checkpoint_lies_in_its_run(tmp_path: Path, particle_run: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(particle_run, run, symlinks=True)
    best = run / "checkpoints" / "best"
    evaluation = evaluate(oracle(tmp_path, policy=str(best), out=None))
    assert evaluation.folder.parent == run / "evaluations"
    step = next(path for path in (run / "checkpoints").iterdir() if path.name.isdigit())
    of_a_step = evaluate(oracle(tmp_path, policy=str(step), out=None))
    assert of_a_step.folder.parent == run / "evaluations"
    assert of_a_step.folder != evaluation.folder


def test_evaluation_done_again_replaces_the_old_one_whole(tmp_path: Path) -> None:
    assert not prepare(oracle(tmp_path, policy="random")).notes
    first = evaluate(oracle(tmp_path, policy="random", films=1))
    assert (first.folder / "films").is_dir()
    assert any(
        "Takes the place of" in note for note in prepare(oracle(tmp_path, policy="random")).notes
    )
    again = evaluate(oracle(tmp_path, policy="random"))
    assert again.folder == first.folder
    assert not (again.folder / "films").exists()
    assert [path.name for path in again.folder.parent.iterdir()] == [again.folder.name]


def test_killed_worker_is_heard_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares, "_serve", endings.die)
    with pytest.raises(WorkerFailed, match="killed"):
        evaluate(oracle(tmp_path, workers=2))


def test_worker_that_ended_by_itself_is_not_called_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares, "_serve", endings.leave)
    with pytest.raises(WorkerFailed, match=r"exit code 9.*__main__"):
        evaluate(oracle(tmp_path, workers=2))


def test_error_in_a_worker_is_told_with_its_trace(tmp_path: Path) -> None:
    stage = Stage(policy="oracle", env="nowhere", workcell=None, observation="state", options={})
    with pytest.raises(WorkerFailed, match="no task called 'nowhere'") as caught:
        run_shares(stage, [[1], [2]], num_envs=1, workers=2, on_episode=lambda _: None)
    assert "Traceback" in caught.value.__notes__[0]


def test_missing_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="nowhere"):
        evaluate(oracle(tmp_path, policy=str(tmp_path / "nowhere")))


def test_read_only_folder_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="Cannot write"):
        evaluate(oracle(tmp_path, out=tmp_path / "file"))
