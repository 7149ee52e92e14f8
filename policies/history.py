"""The last frames of every environment, as windows like those a policy was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ibc_gym.checks import seed_or_none
from ibc_gym.errors import SpecMismatch
from ibc_gym.records import Bool


class History:
    """Windows (B, T, ...) by input name, and one random generator per row."""

    def __init__(self, length: int) -> None:
        """Keep the last `length` frames."""
        self._length = length
        self.windows: dict[str, NDArray[Any]] = {}
        self._fresh: Bool = np.zeros(0, np.bool_)
        self.generators: list[torch.Generator] = []

    @property
    def rows(self) -> int:
        """How many environments there are."""
        return len(self.generators)

    def reset(self, mask: Bool, seeds: Sequence[int | None]) -> None:
        """Begin anew in the rows under the mask (B,); an unseeded row takes its seed from the system.

        Raises:
            SpecMismatch: The number of rows changed while some of them go on.
            ConfigError: A seed is no whole number.
        """
        mask = np.asarray(mask, np.bool_)
        whole = [seed_or_none(seed) for seed in seeds]
        if len(mask) != self.rows:
            if not mask.all():
                raise SpecMismatch(
                    f"reset came for {len(mask)} environments, but {self.rows} are under way; "
                    "a new number of environments begins with a reset of all of them."
                )
            self.windows = {}
            self._fresh = np.ones(len(mask), np.bool_)
            self.generators = [torch.Generator() for _ in mask]
        self._fresh = self._fresh | mask
        for row in np.flatnonzero(mask).tolist():
            seed, generator = whole[row], self.generators[row]
            generator.seed() if seed is None else generator.manual_seed(seed)

    def push(self, frames: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Add the newest frames (B, ...), and give the windows; a fresh row repeats its first frame."""
        for name, frame in frames.items():
            repeated = np.broadcast_to(frame[:, None], (len(frame), self._length, *frame.shape[1:]))
            if name not in self.windows:
                self.windows[name] = repeated.copy()
                continue
            window = self.windows[name]
            window[:, :-1] = window[:, 1:]
            window[:, -1] = frame
            window[self._fresh] = repeated[self._fresh]
        self._fresh = np.zeros(self.rows, np.bool_)
        return self.windows
