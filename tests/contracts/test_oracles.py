"""What every scripted demonstrator keeps: all rows of the table, in the first workcell of its task."""

from __future__ import annotations

from functools import cache
from typing import Any

import gymnasium
import numpy as np
import pytest
from rows import marks, suites

from ibc_gym.contracts import Policy, PolicySpec
from ibc_gym.evaluation.tape import TapeDeck
from ibc_gym.records import Float32
from ibc_gym.registry import make_env, make_oracle, make_vec_env
from ibc_gym.rollout import rollout
from ibc_gym.tables import ORACLES
from ibc_gym.testing import PolicyContract
from ibc_gym.testing.policies import spec_of

SEEDS = [11, 12]


@pytest.fixture(
    scope="module", params=[pytest.param(task, marks=marks(task)) for task in sorted(ORACLES)]
)
def task(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


def demonstrated(task: str, num_envs: int) -> dict[int, Float32]:
    """The actions of every episode, (T, A), by its seed."""
    envs = make_vec_env(task, num_envs, autoreset_mode="disabled")
    deck = TapeDeck()
    try:
        rollout(envs, make_oracle(task, envs), SEEDS, [deck])
    finally:
        envs.close()
    return {tape.seed: tape.actions for tape in deck.tapes}


@pytest.fixture(scope="module")
def tapes(task: str) -> dict[int, Float32]:
    return demonstrated(task, num_envs=2)


def test_acts_in_the_action_space(task: str, tapes: dict[int, Float32]) -> None:
    with make_env(task) as env:
        space = env.action_space
    assert sorted(tapes) == SEEDS
    for actions in tapes.values():
        assert actions.dtype == np.float32
        assert all(space.contains(action) for action in actions)


def test_same_seeds_give_the_same_demonstrations_whoever_shares_the_batch(
    task: str, tapes: dict[int, Float32]
) -> None:
    """Nor do they depend on which row they run in, nor on the episode that ran there before."""
    alone = demonstrated(task, num_envs=1)
    assert {seed: tape.tobytes() for seed, tape in alone.items()} == {
        seed: tape.tobytes() for seed, tape in tapes.items()
    }


class Oracles(PolicyContract):
    """In batches that know nothing of each other, on how episodes begin."""

    row: str
    tolerance = 0.0

    def make(self) -> Policy:
        return make_oracle(self.row, environment(self.row))

    def spec(self) -> PolicySpec:
        return spec_of(make_env(self.row))

    def observation(self, seed: int) -> dict[str, Any]:
        return beginning(self.row, seed)


@cache
def beginning(task: str, seed: int) -> dict[str, Any]:
    """What is seen when an episode begins; not to be written to."""
    observation: dict[str, Any] = environment(task).reset(seed=seed)[0]
    return observation


@cache
def environment(task: str) -> gymnasium.Env[Any, Any]:
    return make_env(task)


globals().update(suites(Oracles, sorted(ORACLES)))
