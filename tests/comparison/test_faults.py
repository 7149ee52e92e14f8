"""An arm or a camera that fails in a rehearsal costs that episode and no other figure."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

import pytest
from command import run
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from ibc_gym.comparison import compare as comparing
from ibc_gym.comparison.compare import compare
from ibc_gym.comparison.page import render, told_of_faults
from ibc_gym.comparison.rehearse import RehearseConfig
from ibc_gym.contracts import Robot
from ibc_gym.env import Env
from ibc_gym.errors import CameraTimeout, ConfigError, RobotFault
from ibc_gym.evaluation import faults
from ibc_gym.evaluation import stage as staging
from ibc_gym.evaluation.evaluator import evaluate
from ibc_gym.evaluation.results import EvalConfig, read_evaluation
from ibc_gym.records import Target
from ibc_gym.registry import make_env, make_vec_env

pytestmark = pytest.mark.slow

EPISODES, TRIALS, SEED = 2, 3, 5
AT = 4
"""Step in which it fails, where it is not on the way home."""
COLLISION = RobotFault("A collision (controller error 31).")
BLIND = CameraTimeout("Camera 'front' gave no fresh picture.")


@dataclass
class Fate:
    """What becomes of the arm in its episodes, counted over all of a rehearsal: those of the commands, then the trials."""

    failing: dict[int, Exception]
    on_the_way_home: bool = False
    for_good: bool = False
    """Whether nothing clears it."""
    resets: int = 0
    cleared: int = 0


class Arm:
    """A simulated arm whose faults latch as the real one's do: nothing but `recover` lets it go on."""

    def __init__(self, inner: Robot, fate: Fate) -> None:
        self.inner, self.fate = inner, fate
        self.fault: RobotFault | None = None
        self._step = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def reset(self, home: Target | None = None) -> None:
        if self.fault is not None:
            raise self.fault
        self.fate.resets += 1
        self._step = 0
        if self.fate.on_the_way_home:
            self._fail()
        self.inner.reset(home)

    def advance(self) -> None:
        self._step += 1
        if self._step == AT:
            self._fail()
        self.inner.advance()

    def recover(self) -> None:
        if self.fate.for_good and self.fault is not None:
            raise self.fault
        self.fate.cleared += self.fault is not None
        self.fault = None

    def _fail(self) -> None:
        error = self.fate.failing.get(self.fate.resets - 1)
        if error is not None:
            self.fault = error if isinstance(error, RobotFault) else None
            raise error


Rehearse = Callable[[Fate], RehearseConfig]


@pytest.fixture
def rehearsal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rehearse:
    """A rehearsal in which a simulated arm with this fate stands in for the emulated table."""

    def prepared(fate: Fate) -> RehearseConfig:
        def stand_in(task: str, **options: Any) -> Env:
            made = make_env(task, **{**options, "workcell": "mujoco"})
            assert isinstance(made, Env)
            robot: Any = Arm(made.workcell.robot, fate)
            return Env(made.task, replace(made.workcell, robot=robot))

        def one(task: str, *, workcell: str, **options: Any) -> Any:
            if workcell == "mujoco":
                return make_env(task, workcell=workcell, **options)
            return stand_in(task, **options)

        def many(task: str, count: int, *, workcell: str, **options: Any) -> Any:
            if workcell == "mujoco":
                return make_vec_env(task, count, workcell=workcell, **options)
            options = {
                name: options[name] for name in options.keys() - {"autoreset_mode", "threads"}
            }
            return SyncVectorEnv(
                [lambda: stand_in(task, **options)], autoreset_mode=AutoresetMode.DISABLED
            )

        monkeypatch.setattr(comparing, "make_env", one)
        monkeypatch.setattr(staging, "make_vec_env", many)
        monkeypatch.setattr(faults, "PATIENCE", 0.0)
        return RehearseConfig(
            task="reach", episodes=EPISODES, trials=TRIALS, seed=SEED, out=tmp_path / "rehearsed"
        )

    return prepared


