"""The demonstrator of two targets: it goes to both, in their order, whatever the tolerance and the rate.

How often it does over 500 seeds stands in `benchmarks/results/oracles.json`; a few of them tell whether it still does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ibc_gym.envs.oracles.push_two_targets import PushTwoTargetsOracle
from ibc_gym.envs.tasks.push_two_targets import PushTwoTargets
from ibc_gym.records import Float32
from ibc_gym.registry import make_oracle, make_vec_env
from ibc_gym.rollout import Rollout, rollout

pytestmark = pytest.mark.slow

TASK = PushTwoTargets()
PLACES = {"target": (0.4, 0.0), "target2": (0.4, 0.4), "effector_target": (0.4, 0.3)}
"""The tip stands between the two targets."""


def run(seeds: range, **options: Any) -> Rollout:
    envs = make_vec_env(
        "push-two-targets", min(4, len(seeds)), autoreset_mode="disabled", **options
    )
    try:
        return rollout(envs, make_oracle("push-two-targets", envs), seeds)
    finally:
        envs.close()


def seen(block: tuple[float, float]) -> Float32:
    state = np.zeros((1, 13), dtype=np.float32)
    for name, place in {**PLACES, "block": block}.items():
        state[:, TASK.columns[f"{name}_translation"]] = place
    return state


@pytest.mark.parametrize(
    "options, at_most", [({}, 95), ({"goal_tolerance": 0.01}, 95), ({"control_rate": 5.0}, 85)]
)
def test_oracle_reaches_both_targets(options: dict[str, float], at_most: float) -> None:
    episodes = run(range(4), **options).episodes
    assert all(episode.success for episode in episodes)
    assert np.mean([episode.length for episode in episodes]) < at_most


def test_oracle_succeeds_in_the_other_simulator() -> None:
    assert all(episode.success for episode in run(range(4), workcell="pybullet").episodes)


def test_second_target_comes_after_the_first_and_remains() -> None:
    oracle = PushTwoTargetsOracle(TASK)
    oracle.reset(np.ones(1, dtype=np.bool_), [None])
    start, first, between = seen((0.4, -0.2)), seen((0.4, 0.0)), seen((0.4, 0.2))
    assert oracle.act({"state": start})[0, 1] < 0  # behind the block, which is far back
    oracle.act({"state": first})
    assert oracle.act({"state": between})[0, 1] < 0  # behind the block, to push it on
    oracle.reset(np.ones(1, dtype=np.bool_), [None])
    assert oracle.act({"state": between})[0, 1] < 0.01  # the first target again: beyond the block
    assert np.linalg.norm(oracle.act({"state": between})) > 0.01
