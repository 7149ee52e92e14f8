"""What `ibc-gym train` says is true: what it writes, how to go on, how to do it again."""

from __future__ import annotations

import json
import shlex
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ibc_gym.cli import main as cli
from ibc_gym.policies.presets import few_choices
from ibc_gym.policies.presets.record import TrainingHints
from ibc_gym.training.loop import TrainingLoop

Said = tuple[int, str, str]


def call(capsys: pytest.CaptureFixture[str], *words: str | Path) -> Said:
    """Exit code, standard output and standard error."""
    code = cli.main([str(word) for word in words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def printed(said: str, before: str) -> list[str]:
    """The words of the command that is printed after some others."""
    (line,) = (line for line in said.splitlines() if before in line)
    return shlex.split(line.partition(before)[2].removeprefix("ibc-gym "))


@pytest.fixture
def demos(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    out = tmp_path / "demos.zarr"
    assert call(capsys, "record", "particle", "--episodes", "6", "--out", out)[0] == 0
    return out


QUICK = ("--policy.type", "mse", "--steps", "3", "--no-tensorboard")


@pytest.mark.parametrize("named", [True, False])
def test_command_that_repeats_a_training_runs_and_so_does_the_one_that_evaluates_it(
    demos: Path, named: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(demos.parent)
    out = ("--out", "runs/two words") if named else ()
    code, said, _ = call(capsys, "train", demos, *QUICK, *out)
    assert code == 0
    again = printed(said, "Repeat with: ")
    assert again[-1] == ("runs/two words-2" if named else "runs/demos-mse-2")
    assert "checkpoint  " in said
    assert str(demos.parent / "runs") not in said  # all paths are relative, as they were given
    assert call(capsys, *again)[0] == 0
    assert call(capsys, *printed(said, "Evaluate it with: "), "--episodes", "1")[0] == 0


def test_data_that_are_not_there_and_a_folder_that_is_taken_are_told_before_anything_is_announced(
    demos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = demos.parent / "run"
    for data, taken in ((demos.with_name("nonesuch.zarr"), False), (demos, True)):
        if taken:
            call(capsys, "train", demos, *QUICK, "--out", out)
        code, said, err = call(capsys, "train", data, *QUICK, "--out", out)
        assert code == 1
        assert ("already holds" if taken else "nonesuch.zarr") in err
        assert "Writes" not in said
        assert out.exists() is taken


@pytest.mark.parametrize("below", [".", "run", "segments/run"])
def test_run_in_a_data_set_is_refused_and_leaves_it_alone(
    demos: Path, below: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(demos.rglob("*"))
    code, said, err = call(capsys, "train", demos, *QUICK, "--out", demos / below)
    assert code == 1
    assert "a folder of data, no place for a run; choose another --out" in err
    assert "Writes" not in said
    assert sorted(demos.rglob("*")) == before


def test_run_is_named_for_the_folder_that_a_dot_stands_for_and_not_written_into_it(
    demos: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(demos)
    code, _, err = call(capsys, "train", ".", *QUICK)
    assert code == 1
    assert f"runs/demos-mse lies in {demos.resolve()}, a folder of data" in err
    (demos.parent / "below").mkdir()
    monkeypatch.chdir(demos.parent / "below")
    assert call(capsys, "train", "../below/../demos.zarr/.", *QUICK)[0] == 0
    assert Path("runs/demos-mse/checkpoints").is_dir()


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("--policy.frame", "nosuch"), "nosuch"),
        (("--policy.frame", "push"), "see the frame of 'push', but task 'particle' has"),
        (("--preset", "fast/push-frame"), "see the frame of 'push', but task 'particle' has"),
        (("--policy.inputs", "image"), "'image'"),
        (("--policy.lead", "500"), "the longest episode has 50"),
    ],
)
def test_policy_that_the_data_do_not_suit_is_told_before_anything_is_announced_or_written(
    demos: Path, flags: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = demos.parent / "run"
    code, said, err = call(capsys, "train", demos, *flags, "--out", out)
    assert code == 1
    assert told in err
    assert "Writes" not in said
    assert not out.exists()


@pytest.mark.parametrize(
    "flags",
    [
        ("--policy.type", "ebm"),
        ("--preset", "fast/particle", "--preset", "fast/particle-mse"),
    ],
)
def test_last_policy_and_preset_that_are_said_are_trained(
    demos: Path, flags: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    out = ("--out", demos.parent / "run", "--json")
    code, said, err = call(capsys, "train", demos, *flags, *QUICK, *out)
    assert code == 0, err
    assert json.loads(said)["policy"] == "mse"


def test_ctrl_c_gives_the_command_that_goes_on(
    demos: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = demos.parent / "run"
    looks: list[int] = []
    look_around = TrainingLoop._look_around

    def interrupting(self: TrainingLoop, *, final: bool) -> bool:
        saved = look_around(self, final=final)
        looks.append(self.learner.steps)
        if looks == [1]:
            signal.raise_signal(signal.SIGINT)
        return saved

    monkeypatch.setattr(TrainingLoop, "_look_around", interrupting)
    code, _, err = call(capsys, "train", demos, *QUICK, "--out", out)
    assert code == 130
    assert "Checkpoint 000002 is kept" in err
    code, said, _ = call(capsys, *printed(err, "go on with: "), "--json")
    assert code == 0
    assert json.loads(said)["steps"] == 3
    assert looks == [1, 2, 3]


def test_ctrl_c_before_the_first_update_promises_nothing(
    demos: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: TrainingLoop) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(TrainingLoop, "run", interrupted)
    code, _, err = call(capsys, "train", demos, *QUICK, "--out", demos.parent / "run")
    assert code == 130
    assert "there is no checkpoint yet" in err
    assert "--resume" not in err


def test_no_evaluation_is_suggested_for_a_task_that_is_not_here(
    demos: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ibc_gym.cli.train.TASKS", {"push": "recorded elsewhere"})
    _, said, _ = call(capsys, "train", demos, *QUICK, "--out", demos.parent / "run")
    assert "There is no task 'particle' here" in said
    assert "ibc-gym eval" not in said


def test_policy_setting_that_differs_when_resuming_is_named_by_its_flag(
    demos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("train", demos, *QUICK, "--out", demos.parent / "run")
    assert call(capsys, *words, "--policy.width", "16")[0] == 0
    code, _, err = call(capsys, *words, "--policy.width", "8", "--resume")
    assert code == 1
    assert "begun with --policy.width 16, but is to be resumed with 8." in err
    code, _, err = call(capsys, *words[:2], *words[-2:], "--policy.type", "ebm", "--resume")
    assert "begun with --policy.type 'mse', but is to be resumed with 'ebm'." in err


def test_a_run_goes_on_with_what_it_was_begun_with_whatever_is_said_no_more(
    demos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = demos.parent / "run"
    words = ("train", demos, *QUICK, "--out", out, "--schedule", "constant", "--policy.width", "16")
    assert call(capsys, *words)[0] == 0
    more = ("train", demos, "--out", out, "--resume", "--steps", "9", "--json")
    code, said, err = call(capsys, *more)
    assert code == 0
    assert "Goes on with the settings that the run was begun with." in err
    assert json.loads(said)["steps"] == 9
    assert json.loads(said)["policy"] == "mse"


def test_a_run_goes_on_though_its_preset_has_changed_since(
    demos: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("train", demos, "--preset", "fast/particle-mse", "--out", demos.parent / "run")
    with monkeypatch.context() as before:
        small: Any = few_choices.PARTICLE_MSE.config
        small = replace(small, width=16, axis_centres=())
        preset = replace(
            few_choices.PARTICLE_MSE, config=small, training=TrainingHints(steps=3, batch_size=4)
        )
        before.setattr(few_choices, "PARTICLE_MSE", preset)
        assert call(capsys, *words, "--no-tensorboard")[0] == 0
    code, _, err = call(capsys, *words, "--no-tensorboard", "--resume", "--json")
    assert code == 0, err
    assert "Goes on with the settings that the run was begun with." in err
    told = " ".join(err.split())
    assert (
        "Those of fast/particle-mse are others now: --steps 16000, it was 3, --batch-size 256"
        in told
    )


def test_a_run_keeps_as_many_checkpoints_as_it_was_begun_with(
    demos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("train", demos, "--out", demos.parent / "run")
    begin = ("--schedule", "constant", "--checkpoint-every", "1", "--keep", "10")
    assert call(capsys, *words, *QUICK, *begin)[0] == 0
    assert call(capsys, *words, "--resume", "--steps", "6")[0] == 0
    kept = {path.name for path in (demos.parent / "run" / "checkpoints").glob("0*")}
    assert kept == {f"{step:06d}" for step in range(1, 7)}
    assert not (demos.parent / "run" / "tensorboard").exists()


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (
            ("--steps", "5", "--budget-cpu-seconds", "3"),
            "--steps changes nothing: --budget-cpu-seconds ends the training; leave out one of the two.",
        ),
        (
            ("--decay-steps", "3"),
            "--decay-steps changes nothing: --schedule is 'cosine'; set it to",
        ),
        (
            ("--validation-fraction", "0", "--validate-every", "9"),
            "--validate-every changes nothing: no episode is held out; set --validation-fraction.",
        ),
        (
            ("--rollback.attempts", "0", "--rollback.patience", "9"),
            "--rollback.patience changes nothing: training is not rolled back; set --rollback.attempts.",
        ),
    ],
)
def test_flag_of_the_trainer_that_nothing_reads_is_refused(
    demos: Path, flags: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = call(capsys, "train", demos, *flags, "--out", demos.parent / "run")
    assert code == 2
    assert told in err
    assert not (demos.parent / "run").exists()


def test_run_can_be_made_longer_unless_its_schedule_ends(
    demos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for schedule in ("cosine", "constant"):
        words: list[str | Path] = [
            "train",
            demos,
            "--out",
            demos.parent / schedule,
            "--schedule",
            schedule,
        ]
        words += ["--policy.type", "mse", "--no-tensorboard", "--json"]
        assert call(capsys, *words, "--steps", "2")[0] == 0
        code, said, err = call(capsys, *words, "--steps", "4", "--resume")
        if schedule == "cosine":
            assert code == 1
            assert "cosine schedule ends with them" in err
        else:
            assert json.loads(said)["steps"] == 4


def test_pictures_are_trained_on_by_the_command_that_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ("record", "particle", "--observation", "image", "--episodes", "2", "--workers", "1")
    _, said, _ = call(capsys, *words, "--out", "two words.zarr")
    small = ["--steps", "1", "--policy.image-size", "24", "24", "--validation-windows", "2"]
    small += ["--batch-size", "2", "--policy.late-fusion.channels", "4", "8"]
    assert call(capsys, *printed(said, "Train on it with: "), *small, "--no-tensorboard")[0] == 0
