"""The loop gives every seed one episode, whoever shares the batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import SyncVectorEnv
from hypothesis import given
from hypothesis import strategies as st

from ibc_gym.errors import ConfigError, SpecMismatch
from ibc_gym.records import Bool, Float32, Observation
from ibc_gym.rollout import Transition, rollout


class Countdown(gymnasium.Env[Any, Any]):
    """Lasts as many steps as its seed says (1 to 7); succeeds if the last action was the seed."""

    observation_space = spaces.Dict({"state": spaces.Box(0, 10, (2,), np.float32)})
    action_space = spaces.Box(-100, 100, (1,), np.float32)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        assert seed is not None
        self.seed, self.left = seed, seed % 7 + 1
        return self._observation(), {"is_success": False, "left": float(self.left)}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.left -= 1
        info = {"is_success": bool(action[0] == self.seed), "left": float(self.left)}
        return self._observation(), 1.0, self.left == 0, False, info

    def _observation(self) -> dict[str, Any]:
        return {"state": np.array([self.left, 0], np.float32)}


class SaysItsSeed:
    """Acts with the seed it was given, which only succeeds if the loop hands seeds out rightly."""

    def reset(self, mask: Bool, seeds: Sequence[int | None]) -> None:
        if not hasattr(self, "held"):
            self.held = np.zeros(len(mask))
        self.held[mask] = [seed for seed, begins in zip(seeds, mask, strict=True) if begins]

    def act(self, observation: Observation) -> Float32:
        return self.held[:, None].astype(np.float32)


class Scribe:
    """Counts the active steps and resets that it hears of."""

    def __init__(self) -> None:
        self.steps = 0
        self.begun: list[int] = []

    def on_reset(
        self, mask: Bool, seeds: Sequence[int], observation: Observation, info: Mapping[str, Any]
    ) -> None:
        self.begun += [seeds[int(row)] for row in np.flatnonzero(mask)]

    def on_step(self, transition: Transition) -> None:
        self.steps += int(transition.active.sum())


def envs(count: int) -> SyncVectorEnv:
    return SyncVectorEnv([Countdown] * count, autoreset_mode="Disabled")


@given(count=st.integers(1, 6), seeds=st.lists(st.integers(0, 50), max_size=20))
def test_every_seed_gets_one_episode_in_order(count: int, seeds: list[int]) -> None:
    scribe = Scribe()
    result = rollout(envs(count), SaysItsSeed(), seeds, [scribe])
    assert [episode.seed for episode in result.episodes] == seeds
    assert [episode.length for episode in result.episodes] == [seed % 7 + 1 for seed in seeds]
    assert all(episode.success for episode in result.episodes)
    assert all(episode.total_reward == episode.length for episode in result.episodes)
    assert scribe.steps == sum(episode.length for episode in result.episodes)
    assert sorted(scribe.begun) == sorted(seeds)


def test_nothing_goes_home_once_more_when_all_is_done() -> None:
    class Counting(Countdown):
        resets = 0

        def reset(
            self, *, seed: int | None = None, options: Any = None
        ) -> tuple[Any, dict[str, Any]]:
            Counting.resets += 1
            return super().reset(seed=seed, options=options)

    envs = SyncVectorEnv([Counting], autoreset_mode="Disabled")
    rollout(envs, SaysItsSeed(), [3, 4, 5])
    assert Counting.resets == 3


def test_last_info_becomes_the_episode_metrics() -> None:
    (episode,) = rollout(envs(1), SaysItsSeed(), [3]).episodes
    assert episode.metrics == {"left": 0.0}


class EveryOther(SaysItsSeed):
    """Decides in every other call."""

    calls = 0

    @property
    def decided(self) -> bool:
        return self.calls % 2 == 1

    def act(self, observation: Observation) -> Float32:
        self.calls += 1
        return super().act(observation)


def test_calls_that_only_carry_out_what_was_said_are_told_apart() -> None:
    chunked = EveryOther()
    found = rollout(envs(2), chunked, range(4))
    assert chunked.calls > 2
    assert len(found.act_seconds) == len(found.decided) == chunked.calls
    assert found.decided.tolist() == [call % 2 == 0 for call in range(chunked.calls)]
    assert rollout(envs(2), SaysItsSeed(), range(4)).decided.all()


class Wrong(SaysItsSeed):
    def __init__(self, action: Float32) -> None:
        self.action = action

    def act(self, observation: Observation) -> Float32:
        return self.action


def test_action_of_the_wrong_shape_is_refused() -> None:
    with pytest.raises(SpecMismatch, match=r"\(2, 3\).*\(2, 1\)"):
        rollout(envs(2), Wrong(np.zeros((2, 3), np.float32)), [1, 2])


def test_action_that_is_not_finite_is_refused_with_its_row() -> None:
    with pytest.raises(SpecMismatch, match="environment 1"):
        rollout(envs(2), Wrong(np.array([[0.0], [np.nan]], np.float32)), [1, 2])


def test_environments_that_reset_themselves_are_refused() -> None:
    with pytest.raises(ConfigError, match="disabled"):
        rollout(SyncVectorEnv([Countdown]), SaysItsSeed(), [1])
