"""`ibc-gym eval` as it is printed at the end of a training: it says where it writes, and what differs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ibc_gym.cli import main as cli

Said = tuple[int, str, str]


def call(capsys: pytest.CaptureFixture[str], *words: str | Path) -> Said:
    """Exit code, standard output and standard error."""
    code = cli.main([str(word) for word in words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture(scope="module")
def five(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A policy whose demonstrations had other dimensions and another tolerance than the task by default."""
    folder = tmp_path_factory.mktemp("five")
    data, out = folder / "demos.zarr", folder / "run"
    options = ["--task.dimensions", "5", "--task.goal-tolerance", "0.01"]
    options += ["--task.randomisation.mass", "0.05"]
    record = ["record", "particle", *options, "--episodes", "6", "--out", str(data)]
    assert cli.main([*record, "--json"]) == 0
    train = ["train", str(data), "--policy.type", "mse", "--steps", "2", "--out", str(out)]
    assert cli.main([*train, "--no-tensorboard", "--json"]) == 0
    return out


EVAL = ("--episodes", "2", "--workers", "1", "--latency-steps", "5")


def test_dimensions_come_from_the_demonstrations_and_the_tolerance_is_the_tasks(
    five: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = call(capsys, "eval", five, *EVAL, "--out", tmp_path, "--json")
    assert code == 0
    assert "As in the demonstrations: dimensions 5." in err
    had = "goal_tolerance 0.01, randomisation.mass 0.05"
    assert f"The demonstrations had {had}; here it is 0.05, 0.0." in err
    found = json.loads(out)
    assert (found["options"]["dimensions"], found["options"]["goal_tolerance"]) == (5, 0.05)
    (folder,) = tmp_path.glob("evaluations/*")
    assert f"Writes rows of every episode and a summary to {folder}/" in err
    assert "dimensions=5" in folder.name
    assert json.loads((folder / "evaluation.json").read_text())["options"] == found["options"]


def test_options_that_are_given_count_and_need_no_comment(
    five: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ("--task.goal-tolerance", "0.5", "--task.randomisation.mass", "0")
    words = ("eval", five, *EVAL, "--out", tmp_path, *given, "--json")
    code, out, err = call(capsys, *words)
    assert code == 0
    assert json.loads(out)["options"]["goal_tolerance"] == 0.5
    assert "demonstrations had" not in err
    code, _, err = call(capsys, "eval", five, *EVAL, "--out", tmp_path, "--task.dimensions", "3")
    assert code == 1
    assert "give --task.dimensions 5" in err


def test_time_before_the_first_episode_is_not_spent_in_silence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("eval", "oracle", "--env", "particle", *EVAL, "--out", tmp_path)
    assert "Times 5 actions one by one, then runs the episodes." in call(capsys, *words)[1]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("random", "--env", "gym:Pendulum-v9"), "Pendulum-v1"),
        (("random", "--env", "Pendulum-v1"), "Did you mean 'gym:Pendulum-v1'?"),
        (("random", "--env", "gym:"), "gym:ID"),
        (("random", "--env", "gym:no such thing"), "no such thing"),
        (("demos.zarr",), "demos.zarr"),
        (
            ("oracle", "--env", "particle", "--horizon", "20", "--task.horizon", "30"),
            "--horizon 20 and --task.horizon 30 contradict each other",
        ),
    ],
)
def test_what_cannot_be_evaluated_is_not_announced(
    words: tuple[str, ...],
    complaint: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demos.zarr").mkdir()
    code, out, err = call(capsys, "eval", *words)
    assert code in (1, 2)
    assert complaint in err
    assert "Unexpected" not in err
    assert "Writes" not in out
    assert list(tmp_path.iterdir()) == [tmp_path / "demos.zarr"]


def test_path_that_is_announced_is_the_one_that_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ("eval", "random", "--env", "gym:Pendulum-v1", *EVAL, "--horizon", "5")
    code, out, _ = call(capsys, *words)
    assert code == 0
    (folder,) = Path("runs").glob("*/evaluations/*")
    assert out.startswith(f"Writes rows of every episode and a summary to {folder}/\n")
