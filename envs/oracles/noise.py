"""Noise around any demonstrator, so that its episodes also show how to recover."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from gymnasium import spaces
from numpy.typing import ArrayLike

from ibc_gym.checks import check_share
from ibc_gym.contracts import Policy
from ibc_gym.errors import ConfigError
from ibc_gym.offers import BearsNoise
from ibc_gym.records import Bool, Float32, Float64, Observation

_NOISE_STREAM = 2  # keeps the noise apart from other draws by the same seed


class NoisyOracle:
    """Adds normal noise to what another policy does, or now and then does anything else, each episode by its own seed.

    What the other policy wanted is kept in `intended`: the label to learn from in the manner of Laskey et al. 2017,
    "DART: Noise Injection for Robust Imitation Learning".
    """

    def __init__(
        self, oracle: Policy, std: ArrayLike, action_space: spaces.Box, random_share: float = 0.0
    ) -> None:
        """Wrap a policy.

        Args:
            oracle: Whose actions are disturbed.
            std: Standard deviation in the action's units, () or (A,).
            action_space: (A,); disturbed actions are limited to it, random ones are drawn from it.
            random_share: Share of the steps at which the action is random, 0 to 1, where all noise is borne.

        Raises:
            ConfigError: `std` is negative, not finite, or of another shape, `random_share` no share, or the space of random
                actions has no bounds.
        """
        self._oracle = oracle
        self._space = action_space
        spread = np.asarray(std, dtype=np.float64)
        if not (np.isfinite(spread).all() and (spread >= 0).all()):
            raise ConfigError(
                f"NoisyOracle's std is {spread}, but must be finite and not negative."
            )
        if spread.shape not in ((), action_space.shape):
            raise ConfigError(
                f"NoisyOracle's std has shape {spread.shape}, but must be one number or {action_space.shape}."
            )
        check_share(random_share, "NoisyOracle's random_share")
        if random_share and not action_space.is_bounded():
            raise ConfigError("Random actions cannot be drawn from an action space without bounds.")
        self._std = spread
        self._random_share = random_share
        self._rngs: list[np.random.Generator] = []
        self.intended: Float32 = np.zeros((0, *action_space.shape), dtype=np.float32)
        """What the oracle wanted at the last call, (B, A)."""

    def reset(self, mask: Bool, seeds: Sequence[int | None]) -> None:
        """Reset the oracle, and reseed the noise of the episodes that begin."""
        self._oracle.reset(mask, seeds)
        if len(self._rngs) != len(mask):
            self._rngs = [np.random.default_rng(0) for _ in mask]
        for row in np.flatnonzero(mask).tolist():
            sequence = np.random.SeedSequence(seeds[row], spawn_key=(_NOISE_STREAM,))
            self._rngs[row] = np.random.default_rng(sequence)

    def act(self, observation: Observation) -> Float32:
        """The oracle's actions with as much noise as it bears, or as often random ones, inside the action space, (B, A)."""
        self.intended = self._oracle.act(observation)
        noise = np.stack([rng.standard_normal(self._space.shape) for rng in self._rngs])
        share = np.ones(len(noise))
        if isinstance(self._oracle, BearsNoise):
            share = self._oracle.noise_share(observation)
            noise *= share.reshape(-1, *(1 for _ in self._space.shape))
        disturbed = np.clip(self.intended + noise * self._std, self._space.low, self._space.high)
        if self._random_share:
            self._do_anything(disturbed, self._random_share * share)
        return disturbed.astype(np.float32)

    def _do_anything(self, actions: Float64, shares: Float64) -> None:
        """Put an action drawn from the action space into each row of `actions`, (B, A), with the chance `shares`, (B,)."""
        for row, rng in enumerate(self._rngs):
            if rng.random() < shares[row]:
                actions[row] = rng.uniform(self._space.low, self._space.high)
