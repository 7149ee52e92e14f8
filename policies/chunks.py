"""Chunks: sequences of actions, cut from demonstrations, and carried out one by one until the next is predicted.

A policy says H actions at once and carries out the first few of them before it looks again (receding horizon; Chi et
al. 2023, *Diffusion Policy*; Zhao et al. 2023, *Learning Fine-Grained Bimanual Manipulation*, which calls them chunks).
A chunk begins with the action that belongs to the newest observation. Diffusion Policy's begins with the first frame of
its window, and the part that is past is thrown away; here those dimensions would be searched and drawn for nothing.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ibc_gym.errors import SpecMismatch
from ibc_gym.records import Bool, Float32, Int64, Windows


def cut(windows: Windows, horizon: int, lead: int = 0) -> Float32:
    """The demonstrated actions from every window on, (M, H, A); with a lead, from so many steps after it on.

    A chunk stays within its episode: beyond the end, the last action is repeated, as Diffusion Policy does.

    Raises:
        SpecMismatch: The windows of an episode leave steps out, so that nobody knows what came next.
    """
    actions = np.asarray(windows.action, np.float32)
    if horizon == 1 and not lead:
        return actions[:, None]
    goes_on = windows.episode[1:] == windows.episode[:-1]
    skips = goes_on & (np.diff(windows.index[:, -1]) != 1)
    if skips.any():
        window = int(np.flatnonzero(skips)[0])
        raise SpecMismatch(
            f"Window {window + 1} does not follow window {window} of the same episode, but a horizon of {horizon} and a "
            f"lead of {lead} actions need every step in its order. Give whole episodes, or use horizon=1 and lead=0."
        )
    rows = np.arange(len(windows))
    ends = np.append(np.flatnonzero(~goes_on), len(windows) - 1)  # last windows of episodes
    last = ends[np.searchsorted(ends, rows)]
    ahead = np.minimum(rows[:, None] + np.arange(lead, lead + horizon), last[:, None])
    chunks: Float32 = actions[ahead]
    return chunks


def check_lead(windows: Windows, lead: int) -> None:
    """See that a lead leaves something to learn from windows.

    Raises:
        SpecMismatch: It reaches the end of every episode, so that all that is demonstrated is each one's last action.
    """
    longest = int(np.bincount(windows.episode).max())
    if lead and lead >= longest - 1:
        raise SpecMismatch(
            f"InputConfig.lead is {lead}, but the longest episode has {longest} steps: every target would be its episode's "
            "last action. Choose a smaller one, or 0 for none."
        )


def merged(before: Tensor | None, rows: Int64, new: Tensor, total: int) -> Tensor:
    """What is kept of `total` environments: `new` in these rows, as before in the others."""
    if before is None or len(rows) == total:
        return new
    kept = before.clone()
    kept[torch.from_numpy(rows).to(new.device)] = new
    return kept


class ChunkQueue:
    """What every environment is carrying out: its chunk, and how far it has come."""

    def __init__(
        self, horizon: int, actions: int, *, execute: int = 1, ensemble: float | None = None
    ) -> None:
        """Begin without environments.

        Args:
            horizon: Actions of a chunk, H.
            actions: Dimensions of one action, A.
            execute: How many of a chunk are carried out.
            ensemble: If given, every step carries out the mean of what all chunks since the reset say of it, the one
                that is i steps younger than the oldest weighed exp(-ensemble i) (Zhao et al. 2023); `execute` is 1.
        """
        self._horizon = horizon
        self._execute = execute
        self._ensemble = ensemble
        kept = 1 if ensemble is None else horizon
        self._chunks: Float32 = np.zeros((0, kept, horizon, actions), np.float32)
        self._taken: Int64 = np.zeros(0, np.int64)
        self._count: Int64 = np.zeros(0, np.int64)

    @property
    def due(self) -> Int64:
        """Rows that need a new chunk before anything can be done, (R,)."""
        due: Int64 = np.flatnonzero(self._taken == self._execute)
        return due

    @property
    def position(self) -> Int64:
        """Which action of its newest chunk every environment carried out last, (B,)."""
        return self._taken - 1

    def reset(self, mask: Bool) -> None:
        """Drop what is left in the rows under the mask (B,); another B than before drops all."""
        mask = np.asarray(mask, np.bool_)
        if len(mask) != len(self._taken):
            self._chunks = np.zeros((len(mask), *self._chunks.shape[1:]), np.float32)
            self._taken = np.full(len(mask), self._execute, np.int64)
            self._count = np.zeros(len(mask), np.int64)
        self._taken[mask] = self._execute
        self._count[mask] = 0

    def put(self, rows: Int64, chunks: Float32) -> None:
        """Begin new chunks (R, H, A) in these rows (R,)."""
        kept = self._chunks[rows]
        kept[:, 1:] = kept[:, :-1]
        kept[:, 0] = chunks
        self._chunks[rows] = kept
        self._taken[rows] = 0
        self._count[rows] = np.minimum(self._count[rows] + 1, kept.shape[1])

    def next(self) -> Float32:
        """The next action of every environment, (B, A); none may be due."""
        newest = self._chunks[np.arange(len(self._taken)), 0, self._taken]
        self._taken += 1
        return newest if self._ensemble is None else self._mean(self._ensemble)

    def _mean(self, decay: float) -> Float32:
        """What all chunks say of the present step: the one of k steps ago says it with its k-th action."""
        age = np.arange(self._horizon)
        said = self._chunks[:, age, age]  # (B, H, A)
        younger = self._count[:, None] - 1 - age  # steps since the oldest chunk
        weights = np.where(younger >= 0, np.exp(-decay * np.maximum(younger, 0)), 0.0)
        weights /= weights.sum(axis=1, keepdims=True)
        mean: Float32 = (weights[..., None] * said).sum(axis=1).astype(np.float32)
        return mean
