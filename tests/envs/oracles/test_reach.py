"""The demonstrator of the reach task: straight, at its speed, to the point behind the block."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ibc_gym.registry import make_oracle, make_vec_env
from ibc_gym.rollout import rollout

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "options", [{}, {"goal_tolerance": 0.001}, {"control_rate": 5.0}, {"workcell": "pybullet"}]
)
def test_oracle_reaches_the_point_in_every_episode(options: dict[str, Any]) -> None:
    envs = make_vec_env("reach", 4, autoreset_mode="disabled", **options)
    episodes = rollout(envs, make_oracle("reach", envs), range(12)).episodes
    envs.close()
    assert all(episode.success for episode in episodes)
    assert max(episode.length for episode in episodes) <= 25


@pytest.mark.parametrize("rate", [5.0, 10.0])
def test_tip_goes_straight_at_two_hundred_millimetres_per_second(rate: float) -> None:
    envs = make_vec_env("reach", 1, autoreset_mode="disabled", control_rate=rate)
    oracle = make_oracle("reach", envs)
    observation, _ = envs.reset(seed=3)
    oracle.reset(np.ones(1, dtype=np.bool_), [3])
    move = oracle.act(observation)[0]
    columns = envs.envs[0].unwrapped.task.columns  # type: ignore[attr-defined]
    state = {key: observation["state"][0, where] for key, where in columns.items()}
    envs.close()
    back = state["block_translation"] - state["target_translation"]
    point = state["block_translation"] + 0.05 * back / np.linalg.norm(back)
    way = point - state["effector_target_translation"]
    np.testing.assert_allclose(move, 0.2 / rate * way / np.linalg.norm(way), atol=1e-5)
