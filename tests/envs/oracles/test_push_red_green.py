"""The demonstrator with two toys and two fixtures: it succeeds, in each of four ways.

How often it does over 500 seeds stands in `benchmarks/results/oracles.json`; a few of them tell whether it still does. That it does in the
other simulator, too, `tests/contracts/test_envs.py` has for every task.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from ibc_gym.envs.oracles.push_red_green import PushRedGreenOracle
from ibc_gym.envs.tasks.push_red_green import PushRedGreen
from ibc_gym.registry import add_noise, make_oracle, make_vec_env
from ibc_gym.rollout import Rollout, rollout

pytestmark = pytest.mark.slow

TASK = PushRedGreen()


def run(task: str, seeds: range, noise: float = 0.0) -> Rollout:
    envs = make_vec_env(task, min(4, len(seeds)), autoreset_mode="disabled")
    oracle = make_oracle(task, envs)
    if noise:
        oracle = add_noise(oracle, noise, TASK.action_space)
    try:
        return rollout(envs, oracle, seeds)
    finally:
        envs.close()


@pytest.mark.parametrize("task", ["push-red-green", "push-red-then-green"])
def test_it_succeeds_in_far_less_time_than_there_is(task: str) -> None:
    episodes = run(task, range(4)).episodes
    assert all(episode.success and episode.length < 150 for episode in episodes)


def test_it_succeeds_with_noise_on_its_actions() -> None:
    assert all(episode.success for episode in run("push-red-green", range(4), noise=0.003).episodes)


def test_four_ways_are_equally_likely() -> None:
    oracle = PushRedGreenOracle(TASK)
    rows = 2000
    oracle.reset(np.ones(rows, dtype=np.bool_), range(rows))
    counted = Counter(zip(oracle._first.tolist(), oracle._crossed.tolist(), strict=True))
    assert len(counted) == 4
    assert all(abs(count - rows / 4) < 4 * np.sqrt(rows * 3 / 16) for count in counted.values())
