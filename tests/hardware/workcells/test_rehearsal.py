"""The rehearsal by its command: the same insertions in simulation and through the vendor's client, paced in real time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import run

from ibc_gym.evaluation.results import read_evaluation

SEED = 18
"""Of two insertions in turn that take few steps."""
SHALLOW = 1.5e-4
"""How deep a thing may be in another in MuJoCo [m]."""


pytestmark = pytest.mark.realtime


def test_insertions_are_rehearsed_on_equal_seeds_with_figures_of_time_and_a_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    counts = ("--episodes", "1", "--trials", "2", "--seed", str(SEED), "--workers", "1")
    code, out, err = run(
        capsys, "rehearse", "insert", *counts, "--out", tmp_path / "rehearsed", "--json"
    )
    assert code == 0, err
    found = json.loads(out)
    kept = json.loads((tmp_path / "rehearsed" / "comparison.json").read_text())
    assert kept.items() <= found.items()
    assert found["workcells"] == ["mujoco", "xarm-emulated"]

    trial = found["trials"]["oracle"]
    for side in ("first", "second"):
        assert (trial[side]["successes"], trial[side]["episodes"]) == (2, 2), side
    assert trial["difference_points"] == 0.0
    folders = (tmp_path / "rehearsed" / "oracle" / "evaluations").iterdir()
    evaluations = [read_evaluation(folder) for folder in folders]
    assert {each.summary["workcell"] for each in evaluations} == set(found["workcells"])
    for each in evaluations:
        assert [episode.seed for episode in each.episodes] == [SEED, SEED + 1]
        assert max(episode.metrics["worst_penetration"] for episode in each.episodes) < SHALLOW

    simulated, rehearsed = found["timing"]["first"], found["timing"]["second"]
    assert simulated["setpoints"] is None and simulated["follows_ms"] == pytest.approx(0.0, abs=1.0)
    assert simulated["period_ms"] == pytest.approx([200.0] * 3)
    steps = rehearsed["periods"]
    assert steps == simulated["periods"] > 50
    # Of twenty in a period those are counted that were sent or left out, however busy the machine is.
    assert 19 * steps <= rehearsed["setpoints"]
    assert 0 <= rehearsed["setpoints_late"] <= rehearsed["setpoints"]
    middle, low, high = rehearsed["period_ms"]
    assert low <= middle <= high and middle > 150.0, "it kept real time"
    assert rehearsed["follows_ms"] > 0.0, "an arm that must be able to brake is behind"

    same = found["same_commands"]
    assert same["episodes"] == 1 and same["success_in_first"] == 1
    assert 0.0 < same["tip_gap_before_contact_mm"]["largest"] < 60.0
    page = Path(found["page"])
    assert page == tmp_path / "rehearsed" / "rehearsal.html"
    text = page.read_text()
    assert text.startswith("<!doctype html>") and "mujoco and xarm-emulated" in text
    assert text.count("2 of 2") == 2 and f"{rehearsed['setpoints']:,}" in text


def test_implicit_policy_learned_in_simulation_does_as_well_through_the_vendors_client(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, learned = tmp_path / "d.zarr", tmp_path / "learned"
    few = ("--policy.type", "ebm", "--steps", "300", "--batch-size", "64", "--no-tensorboard")
    for words in (
        ("record", "reach", "--episodes", "60", "--out", data),
        ("train", data, *few, "--out", learned),
    ):
        code, _, err = run(capsys, *words)
        assert code == 0, err
    counts = ("--episodes", "1", "--trials", "2", "--seed", str(SEED), "--policy", learned)
    code, out, err = run(
        capsys, "rehearse", "reach", *counts, "--out", tmp_path / "rehearsed", "--json"
    )
    assert code == 0, err
    trials = json.loads(out)["trials"]
    assert set(trials) == {"oracle", str(learned)}
    for trial in trials.values():
        for side in ("first", "second"):
            assert (trial[side]["successes"], trial[side]["episodes"]) == (2, 2), side


def test_collision_costs_its_episode_and_the_arm_is_had_back_for_the_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rig.toml").write_text('faults = ["collision@0.4s"]')
    monkeypatch.setenv("IBC_GYM_RIG", str(tmp_path / "rig.toml"))
    words = ("rehearse", "reach", "--episodes", "2", "--trials", "2", "--seed", str(SEED))
    code, out, err = run(capsys, *words, "--out", tmp_path / "rehearsed", "--json")
    assert code == 0, err
    found = json.loads(out)
    same, other = found["same_commands"], found["trials"]["oracle"]["second"]
    assert (same["episodes"], same["faults"]) == (1, 1)
    assert (other["episodes"], other["faults"], other["cut_off"]) == (2, 1, None)
    assert other["successes"] < 2
    for told in (*same["fault_messages"], *other["fault_messages"]):
        assert "controller error 31" in told and told in err
    assert found["cut_off"] is None
