"""The scripted demonstrator of the particle: to the first goal, and from there to the second."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ibc_gym.errors import ConfigError
from ibc_gym.records import Bool, Float32, Int64, Observation

from ..tasks.particle import Particle, distance

ARRIVED = 0.01
"""Distance at which the oracle calls a goal reached [m]; success asks for 0.05 only."""

_ORDER_STREAM = (
    1  # keeps the draw of the order apart from the environment's own draws by the same seed
)


class ParticleOracle:
    """Gives the position of the first goal until the point has been seen there, then that of the second.

    Florence et al. 2021, §C.5. It never looks at velocities, so hiding them does not hurt it.
    """

    def __init__(self, task: Particle, *, wait: int = 1, multimodal: bool = False) -> None:
        """Set up for a task.

        Args:
            task: Says how the state is laid out.
            wait: Steps to have been seen at the first goal before turning to the second. More than the published 1
                asks a policy for memory.
            multimodal: Visit the goals in an order that each episode's seed decides. As published, success still
                asks to end at the second goal, which the reversed order does not do.

        Raises:
            ConfigError: `wait` is below 1.
        """
        if wait < 1:
            raise ConfigError(f"ParticleOracle's wait is {wait} steps, but must be at least 1.")
        self._size = task.config.dimensions
        self._wait = wait
        self._multimodal = multimodal
        self._seen: Int64 = np.zeros(0, dtype=np.int64)
        self._reversed: Bool = np.zeros(0, dtype=np.bool_)

    def reset(self, mask: Bool, seeds: Sequence[int | None]) -> None:
        """Begin at the first goal; draw the order of the goals if it is not fixed."""
        if len(self._seen) != len(mask):
            self._seen = np.zeros(len(mask), dtype=np.int64)
            self._reversed = np.zeros(len(mask), dtype=np.bool_)
        self._seen[mask] = 0
        if self._multimodal:
            for row in np.flatnonzero(mask).tolist():
                sequence = np.random.SeedSequence(seeds[row], spawn_key=(_ORDER_STREAM,))
                self._reversed[row] = np.random.default_rng(sequence).random() < 0.5

    def act(self, observation: Observation) -> Float32:
        """The set-points (B, N), one of the goals for every row."""
        state = np.asarray(observation["state"], dtype=np.float32)
        position, first, second = (
            state[:, k * self._size : (k + 1) * self._size] for k in range(3)
        )
        if self._multimodal:
            turned = self._reversed[:, None]
            first, second = np.where(turned, second, first), np.where(turned, first, second)
        apart = distance(position.astype(np.float64), first.astype(np.float64))
        self._seen += apart < ARRIVED
        return np.where((self._seen < self._wait)[:, None], first, second)
