from __future__ import annotations

import numpy as np
import pytest
from gymnasium import spaces

from ibc_gym.envs.oracles.noise import NoisyOracle
from ibc_gym.envs.oracles.particle import ParticleOracle
from ibc_gym.envs.tasks.particle import Particle
from ibc_gym.errors import ConfigError
from ibc_gym.records import Float32, Float64, Observation
from ibc_gym.registry import make_vec_env
from ibc_gym.rollout import rollout

pytestmark = pytest.mark.slow

TASK = Particle()
STATE = np.tile(np.array([0.5, 0.5, 0.4, 0.6, 0.9, 0.1, 0, 0], np.float32), (3, 1))


def noisy(std: float | list[float]) -> NoisyOracle:
    return NoisyOracle(ParticleOracle(TASK), std, TASK.action_space)


def actions(oracle: NoisyOracle, seeds: list[int], steps: int) -> Float32:
    """(T, B, A)"""
    oracle.reset(np.ones(len(seeds), dtype=np.bool_), seeds)
    return np.stack([oracle.act({"state": STATE[: len(seeds)]}) for _ in range(steps)])


def test_noise_of_an_episode_follows_its_seed_alone() -> None:
    together = actions(noisy(0.1), [4, 5, 6], 10)
    alone = actions(noisy(0.1), [6], 10)
    assert together[:, 2].tobytes() == alone[:, 0].tobytes()
    assert not (together[:, 0] == together[:, 1]).any()


def test_noise_has_the_asked_spread_and_stays_in_the_space() -> None:
    drawn = actions(noisy([0.02, 0.5]), [0, 1, 2], 2000)
    assert (drawn[..., 0] - 0.4).std() == pytest.approx(0.02, rel=0.05)
    assert drawn.min() == 0.0 and drawn.max() == 1.0
    assert drawn.dtype == np.float32


def test_intended_action_is_the_one_without_noise() -> None:
    oracle = noisy(0.3)
    actions(oracle, [0, 1, 2], 1)
    assert oracle.intended == pytest.approx(np.tile([0.4, 0.6], (3, 1)))


def test_no_noise_changes_nothing() -> None:
    envs = make_vec_env("particle", 20, autoreset_mode="disabled")
    clean = rollout(envs, ParticleOracle(TASK), range(40))
    still_clean = rollout(envs, noisy(0.0), range(40))
    assert clean.episodes == still_clean.episodes


@pytest.mark.parametrize("std", [-0.1, float("nan"), [0.1, 0.1, 0.1]])
def test_spread_that_makes_no_sense_is_refused(std: float | list[float]) -> None:
    with pytest.raises(ConfigError, match="std"):
        noisy(std)


class Bearing(ParticleOracle):
    """Bears nothing in the first episode, half of it in the second, all in the others."""

    def noise_share(self, observation: Observation) -> Float64:
        return np.array([0.0, 0.5, 1.0])[: len(observation["state"])]


def test_demonstrator_gets_as_much_noise_as_it_bears() -> None:
    bearing = NoisyOracle(Bearing(TASK), 0.01, TASK.action_space)
    all_of_it = actions(noisy(0.01), [4, 5, 6], 10) - STATE[0, 2:4]
    borne = actions(bearing, [4, 5, 6], 10) - STATE[0, 2:4]
    for row, share in enumerate((0.0, 0.5, 1.0)):
        np.testing.assert_allclose(borne[:, row], share * all_of_it[:, row], atol=1e-6)


def test_at_a_share_of_the_steps_anything_is_done() -> None:
    oracle = NoisyOracle(ParticleOracle(TASK), 0.0, TASK.action_space, random_share=0.25)
    drawn = actions(oracle, [0, 1, 2], 2000)
    moved = np.abs(drawn - STATE[0, 2:4]).max(axis=2) > 1e-6
    assert moved.mean() == pytest.approx(0.25, abs=0.02)
    assert drawn[moved].mean() == pytest.approx(0.5, abs=0.03)
    assert drawn[moved].std() == pytest.approx(12**-0.5, abs=0.03)
    assert oracle.intended == pytest.approx(np.tile([0.4, 0.6], (3, 1)))


def test_random_actions_come_as_often_as_the_demonstrator_bears_noise() -> None:
    bearing = NoisyOracle(Bearing(TASK), 0.0, TASK.action_space, random_share=0.5)
    moved = np.abs(actions(bearing, [4, 5, 6], 1000) - STATE[0, 2:4]).max(axis=2) > 1e-6
    np.testing.assert_allclose(moved.mean(axis=0), [0.0, 0.25, 0.5], atol=0.05)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_share_of_random_actions_is_a_share(share: float) -> None:
    with pytest.raises(ConfigError, match="random_share"):
        NoisyOracle(ParticleOracle(TASK), 0.0, TASK.action_space, random_share=share)


def test_random_actions_need_bounds() -> None:
    endless = spaces.Box(-np.inf, np.inf, (2,), np.float32)
    with pytest.raises(ConfigError, match="bounds"):
        NoisyOracle(ParticleOracle(TASK), 0.0, endless, random_share=0.1)
