"""A landscape has its basin where the policy's energy has it, at the right steps, within the action space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ibc_gym.errors import ConfigError
from ibc_gym.evaluation.evaluator import evaluate
from ibc_gym.evaluation.landscape import Landscape, landscapes
from ibc_gym.evaluation.results import EvalConfig, Evaluation
from ibc_gym.evaluation.stage import Stage
from ibc_gym.records import Bool, Float32, Observation

CENTRE = np.array([0.3, 0.7], np.float32)


class Bowl:
    """Energy grows with the distance from one action, four times as steeply along the second axis."""

    def reset(self, mask: Bool, seeds: Sequence[int | None]) -> None:
        self.rows = len(mask)

    def act(self, observation: Observation) -> Float32:
        return np.tile(CENTRE, (self.rows, 1))

    def energies(self, actions: Float32) -> Float32:
        found: Float32 = ((actions - CENTRE) ** 2 * np.array([1, 4], np.float32)).sum(axis=-1)
        return found

    def candidates(self) -> Float32:
        return np.tile(CENTRE, (self.rows, 5, 1))


class WithBowl(Stage):
    def make_policy(self, envs: Any) -> Bowl:
        return Bowl()


STAGE: dict[str, Any] = {
    "policy": "random",
    "env": "particle",
    "workcell": None,
    "observation": "state",
}


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    out = tmp_path_factory.mktemp("run")
    return evaluate(EvalConfig(policy="random", env="particle", episodes=3, workers=1, out=out))


@pytest.fixture(scope="module")
def drawn(evaluation: Evaluation) -> list[Landscape]:
    return landscapes(evaluation, WithBowl(**STAGE, options={}), seed=100_001)


def test_basin_lies_where_the_energy_is_least(drawn: list[Landscape]) -> None:
    for landscape in drawn:
        row, column = np.unravel_index(landscape.energies.argmin(), landscape.energies.shape)
        cell = (landscape.high - landscape.low) / (len(landscape.energies) - 1)
        found = landscape.low + cell * np.array([column, row])
        np.testing.assert_allclose(found, CENTRE, atol=float(cell.max()))
        np.testing.assert_array_equal(landscape.chosen, CENTRE)
        assert landscape.candidates.shape == (5, 2)


def test_rows_run_along_the_second_dimension(drawn: list[Landscape]) -> None:
    energies = drawn[0].energies
    assert np.ptp(energies[:, 0]) > np.ptp(energies[0])


def test_landscapes_are_taken_along_the_episode(drawn: list[Landscape]) -> None:
    assert [landscape.step for landscape in drawn] == [4, 17, 30, 44]
    assert all(landscape.seed == 100_001 for landscape in drawn)
    assert all(landscape.oracle is not None for landscape in drawn)


def test_landscapes_are_taken_at_the_steps_that_are_named(evaluation: Evaluation) -> None:
    stage = WithBowl(**STAGE, options={})
    found = landscapes(evaluation, stage, seed=100_002, steps=(49, 0, 7))
    assert [(landscape.seed, landscape.step) for landscape in found] == [
        (100_002, 0),
        (100_002, 7),
        (100_002, 49),
    ]


@pytest.mark.parametrize(
    ("seed", "steps", "message"),
    [
        (100_003, (), "Seed 100003 was not run"),
        (100_000, (3, 50), "steps 0 to 49; it has no step 50"),
        (100_000, (-1,), "no step -1"),
    ],
)
def test_episode_or_step_that_was_not_run_is_refused(
    evaluation: Evaluation, seed: int, steps: tuple[int, ...], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        landscapes(evaluation, WithBowl(**STAGE, options={}), seed, steps)


def test_slice_stays_within_the_action_space(drawn: list[Landscape]) -> None:
    assert (drawn[0].low >= 0).all()
    assert (drawn[0].high <= 1).all()


def test_slice_is_widened_until_every_mark_lies_inside(
    evaluation: Evaluation, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Beyond(Bowl):
        def act(self, observation: Observation) -> Float32:
            return np.tile(np.array([2.0, -0.5], np.float32), (self.rows, 1))

    monkeypatch.setattr("ibc_gym.evaluation.landscape.make_oracle", lambda env, envs: Beyond())
    middle = np.full((50, 2), 0.5, np.float32) + np.linspace(0, 0.1, 50, dtype=np.float32)[:, None]
    tapes = tuple(replace(tape, actions=middle) for tape in evaluation.tapes)
    found = replace(evaluation, tapes=tapes)
    monkeypatch.setattr("ibc_gym.evaluation.landscape.check_same", lambda evaluated, seen: None)
    drawn = landscapes(found, WithBowl(**STAGE, options={}), seed=100_001)
    assert len(drawn) == 4
    for landscape in drawn:
        assert landscape.oracle is not None
        assert landscape.oracle.tolist() == [1, 0]  # what the action space leaves of it
        for mark in (landscape.chosen, landscape.oracle):
            assert ((landscape.low <= mark) & (mark <= landscape.high)).all()
        assert landscape.energies.min() < 0.01  # the energies are those of the wider slice
        assert landscape.energies.max() > 1


def test_policy_without_energies_has_no_landscape(evaluation: Evaluation) -> None:
    assert landscapes(evaluation, Stage(**STAGE, options={}), seed=100_001) == []


def test_policy_that_was_trained_has_one(particle_run: Path, tmp_path: Path) -> None:
    config = EvalConfig(policy=str(particle_run), episodes=2, workers=1, out=tmp_path)
    stage = Stage(**{**STAGE, "policy": str(particle_run)}, options={})
    (first, *_) = landscapes(evaluate(config), stage, seed=100_000)
    assert np.isfinite(first.energies).all()
    assert np.ptp(first.energies) > 0
