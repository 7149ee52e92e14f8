"""What every policy keeps, be it a person, a script, a table or a network: `ibc_gym.contracts.Policy`, as tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium import spaces

from ibc_gym.contracts import Policy, PolicySpec
from ibc_gym.records import Float32
from ibc_gym.testing.bits import global_stream
from ibc_gym.testing.contract import Contract, rule


class PolicyContract(Contract[Policy]):
    """Subclass it and say in `make` how your policy is made, in `spec` for which spaces: `spec_of(make_env("push"))`."""

    tolerance: ClassVar[float] = 1e-3
    """By how much an action may depend on who shares the batch, in its units: a network rounds by the batch's shape.

    0 for a policy that computes row by row.
    """

    def spec(self) -> PolicySpec:
        """The spaces that the policy maps between."""
        raise NotImplementedError(f"{type(self).__name__}.spec must say what the policy is for.")

    def observation(self, seed: int) -> dict[str, Any]:
        """One observation of one environment, drawn from a seed; by default anything in the observation space."""
        rng = np.random.default_rng(seed)
        named = self.spec().observation_space.spaces
        return {name: _drawn(space, rng) for name, space in named.items()}

    @property
    def policy(self) -> Policy:
        """The policy that tests share; each begins with its own reset."""
        return self.shared

    def observations(self, seeds: Sequence[int]) -> dict[str, Any]:
        """One observation for each seed, batched (B, ...)."""
        rows = [self.observation(seed) for seed in seeds]
        return {name: np.stack([row[name] for row in rows]) for name in rows[0]}

    def act(self, seeds: Sequence[int], steps: int = 3) -> Float32:
        """What is done in new episodes that see the same whoever shares the batch, (steps, B, A)."""
        self.policy.reset(np.ones(len(seeds), np.bool_), list(seeds))
        seen = [self.observations([100 * seed + step for seed in seeds]) for step in range(steps)]
        return np.stack([self.policy.act(each) for each in seen])

    @rule("Policy.act")
    def test_acts_in_the_action_space(self) -> None:
        """Any number of environments is served by one call, (B, A) float32, each action inside of its space."""
        space = self.spec().action_space
        for count in (1, 2, 5):
            actions = self.act(list(range(count)))
            assert actions.shape == (3, count, *space.shape) and actions.dtype == np.float32
            for action in actions.reshape(-1, *space.shape):
                assert space.contains(action), f"{action} is not in {space}"

    @rule("Policy.reset")
    def test_same_seeds_give_the_same_episodes_again(self) -> None:
        """Randomness comes from the episodes' seeds alone, so the same seeds give the same actions again."""
        first = self.act([4, 5, 6])
        self.act([7, 8])
        np.testing.assert_array_equal(self.act([4, 5, 6]), first)

    @rule("Policy.act")
    def test_action_does_not_depend_on_who_shares_the_batch(self) -> None:
        """An environment is served alike alone and among others, in whichever row."""
        together = self.act([4, 5, 6])
        for row, seed in enumerate([4, 5, 6]):
            np.testing.assert_allclose(
                self.act([seed])[:, 0], together[:, row], atol=self.tolerance
            )

    @rule("Policy.reset")
    def test_episode_that_begins_does_not_disturb_the_others(self) -> None:
        """A reset of one row leaves the episodes of the other rows as they were."""

        def second(begins_anew: bool) -> Float32:
            self.policy.reset(np.ones(2, np.bool_), [0, 1])
            self.policy.act(self.observations([0, 1]))
            if begins_anew:
                self.policy.reset(np.array([True, False]), [9, 1])
            return self.policy.act(self.observations([2, 3]))

        undisturbed, disturbed = second(begins_anew=False), second(begins_anew=True)
        np.testing.assert_array_equal(undisturbed[1], disturbed[1])

    @rule("Policy.reset")
    def test_episode_that_begins_has_forgotten_the_one_before(self) -> None:
        """After the reset of a row, nothing of its earlier episode shows, nor of the other rows'."""
        fresh = self.act([4, 5])
        for seed in (77, 78):
            self.policy.act(self.observations([seed, seed + 10]))
        self.policy.reset(np.array([True, False]), [4, 5])
        again = self.policy.act(self.observations([400, 500]))
        np.testing.assert_allclose(again[0], fresh[0, 0], atol=self.tolerance)

    @rule("Policy.act")
    def test_observation_is_only_looked_at_and_the_global_generator_left_alone(self) -> None:
        """`act` writes neither to the observation nor to NumPy's global generator; what it gave stays as it was."""
        before = global_stream()
        self.policy.reset(np.ones(2, np.bool_), [0, 1])
        seen = self.observations([0, 1])
        kept = {name: values.copy() for name, values in seen.items()}
        action = self.policy.act(seen)
        given = action.copy()
        for name, values in seen.items():
            np.testing.assert_array_equal(values, kept[name])
        self.policy.act(self.observations([2, 3]))
        np.testing.assert_array_equal(action, given)
        assert global_stream() == before


def spec_of(env: gymnasium.Env[Any, Any]) -> PolicySpec:
    """What a policy must be made for to act in an environment of ours; the environment is closed."""
    task = env.get_wrapper_attr("task")
    observation, action = env.observation_space, env.action_space
    assert isinstance(observation, spaces.Dict) and isinstance(action, spaces.Box)
    env.close()
    return PolicySpec(
        task=task.name,
        observation_space=observation,
        action_space=action,
        control_period=task.control_period,
    )


def _drawn(space: spaces.Space[Any], rng: np.random.Generator) -> Any:
    """Anything in a box; about 0 where it has no bounds."""
    assert isinstance(space, spaces.Box), f"{space} is no box"
    low, high = np.maximum(space.low, -10.0), np.minimum(space.high, 10.0)
    if space.dtype == np.uint8:
        return rng.integers(0, 256, space.shape).astype(np.uint8)
    return rng.uniform(low, high).astype(space.dtype)
