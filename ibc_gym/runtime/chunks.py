"""Chunks of one robot: several actions that were said at once, carried out one by one as the policy in Python does it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]


class Queue:
    """What is left to be carried out of the newest chunk, or the mean of what all of them say of a step.

    A port of `ibc_gym.policies.chunks.ChunkQueue` for one environment, which does not need PyTorch.
    """

    def __init__(self, horizon: int, *, execute: int = 1, ensemble: float | None = None) -> None:
        """Begin without a chunk.

        Args:
            horizon: Actions of a chunk, H.
            execute: How many of a chunk are carried out.
            ensemble: If given, every step carries out the mean of what all chunks since the reset say of it, the one
                that is i steps younger than the oldest weighed exp(-ensemble i); `execute` is 1.
        """
        self._horizon = horizon
        self._execute = execute
        self._ensemble = ensemble
        self._chunks: list[Float32] = []
        self._taken = execute

    @property
    def due(self) -> bool:
        """Whether a new chunk is needed before anything can be done."""
        return self._taken == self._execute

    def reset(self) -> None:
        """Drop what is left: an episode begins."""
        self._chunks.clear()
        self._taken = self._execute

    def put(self, chunk: Float32) -> None:
        """Begin a new chunk (H, A)."""
        kept = 1 if self._ensemble is None else self._horizon
        self._chunks = [chunk, *self._chunks[: kept - 1]]
        self._taken = 0

    def next(self) -> Float32:
        """The next action, (A,); none may be due."""
        newest: Float32 = self._chunks[0][self._taken]
        self._taken += 1
        return newest if self._ensemble is None else self._mean(self._ensemble)

    def _mean(self, decay: float) -> Float32:
        """What all chunks say of the present step: the one of k steps ago says it with its k-th action."""
        said = np.stack([chunk[age] for age, chunk in enumerate(self._chunks)])
        younger = np.arange(len(said))[::-1]  # steps since the oldest chunk
        weights = np.exp(-decay * younger)
        mean: Float32 = (weights[:, None] / weights.sum() * said).sum(axis=0).astype(np.float32)
        return mean
