from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ibc_gym.envs.oracles.particle import ParticleOracle
from ibc_gym.envs.tasks.particle import Particle, ParticleConfig
from ibc_gym.errors import ConfigError
from ibc_gym.registry import make_env, make_oracle, make_vec_env
from ibc_gym.rollout import rollout

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("dimensions", [1, 2, 3, 5, 8, 13, 32])
def test_oracle_always_succeeds(dimensions: int) -> None:
    envs = make_vec_env("particle", 300, autoreset_mode="disabled", dimensions=dimensions)
    outcome = rollout(envs, make_oracle("particle", envs), range(300))
    assert all(episode.success for episode in outcome.episodes)
    assert all(episode.total_reward == 1.0 for episode in outcome.episodes)


def play(oracle: ParticleOracle, seeds: range, **options: Any) -> np.ndarray:
    """The first step at which the second goal is asked for, per episode; -1 if it never is."""
    envs = make_vec_env("particle", len(seeds), autoreset_mode="disabled", **options)
    observation, _ = envs.reset(seed=list(seeds))  # type: ignore[arg-type]  # the hint forgets lists
    oracle.reset(np.ones(len(seeds), dtype=np.bool_), list(seeds))
    (size,) = envs.single_action_space.shape or ()
    second = observation["state"][:, 2 * size : 3 * size]
    asked = []
    for _ in range(50):
        action = oracle.act(observation)
        asked.append((action == second).all(axis=1))
        observation, *_ = envs.step(action)
    found = np.array(asked)
    return np.where(found.any(axis=0), found.argmax(axis=0), -1)


def test_switch_comes_near_step_23_in_two_dimensions() -> None:
    assert play(ParticleOracle(Particle()), range(4000)).mean() == pytest.approx(23.1, abs=0.3)


def test_oracle_needs_no_velocity() -> None:
    hidden = ParticleConfig(hide_velocity=True)
    with_it = play(ParticleOracle(Particle()), range(200))
    without = play(ParticleOracle(Particle(hidden)), range(200), hide_velocity=True)
    assert (with_it == without).all()


def test_waiting_delays_the_switch_by_as_many_steps_at_the_goal() -> None:
    prompt = play(ParticleOracle(Particle()), range(200))
    patient = play(ParticleOracle(Particle(), wait=6), range(200))
    assert (patient >= prompt + 5).all()  # more where the point overshoots the goal and comes back
    assert np.median(patient - prompt) == 5


def test_multimodal_oracle_goes_either_way_by_the_seed_of_the_episode() -> None:
    oracle = ParticleOracle(Particle(), multimodal=True)
    switch = play(oracle, range(400))
    reversed_share = (switch == 0).mean()  # the second goal is asked for from the start
    assert reversed_share == pytest.approx(0.5, abs=0.08)
    assert (switch == play(oracle, range(400))).all()
    shifted = play(oracle, range(100, 300))
    assert ((switch == 0)[100:300] == (shifted == 0)).all()


def test_order_of_the_goals_is_not_told_by_where_the_point_starts() -> None:
    switch = play(ParticleOracle(Particle(), multimodal=True), range(2000))
    starts = np.array([np.random.default_rng(seed).random() for seed in range(2000)])
    assert abs(np.corrcoef(switch == 0, starts)[0, 1]) < 0.08


def test_episode_that_begins_does_not_disturb_its_neighbours() -> None:
    env = make_env("particle")
    oracle = make_oracle("particle", env)
    at_first_goal = np.array([0.5, 0.5, 0.5, 0.5, 0.9, 0.9, 0, 0], dtype=np.float32)
    observation = {"state": np.stack([at_first_goal, at_first_goal])}
    oracle.reset(np.array([True, True]), [0, 1])
    oracle.act(observation)
    observation["state"][:, :2] = 0.1  # both have been at the first goal, and are away from it
    oracle.reset(np.array([True, False]), [2, 1])
    assert oracle.act(observation).tolist() == [[0.5, 0.5], pytest.approx([0.9, 0.9])]


def test_waiting_less_than_a_step_is_refused() -> None:
    with pytest.raises(ConfigError, match="wait"):
        ParticleOracle(Particle(), wait=0)
