"""Puts a run that has degenerated back to where it was healthy, to go on more slowly."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from ibc_gym.checkpoint import as_module
from ibc_gym.errors import TrainingDiverged
from ibc_gym.training.choice import Choice
from ibc_gym.training.config import RollbackConfig
from ibc_gym.training.health import BEGINNING, Health, bounds_of, said
from ibc_gym.training.learner import Learner
from ibc_gym.training.run_folder import RunFolder


class Recovery:
    """The watch over a run: looks at what is reported, and rolls back.

    The count of updates, and with it the learning rate's schedule, the order of the data and the end of training, goes
    on. So a run takes no longer for it, reports and checkpoints stay in order, and a resumed run repeats it to the bit.
    """

    def __init__(self, config: RollbackConfig, learner: Learner, folder: RunFolder) -> None:
        """Watch a learner that has made no update in this process yet, and keep its first weights."""
        self.health = Health()
        self._config = config
        self._learner = learner
        self._folder = folder
        self._first = _copied(learner) if self.on else {}

    @property
    def on(self) -> bool:
        """Whether there is any watching."""
        return self._config.attempts > 0 and self._learner.learns

    def resume(self, health: Health) -> None:
        """Go on from what was remembered."""
        self.health = health
        self._slow_down()

    def look(self, numbers: Mapping[str, float], choice: Choice) -> str:
        """See what was reported; what is wrong for too long, or nothing.

        Args:
            numbers: By their names in a report.
            choice: Which checkpoint is the best so far.
        """
        if not self.on:
            return ""
        bounds = bounds_of(self._learner.policy, self._config, choice, numbers)
        patience = self._config.patience
        self.health = self.health.looked(numbers, bounds, settling=patience)
        name = self.health.sick(patience)
        return said(name, numbers[name], bounds, patience) if name and name in numbers else ""

    def saved(self, step: int) -> None:
        """Hear that this checkpoint is about to be saved."""
        if self.on:
            self.health = self.health.saved(step)

    def roll_back(self, error: TrainingDiverged) -> str:
        """Put the last healthy weights back, and say so in one line.

        Raises:
            TrainingDiverged: There is no way back: it is switched off, or was tried too often, or the weights are those
                that were put back, so that a lower learning rate changes nothing.
        """
        step, health = self._learner.steps, self.health
        if not self.on:
            raise error
        if health.rollbacks >= self._config.attempts:
            raise TrainingDiverged(
                f"{error}\nTraining was rolled back {health.rollbacks} times already, which did not help."
            )
        if step == health.restored_at:
            raise TrainingDiverged(
                f"{error}\nNo update was made with these weights, so a lower learning rate would not help."
            )
        self._restore(health.healthy)
        self.health = health.rolled_back(step)
        self._slow_down()
        return (
            f"Rolled back to {_called(health.healthy)} at step {step}, at {self._learner.rate_factor:.3g} of the "
            f"learning rate ({health.rollbacks + 1} of {self._config.attempts}): {str(error).splitlines()[0]}"
        )

    def _slow_down(self) -> None:
        factor = self._config.learning_rate_factor
        self._learner.rate_factor = factor**self.health.rollbacks

    def _restore(self, healthy: int) -> None:
        """Weights, their average, the optimiser and the random streams, as they were then."""
        learner = self._learner
        if healthy == BEGINNING:
            tensors = self._first
            average = {name[8:]: kept for name, kept in tensors.items() if name[:8] == "weights."}
        else:
            checkpoint = self._folder.at(healthy)
            _, tensors = self._folder.read(checkpoint)
            _, average = self._folder.read_policy(checkpoint)
        as_module(learner.average).load_state_dict(average)
        learner.restore(learner.steps, tensors)


def _copied(learner: Learner) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in learner.tensors().items()}


def _called(healthy: int) -> str:
    return "the first weights" if healthy == BEGINNING else f"checkpoint {healthy:06d}"
