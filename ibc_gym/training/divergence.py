"""Sums up what updates report, and stops training that has gone wrong with a diagnosis."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch

from ibc_gym.errors import TrainingDiverged
from ibc_gym.training.learner import Record

PATIENCE_ON_GPU = 20
"""Updates that a GPU runs ahead before the numbers are fetched; a CPU is asked at every one."""


class Monitor:
    """Means of losses and diagnostics since the last report, every number checked on its way."""

    def __init__(self, limit: float, device: torch.device) -> None:
        """Check against a greatest magnitude.

        Args:
            limit: Magnitude that a loss, a part or a gradient norm must not reach.
            device: Where the numbers are made.
        """
        self._limit = limit
        self._patience = PATIENCE_ON_GPU if device.type == "cuda" else 1
        self._pending: list[tuple[int, float, tuple[str, ...], torch.Tensor]] = []
        self._sums: dict[str, float] = {}
        self._count = 0
        self.last: dict[str, float] = {}
        """The numbers of the last good update."""

    def add(self, step: int, learning_rate: float, record: Record) -> None:
        """Take in one update's numbers.

        Args:
            step: Updates done before this one.
            learning_rate: Of the update before, for the diagnosis.
            record: Numbers by name, each ().

        Raises:
            TrainingDiverged: One of them, perhaps of a few updates ago on a GPU, is not finite or too large.
        """
        values = torch.stack([value.detach().float() for value in record.values()])
        self._pending.append((step, learning_rate, tuple(record), values))
        if len(self._pending) >= self._patience:
            self.flush()

    def flush(self) -> None:
        """Fetch and check what is still on the device.

        Raises:
            TrainingDiverged: As for `add`.
        """
        pending, self._pending = self._pending, []
        for step, learning_rate, names, values in pending:
            numbers = dict(zip(names, values.tolist(), strict=True))
            for name, value in numbers.items():
                if not math.isfinite(value) or abs(value) >= self._limit:
                    raise TrainingDiverged(self._diagnosis(step, learning_rate, name, numbers))
                self._sums[name] = self._sums.get(name, 0.0) + value
            self._count += 1
            self.last = numbers

    def take_means(self) -> dict[str, float]:
        """Means since the last call; starts anew."""
        self.flush()
        means = {name: total / max(self._count, 1) for name, total in self._sums.items()}
        self._sums, self._count = {}, 0
        return means

    @property
    def unreported(self) -> tuple[dict[str, float], int]:
        """Sums since the means were last taken, by name, and of how many updates.

        Raises:
            TrainingDiverged: As for `add`.
        """
        self.flush()
        return dict(self._sums), self._count

    def resume(self, sums: Mapping[str, float], count: int) -> None:
        """Go on from what `unreported` gave."""
        self._sums, self._count = dict(sums), count

    def drop(self) -> None:
        """Forget what has not been summed up: it is of weights that are no more."""
        self._pending, self._sums, self._count, self.last = [], {}, 0, {}

    def _diagnosis(
        self, step: int, learning_rate: float, culprit: str, numbers: Mapping[str, float]
    ) -> str:
        value = numbers[culprit]
        went = f"exploded to {value:.3g}" if math.isfinite(value) else f"became {value}"
        return (
            f"Training diverged at step {step}: {culprit} {went} (learning rate {learning_rate:.3g}).\n"
            f"Then: {listed(numbers)}.\n{_advice(culprit, step)}"
        )


def listed(numbers: Mapping[str, float]) -> str:
    """Numbers by name, in one line."""
    return ", ".join(f"{name} {value:.4g}" for name, value in numbers.items())


def _advice(culprit: str, step: int) -> str:
    if step == 0:
        return (
            "This was the first update: look for NaN or huge values in the data (ibc-gym data info), at the action "
            "bounds, and at settings far from those of the presets."
        )
    lower = "Try a third of the learning rate, a longer warm-up, or clip_gradient 1"
    if "energy" in culprit or "penalty" in culprit:
        return f"{lower}; energies that grow without bound also call for a gradient penalty or fewer layers."
    return f"{lower}; with bfloat16, try float32."