@pytest.mark.parametrize("error", [COLLISION, BLIND])
@pytest.mark.parametrize("on_the_way_home", [False, True])
def test_trial_with_a_fault_has_failed_and_the_next_is_run(
    rehearsal: Rehearse, error: Exception, on_the_way_home: bool
) -> None:
    fate = Fate({EPISODES: error}, on_the_way_home=on_the_way_home)
    config = rehearsal(fate)
    found = compare(config)
    one, other = (found.summary["trials"]["oracle"][side] for side in ("first", "second"))
    assert (one["successes"], one["episodes"], one["faults"]) == (TRIALS, TRIALS, 0)
    assert (other["successes"], other["episodes"], other["faults"]) == (TRIALS - 1, TRIALS, 1)
    (told,) = other["fault_messages"]
    assert str(error) in told and f"Seed {SEED}," in told
    assert other["cut_off"] is None and found.summary["cut_off"] is None
    assert fate.cleared == isinstance(error, RobotFault)
    assert f"oracle in xarm-emulated: {told}" in told_of_faults(config, found.summary)
    page = render(found)
    assert f"{TRIALS - 1} of {TRIALS}</td><td>1</td>" in page and escape(told) in page

    kept = read_evaluation(found.trials["oracle"][1].folder)
    length = 0 if on_the_way_home else AT - 1
    assert [len(tape.actions) for tape in kept.tapes] == [row.length for row in kept.episodes]
    assert [row.fault is None for row in kept.episodes] == [False, True, True]
    assert kept.episodes[0].length == length and not kept.episodes[0].success


def test_arm_that_cannot_be_had_back_ends_the_trials_and_the_figures_so_far_are_kept(
    rehearsal: Rehearse,
) -> None:
    config = rehearsal(Fate({EPISODES + 1: COLLISION}, for_good=True))
    found = compare(config)
    other = found.summary["trials"]["oracle"]["second"]
    assert (other["successes"], other["episodes"], other["faults"]) == (1, 2, 1)
    assert other["cut_off"] == found.summary["cut_off"] == str(COLLISION)
    assert json.loads((config.folder / "comparison.json").read_text()) == json.loads(
        json.dumps(found.summary)
    )
    assert f"Not everything was run: {COLLISION}" in render(found)


def test_arm_that_fails_in_the_last_trial_leaves_nothing_out(rehearsal: Rehearse) -> None:
    found = compare(rehearsal(Fate({EPISODES + TRIALS - 1: COLLISION}, for_good=True)))
    other = found.summary["trials"]["oracle"]["second"]
    assert (other["episodes"], other["faults"], other["cut_off"]) == (TRIALS, 1, None)


def test_episode_of_the_same_commands_with_a_fault_is_left_out(rehearsal: Rehearse) -> None:
    fate = Fate({0: COLLISION})
    found = compare(rehearsal(fate))
    same = found.summary["same_commands"]
    assert (same["episodes"], same["faults"], fate.cleared) == (EPISODES - 1, 1, 1)
    assert same["fault_messages"] == [f"Seed {SEED}: RobotFault: {COLLISION}"]
    assert found.summary["trials"]["oracle"]["second"]["episodes"] == TRIALS


def test_no_trial_is_run_with_an_arm_that_the_commands_left_in_a_fault(
    rehearsal: Rehearse,
) -> None:
    config = replace(rehearsal(Fate({1: COLLISION}, for_good=True)), episodes=3)
    found = compare(config)
    assert found.summary["same_commands"]["episodes"] == 1 and not found.summary["trials"]
    assert found.summary["cut_off"] == str(COLLISION)
    assert f"Not everything was run: {COLLISION}" in render(found)


def test_rehearsal_without_one_whole_episode_says_why(rehearsal: Rehearse) -> None:
    with pytest.raises(RobotFault, match="collision"):
        compare(rehearsal(Fate({0: COLLISION}, for_good=True)))


def test_command_tells_of_faults(rehearsal: Rehearse, capsys: pytest.CaptureFixture[str]) -> None:
    config = rehearsal(Fate({EPISODES: COLLISION}))
    words = ("--episodes", EPISODES, "--trials", TRIALS, "--seed", SEED, "--out", config.folder)
    code, out, err = run(capsys, "rehearse", "reach", *map(str, words))
    assert code == 0, err
    assert "oracle in xarm-emulated: Seed 5, after 3 steps: RobotFault: A collision" in out


def test_real_arm_is_never_cleared_without_asking() -> None:
    config = EvalConfig(policy="oracle", env="reach", workcell="xarm")
    with pytest.raises(ConfigError, match="a person must look"):
        evaluate(config, through_faults=True)
