"""The comparison of two simulators, from the command line to the page."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from command import run

from ibc_gym.comparison.compare import CompareConfig
from ibc_gym.errors import ConfigError, UnknownName


@pytest.mark.slow
def test_command_leaves_figures_and_a_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("compare-sims", "push", "--episodes", "3", "--trials", "2", "--workers", "1")
    code, out, _ = run(capsys, *words, "--out", str(tmp_path), "--json")
    assert code == 0
    answer = json.loads(out)
    kept = json.loads((tmp_path / "comparison.json").read_text())
    assert kept.items() <= answer.items()
    same = answer["same_commands"]
    assert same["success_in_first"] == 3  # the commands were made there
    assert 0 < same["tip_gap_before_contact_mm"]["largest"] < 0.5
    aside = same["in_first_alone_with_one_command_aside"]
    assert aside["episodes"] == 3 and aside["thing_gap_at_the_end_mm"]["largest"] > 0
    assert same["contact_later_in_second_ms"]["largest"] <= 100
    assert answer["trials"]["oracle"]["first"]["episodes"] == 2
    page = (tmp_path / "comparison.html").read_text()
    assert "mujoco and pybullet" in page
    assert "The commands alone, without looking, solve 3 of 3 in mujoco" in page
    assert "in mujoco alone, with one command 0.2 mm to the side" in page
    assert page.count("data:image/jpeg;base64,") == 6  # two episodes: one, other, difference
    assert not re.search(r"""(src|href)=["']https?:""", page)


@pytest.mark.slow
def test_a_trained_policy_is_tried_in_both_beside_the_demonstrator(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, policy, out = (str(tmp_path / name) for name in ("demos.zarr", "mine", "compared"))
    record = ("record", "push", "--episodes", "2", "--workers", "1", "--out", data)
    train = ("train", data, "--policy.type", "mse", "--steps", "2", "--no-tensorboard")
    for words in (record, (*train, "--out", policy)):
        assert run(capsys, *words, "--json")[0] == 0
    counts = ("--episodes", "1", "--trials", "3", "--task.horizon", "20", "--workers", "1")
    code, written, _ = run(
        capsys, "compare-sims", "push", *counts, "--policy", policy, "--out", out, "--json"
    )
    assert code == 0
    trials = json.loads(written)["trials"]
    assert list(trials) == ["oracle", policy]
    for trial in trials.values():
        assert [trial[side]["episodes"] for side in ("first", "second")] == [3, 3]
        low, high = trial["difference_ci95"]
        assert low <= trial["difference_points"] <= high
    assert len(list(Path(out).glob("mine/evaluations/*/evaluation.json"))) == 2
    page = (Path(out) / "comparison.html").read_text()
    assert "The policy mine succeeds in" in page
    assert page.count("0 of 3") == 4  # two simulators, two policies: 20 steps are too few


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"workcells": ("mujoco", "mujoco")}, ConfigError),
        ({"episodes": 0}, ConfigError),
        ({"task": "puhs"}, UnknownName),
    ],
)
def test_what_cannot_be_compared_is_refused(
    wrong: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        CompareConfig(**wrong)  # type: ignore[arg-type]  # that is the point


def test_task_of_one_simulator_is_refused_in_one_line_and_leaves_no_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "compared"
    code, _, err = run(capsys, "compare-sims", "particle", "--out", out)
    assert code == 1
    assert "cannot run in workcell 'mujoco'" in err
    assert "Writes" not in err
    assert not out.exists()


def test_run_that_does_not_serve_is_refused_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "compared"
    code, _, err = run(
        capsys, "compare-sims", "push", "--policy", tmp_path / "nowhere", "--out", out
    )
    assert code == 1
    assert "give a run's folder" in err
    assert "Comparing" not in err
    assert not out.exists()


def test_missing_simulator_is_named_before_a_folder_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in [name for name in sys.modules if ".simulators.bullet_" in name]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "pybullet", None)  # as where it is not installed
    out = tmp_path / "compared"
    code, _, err = run(capsys, "compare-sims", "push", "--out", out)
    assert code == 1
    assert "pip install 'ibc-gym[pybullet]'" in err
    assert not out.exists()
