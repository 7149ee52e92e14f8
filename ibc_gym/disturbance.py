"""What sensors and transmission do to an episode: noise, and observations that come late.

Drawn with the episode (`Start.variation`), the same in every simulator and on the real arm. The task judges what really
is; only the policy sees through this.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from gymnasium import spaces

from ibc_gym.records import Float32, Variation

SENSING: Final = ("observation_noise", "action_noise", "latency")
"""The numbers of a variation that are meant here; all others speak of the world."""

Seen = tuple[dict[str, Any], dict[str, Any]]
"""An observation, and what was known when it was taken: "capture_time" and "frame_number"."""


class Disturbance:
    """Noise and delay of one episode; `pending` is all that it keeps from one step to the next."""

    def __init__(self, variation: Variation | None = None) -> None:
        """Take what concerns sensing and acting from a variation; nothing, without one."""
        variation = variation or {}
        self._noise = variation.get("observation_noise", 0.0)
        self._shake = variation.get("action_noise", 0.0)
        self._latency = int(variation.get("latency", 0))
        self.pending: tuple[Seen, ...] = ()
        """Observations that have not been shown yet, the oldest first, (latency,)."""

    @property
    def on(self) -> bool:
        """Whether what is seen differs from what is."""
        return bool(self._noise or self._latency)

    def act(self, action: Float32, space: spaces.Box, rng: np.random.Generator) -> Float32:
        """The action as it is carried out, inside of its space."""
        if not self._shake:
            return action
        shaken = action + rng.normal(0.0, self._shake, action.shape).astype(np.float32)
        return np.clip(shaken, space.low, space.high)

    def show(
        self,
        observation: Mapping[str, Any],
        taken: Mapping[str, Any],
        space: spaces.Dict,
        rng: np.random.Generator,
    ) -> Seen:
        """What a policy gets to see now: at first the beginning, then what is `latency` periods old.

        Args:
            observation: As it is.
            taken: "capture_time" and "frame_number" of it.
            space: Noisy numbers stay inside.
            rng: Of the episode.
        """
        if not self.on:
            return dict(observation), dict(taken)
        noisy = {name: self._noisy(value, space[name], rng) for name, value in observation.items()}
        seen: Seen = (noisy, dict(taken))
        if not self._latency:
            return seen
        self.pending = (*(self.pending or (seen,) * self._latency), seen)
        oldest, self.pending = self.pending[0], self.pending[1:]
        return oldest

    def _noisy(self, value: Any, space: spaces.Space[Any], rng: np.random.Generator) -> Any:
        if not self._noise or value.dtype.kind != "f":
            return value  # pictures have the noise of their cameras
        assert isinstance(space, spaces.Box)
        noisy = value + rng.normal(0.0, self._noise, value.shape).astype(value.dtype)
        return np.clip(noisy, space.low, space.high)
