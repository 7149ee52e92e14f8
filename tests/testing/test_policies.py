"""The suite of policies passes one that keeps the contract, and catches each way to break it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from broken import assert_broken, assert_sound

from ibc_gym.contracts import Policy, PolicySpec
from ibc_gym.records import Bool, Float32, Observation
from ibc_gym.registry import make_env
from ibc_gym.testing import PolicyContract
from ibc_gym.testing.policies import spec_of

SPEC = spec_of(make_env("push"))


class Wanderer:
    """Goes on in the direction of the last two states, with noise of its episode's own."""

    def __init__(self) -> None:
        self.last: dict[int, Any] = {}
        self.rngs: list[np.random.Generator] = []

    def reset(self, mask: Bool, seeds: Sequence[int | None]) -> None:
        if len(self.rngs) != len(mask):
            self.rngs, self.last = [np.random.default_rng(0) for _ in mask], {}
        for row in np.flatnonzero(mask):
            self.rngs[row] = np.random.default_rng(seeds[int(row)])
            self.last.pop(int(row), None)

    def act(self, observation: Observation) -> Float32:
        states = observation["state"]
        return np.stack([self.one(row, state) for row, state in enumerate(states)])

    def one(self, row: int, state: Any) -> Float32:
        way = state[:2] - self.last.get(row, state[:2])
        self.last[row] = state[:2]
        noise = self.rngs[row].normal(0, 0.01, 2)
        action: Float32 = np.clip(way + noise, -0.1, 0.1).astype(np.float32)
        return action


class Sound(PolicyContract):
    kind: type[Wanderer] = Wanderer
    tolerance = 0.0

    def make(self) -> Policy:
        return self.kind()

    def spec(self) -> PolicySpec:
        return SPEC


class TooFar(Wanderer):
    def act(self, observation: Observation) -> Float32:
        return 2 * super().act(observation) + np.float32(0.1)


class InDoubles(Wanderer):
    def act(self, observation: Observation) -> Any:
        return super().act(observation).astype(np.float64)


class FromTheGlobalStream(Wanderer):
    def act(self, observation: Observation) -> Float32:
        noise = np.random.normal(0, 0.01, 2)  # noqa: NPY002 - what must not be done
        return np.clip(super().act(observation) + noise, -0.1, 0.1).astype(np.float32)


class OneStream(Wanderer):
    def one(self, row: int, state: Any) -> Float32:
        return super().one(0, state)


class ForgetsEverybody(Wanderer):
    def reset(self, mask: Bool, seeds: Sequence[int | None]) -> None:
        super().reset(np.ones_like(mask), seeds)


class Remembers(Wanderer):
    def reset(self, mask: Bool, seeds: Sequence[int | None]) -> None:
        last = dict(self.last)
        super().reset(mask, seeds)
        self.last = last


class WritesOnWhatItSees(Wanderer):
    def act(self, observation: Observation) -> Float32:
        action = super().act(observation)
        observation["state"][:] = 0
        return action


class OneBuffer(Wanderer):
    buffer: Any = None

    def act(self, observation: Observation) -> Float32:
        action = super().act(observation)
        if self.buffer is None or self.buffer.shape != action.shape:
            self.buffer = action
        self.buffer[:] = action
        buffer: Float32 = self.buffer
        return buffer


def test_policy_that_keeps_the_contract_passes() -> None:
    assert_sound(Sound)


@pytest.mark.parametrize(
    "kind, test",
    [
        (TooFar, "test_acts_in_the_action_space"),
        (InDoubles, "test_acts_in_the_action_space"),
        (FromTheGlobalStream, "test_same_seeds_give_the_same_episodes_again"),
        (OneStream, "test_action_does_not_depend_on_who_shares_the_batch"),
        (ForgetsEverybody, "test_episode_that_begins_does_not_disturb_the_others"),
        (Remembers, "test_episode_that_begins_has_forgotten_the_one_before"),
        (
            WritesOnWhatItSees,
            "test_observation_is_only_looked_at_and_the_global_generator_left_alone",
        ),
        (OneBuffer, "test_observation_is_only_looked_at_and_the_global_generator_left_alone"),
    ],
)
def test_policy_that_breaks_a_rule_is_caught(kind: type[Wanderer], test: str) -> None:
    assert_broken(type("Broken", (Sound,), {"kind": kind}), test)
