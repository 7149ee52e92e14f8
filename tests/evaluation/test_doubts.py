"""What a policy says of itself is heard by listeners, kept by an evaluation, and left out by a recorder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ibc_gym.checkpoint import load_policy
from ibc_gym.cli.eval import in_words
from ibc_gym.data.episode_buffer import EpisodeBuffer
from ibc_gym.evaluation.evaluator import EvalProgress, evaluate
from ibc_gym.evaluation.results import EvalConfig, Evaluation, read_evaluation
from ibc_gym.evaluation.tape import TapeDeck
from ibc_gym.registry import make_oracle, make_vec_env
from ibc_gym.report.curves import read_runs
from ibc_gym.report.doubts import doubts_section
from ibc_gym.rollout import POLICY, Transition, rollout


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory, particle_run: Path) -> Evaluation:
    out = tmp_path_factory.mktemp("doubts") / "run"
    return evaluate(
        EvalConfig(
            policy=str(particle_run), episodes=6, workers=1, latency_steps=0, num_envs=3, out=out
        )
    )


def test_evaluation_keeps_what_was_said_at_every_step(evaluation: Evaluation) -> None:
    kept = read_evaluation(evaluation.folder)
    assert kept.episodes == evaluation.episodes
    for tape, episode in zip(kept.tapes, kept.episodes, strict=True):
        assert {"gap", "entropy", "novelty"} <= tape.uncertainty.keys()
        for name, values in tape.uncertainty.items():
            assert values.shape == (episode.length,)
            told = episode.uncertainty[name]
            assert told["mean"] == pytest.approx(float(values.mean()), rel=1e-4)
            assert (told["least"], told["greatest"]) == (values.min(), values.max())
    assert evaluation.summary["uncertainty"].keys() == kept.tapes[0].uncertainty.keys()


def test_what_is_said_is_no_part_of_how_an_episode_ended(evaluation: Evaluation) -> None:
    assert not any(name.startswith(POLICY) for name in evaluation.episodes[0].metrics)


def test_report_draws_it(evaluation: Evaluation) -> None:
    section = doubts_section(read_runs([evaluation.folder.parent.parent]))
    assert section.count('class="chart"') >= 4
    assert "Gap to the best other action [nats]" in section


class Doubter:
    """An oracle that doubts more with every step."""

    def __init__(self, oracle: Any) -> None:
        self._oracle = oracle
        self._steps = 0.0

    def reset(self, mask: Any, seeds: Any) -> None:
        self._oracle.reset(mask, seeds)

    def act(self, observation: Any) -> Any:
        self._steps += 1
        return self._oracle.act(observation)

    def uncertainty(self) -> dict[str, Any]:
        return {"steps": np.full(1, self._steps, np.float32)}


class Keeper:
    def __init__(self) -> None:
        self.steps: list[Transition] = []

    def on_reset(self, *args: Any) -> None:
        pass

    def on_step(self, transition: Transition) -> None:
        self.steps.append(transition)


def test_listeners_hear_it_and_a_policy_without_it_says_nothing() -> None:
    envs = make_vec_env("particle", 1, autoreset_mode="disabled")
    keeper, deck = Keeper(), TapeDeck()
    done = rollout(envs, Doubter(make_oracle("particle", envs)), [1, 2], [keeper, deck])
    assert [float(step.info["policy/steps"][0]) for step in keeper.steps[:3]] == [1, 2, 3]
    first = done.episodes[0].length
    assert done.episodes[0].uncertainty["steps"]["mean"] == pytest.approx((1 + first) / 2)
    assert done.episodes[1].uncertainty["steps"]["least"] == first + 1
    silent = rollout(envs, make_oracle("particle", envs), [1], [deck])
    assert silent.episodes[0].uncertainty == {}
    assert deck.tapes[-1].uncertainty == {}


def test_recording_is_the_same_whatever_the_demonstrator_says() -> None:
    envs = make_vec_env("particle", 1, autoreset_mode="disabled")
    keeper = Keeper()
    rollout(envs, Doubter(make_oracle("particle", envs)), [1], [keeper])
    buffer = EpisodeBuffer(1, tuple(keeper.steps[0].observation))
    buffer.begin(np.ones(1, np.bool_), [1], {})
    buffer.add(keeper.steps[0])
    assert not any("steps" in name for name in buffer.finish(0).steps)


def test_who_watches_an_arm_is_told_at_every_step(
    particle_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ibc_gym.evaluation.evaluator.is_real_time", lambda workcell: True)
    heard: list[EvalProgress] = []
    config = EvalConfig(
        policy=str(particle_run), episodes=1, workers=1, latency_steps=0, num_envs=1, out=tmp_path
    )
    (episode,) = evaluate(config, heard.append).episodes
    assert len(heard) == episode.length + 1
    assert all("gap" in now.doubts for now in heard[:-1])
    assert "the policy: gap" in in_words(heard[0])
    assert "/s" in in_words(heard[-1])


def test_checkpoint_that_is_loaded_says_the_same(particle_run: Path) -> None:
    envs = make_vec_env("particle", 2, autoreset_mode="disabled")
    said = []
    for _ in range(2):
        policy = load_policy(particle_run)
        seen, _ = envs.reset(seed=1)
        policy.reset(np.ones(2, np.bool_), [1, 2])
        policy.act(seen)
        said.append(policy.uncertainty())  # type: ignore[attr-defined]
    for name, values in said[0].items():
        np.testing.assert_array_equal(values, said[1][name])
