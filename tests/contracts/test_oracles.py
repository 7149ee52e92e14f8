"""What every scripted demonstrator keeps: all rows of the table, in the first workcell of its task."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from streams import global_stream

from ibc_gym.evaluation.tape import TapeDeck
from ibc_gym.records import Float32
from ibc_gym.registry import ORACLES, make_env, make_oracle, make_vec_env
from ibc_gym.rollout import rollout

SEEDS = [11, 12, 13]


@pytest.fixture(scope="module", params=sorted(ORACLES))
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
    return demonstrated(task, num_envs=3)


def observations(task: str) -> list[dict[str, Any]]:
    """How the episodes of some seeds begin, as batches of one."""
    with make_env(task) as env:
        begun = [env.reset(seed=seed)[0] for seed in SEEDS]
    return [{name: values[None] for name, values in each.items()} for each in begun]


def test_acts_in_the_action_space(task: str, tapes: dict[int, Float32]) -> None:
    with make_env(task) as env:
        space = env.action_space
    assert sorted(tapes) == SEEDS
    for actions in tapes.values():
        assert actions.dtype == np.float32
        assert all(space.contains(action) for action in actions)


def test_same_seeds_give_the_same_demonstrations(task: str, tapes: dict[int, Float32]) -> None:
    again = demonstrated(task, num_envs=3)
    assert {seed: tape.tobytes() for seed, tape in again.items()} == {
        seed: tape.tobytes() for seed, tape in tapes.items()
    }


def test_demonstration_does_not_depend_on_who_shares_the_batch(
    task: str, tapes: dict[int, Float32]
) -> None:
    """Nor on which row it runs in, nor on the episode that ran there before."""
    alone = demonstrated(task, num_envs=1)
    for seed in SEEDS:
        np.testing.assert_array_equal(alone[seed], tapes[seed])


def test_observation_is_only_looked_at_and_the_global_generator_left_alone(task: str) -> None:
    with make_env(task) as env:
        oracle = make_oracle(task, env)
    before = global_stream()
    for seed, observation in zip(SEEDS, observations(task), strict=True):
        kept = {name: values.copy() for name, values in observation.items()}
        oracle.reset(np.ones(1, np.bool_), [seed])
        oracle.act(observation)
        for name, values in observation.items():
            np.testing.assert_array_equal(values, kept[name])
    assert global_stream() == before


def test_begins_anew_after_a_reset(task: str) -> None:
    with make_env(task) as env:
        oracle = make_oracle(task, env)
    first, other, _ = observations(task)

    def opening() -> bytes:
        oracle.reset(np.ones(1, np.bool_), [SEEDS[0]])
        return oracle.act(first).tobytes()

    fresh = opening()
    for _ in range(5):
        oracle.act(other)
    assert opening() == fresh
