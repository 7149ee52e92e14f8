"""A tape plays the same episode again, and a changed world is noticed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ibc_gym.errors import ConfigError, SpecMismatch
from ibc_gym.evaluation.tape import TapeDeck, TapePlayer, check_same
from ibc_gym.registry import make_oracle, make_vec_env
from ibc_gym.rollout import rollout


def test_played_tapes_give_the_same_episodes_in_another_batch() -> None:
    envs = make_vec_env("particle", 3, autoreset_mode="disabled")
    deck = TapeDeck()
    seeds = [4, 9, 2, 7]
    recorded = rollout(envs, make_oracle("particle", envs), seeds, [deck])
    assert sorted(tape.seed for tape in deck.tapes) == sorted(seeds)
    one = make_vec_env("particle", 1, autoreset_mode="disabled")
    again = rollout(one, TapePlayer(deck.tapes), seeds)
    assert again.episodes == recorded.episodes


def test_tape_of_another_seed_is_refused() -> None:
    envs = make_vec_env("particle", 1, autoreset_mode="disabled")
    deck = TapeDeck()
    rollout(envs, make_oracle("particle", envs), [1], [deck])
    with pytest.raises(SpecMismatch, match="no tape of seed 2"):
        rollout(envs, TapePlayer(deck.tapes), [2])


def test_episode_that_went_otherwise_is_noticed() -> None:
    envs = make_vec_env("particle", 1, autoreset_mode="disabled")
    (episode,) = rollout(envs, make_oracle("particle", envs), [1]).episodes
    check_same(episode, episode)
    with pytest.raises(ConfigError, match="evaluate again"):
        check_same(episode, replace(episode, total_reward=np.nextafter(episode.total_reward, 9)))
