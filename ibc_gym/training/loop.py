"""The training loop: update, report, validate, save, until the steps or the time are spent."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from ibc_gym.checkpoint import as_module
from ibc_gym.contracts import LearnedPolicy, TrainingData
from ibc_gym.errors import ConfigError, TrainingDiverged
from ibc_gym.training.choice import Choice
from ibc_gym.training.config import TrainConfig
from ibc_gym.training.divergence import Monitor, listed
from ibc_gym.training.health import Health
from ibc_gym.training.interruption import Interruption
from ibc_gym.training.learner import Learner
from ibc_gym.training.records import Listener, TrainingProgress
from ibc_gym.training.recovery import Recovery
from ibc_gym.training.run_folder import RunFolder, TrainingState

VALIDATION_SEED = 0
"""The same draws at every validation, so that two checkpoints differ by their weights alone."""


class TrainingLoop:
    """Runs a learner to its end; knows no policy by name."""

    def __init__(
        self,
        config: TrainConfig,
        learner: Learner,
        validation: TrainingData | None,
        folder: RunFolder,
        *,
        train_config: Mapping[str, Any],
        about: Mapping[str, Any],
        fingerprint: str,
        records: Sequence[Listener],
        on_progress: Listener | None,
        clock: Callable[[], float],
        started: float,
    ) -> None:
        """Put the parts together.

        Args:
            config: The run's settings.
            learner: Makes the updates.
            validation: Held-out windows on the learner's device.
            folder: Where checkpoints go.
            train_config: The settings as they are saved.
            about: What a checkpoint says of its origin.
            fingerprint: Of the data.
            records: Told of progress before a checkpoint is saved: files that a resumed run continues.
            on_progress: Told after it.
            clock: CPU time of the process [s].
            started: What the clock said when the run began [s].
        """
        self.config = config
        self.learner = learner
        self.loss: float | None = None
        """Mean training loss of the last report, of this process or one before."""
        self.choice = Choice()
        self._validation = validation
        self._folder = folder
        self._train_config = train_config
        self._about = about
        self._fingerprint = fingerprint
        self._records = records
        self._on_progress = on_progress
        self._clock = clock
        self._monitor = Monitor(config.divergence_limit, learner.device)
        self._recovery = Recovery(config.rollback, learner, folder)
        self._cpu_start = started
        self._wall_start = time.perf_counter()
        self._wall_before = 0.0
        self._share_before = 0.0
        self._updating = 0.0
        self._reported = 0

    @property
    def health(self) -> Health:
        """How training has been."""
        return self._recovery.health

    @property
    def seconds(self) -> float:
        """Wall time so far, over all resumptions [s]."""
        return time.perf_counter() - self._wall_start + self._wall_before

    @property
    def cpu_seconds(self) -> float:
        """CPU time so far, over all resumptions [s]."""
        return self._clock() - self._cpu_start

    @property
    def share(self) -> float:
        """How much of training is spent, in [0, 1]."""
        if not self.learner.learns:
            return min(1.0, float(self.learner.steps))
        if self.config.budget_cpu_seconds is not None:
            return min(1.0, self.cpu_seconds / self.config.budget_cpu_seconds)
        return min(1.0, self.learner.steps / self.config.steps)

    def resume(self, state: TrainingState, tensors: Mapping[str, torch.Tensor]) -> None:
        """Go on from a saved state."""
        self.learner.restore(state.step, tensors)
        self.learner.learning_rate = state.learning_rate
        self.choice = state.choice
        self.loss = state.loss
        self._recovery.resume(state.health)
        self._monitor.resume(state.unreported, state.unreported_updates)
        self._cpu_start -= state.cpu_seconds
        self._wall_before = state.seconds
        self._share_before = self.share
        self._reported = state.step

    def run(self) -> None:
        """Train to the end.

        Raises:
            TrainingDiverged: A number became NaN or exploded, or stayed out of bounds, and rolling back is off or did
                not help; the checkpoints so far stay.
            KeyboardInterrupt: Ctrl-C, SIGTERM or SIGHUP, which it names; where training stands is saved.
            ConfigError: The budget was spent before there was anything to update.
        """
        final = self.share >= 1  # of a run that had ended and is resumed
        if final and not self.learner.steps:
            raise ConfigError(
                f"TrainConfig.budget_cpu_seconds is {self.config.budget_cpu_seconds:g}, but making the policy and reading "
                f"its data took {self.cpu_seconds:.2f} s of CPU time, so nothing was left to learn in. Give more."
            )
        as_module(self.learner.policy).train()
        with Interruption() as interruption:
            updating = not final
            while not final:
                try:
                    if updating:
                        self._update()
                    stopping = interruption.asked
                    final = self.share >= 1
                    saved = self._look_around(final=final)
                    if stopping and not saved:
                        self._save({})
                except TrainingDiverged as error:
                    self._roll_back(error)
                    updating, final = not final, False  # at the end, only look around once more
                    continue
                if stopping:
                    raise KeyboardInterrupt(interruption.by)

    def _update(self) -> None:
        started = time.perf_counter()
        self.learner.update(self.share, self._inspect)
        self._updating += time.perf_counter() - started

    def _roll_back(self, error: TrainingDiverged) -> None:
        """Go back to healthy weights and tell, or give up."""
        to = self.health.healthy
        try:
            note = self._recovery.roll_back(error)
        except TrainingDiverged as end:
            raise TrainingDiverged(f"{end}\n{self._last_words()}") from None
        self._monitor.drop()
        as_module(self.learner.policy).train()
        progress = self._report({}, {}, saving=False, final=False, note=note, rolled_back_to=to)
        for listener in (*self._records, *([self._on_progress] if self._on_progress else [])):
            listener(progress)

    def _last_words(self) -> str:
        """Where training stood when it diverged, and what is left of it."""
        healthy = self.health.healthy
        newest = self._folder.at(healthy) if healthy else self._folder.newest()
        kept = f"The last good checkpoint is kept: {newest}." if newest else "None was saved yet."
        before = listed(self._monitor.last)
        return (
            f"Stopped after {self.learner.steps} updates at learning rate "
            f"{self.learner.learning_rate:.3g}{f'; the last good one had {before}' if before else ''}. {kept}"
        )

    def _inspect(self, record: Mapping[str, torch.Tensor]) -> None:
        self._monitor.add(self.learner.steps, self.learner.learning_rate, record)

    def _look_around(self, *, final: bool) -> bool:
        """Report, validate and save where it is time to; whether it was time to save.

        What a stop saves besides is looked at and told by nobody, so that the run goes on as if there had been no stop.
        """
        step = self.learner.steps
        validating = self._validation is not None and (
            final or step % self.config.validate_every == 0
        )
        measures = self._validate() if validating else {}
        saving = final or step % self.config.checkpoint_every == 0
        if not (validating or saving or step == 1 or step % self.config.log_every == 0):
            return False
        means = self._monitor.take_means()
        wrong = self._look_at(means, measures)
        better = not wrong and self._remember(measures)
        saving = not wrong and (saving or better)
        progress = self._report(
            means,
            measures,
            saving=saving,
            final=final and not wrong,
            note=f"Out of bounds: {wrong}." if wrong else self._note(final),
        )
        for record in self._records:
            record(progress)
        if saving:
            self._recovery.saved(step)
            self._save(measures)
        if self._on_progress:
            self._on_progress(progress)
        if wrong:
            raise TrainingDiverged(f"Training degenerated at step {step}: {wrong}.")
        return saving

    def _look_at(self, means: Mapping[str, float], measures: Mapping[str, float]) -> str:
        """What is wrong with the numbers for too long, if anything."""
        numbers = {f"train/{name}": value for name, value in means.items()}
        numbers |= {f"validation/{name}": value for name, value in measures.items()}
        return self._recovery.look(numbers, self.choice)

    def _validate(self) -> Mapping[str, float]:
        self._monitor.flush()  # a NaN that is still on the device explains more than a bad action
        measures = validate(
            self.learner.average, self._validation, self.config, self.learner.device
        )
        as_module(self.learner.policy).train()
        lost = [name for name, value in measures.items() if not math.isfinite(value)]
        if lost and "action_error" not in lost:
            told = ", ".join(f"{name} became {measures[name]}" for name in lost)
            raise TrainingDiverged(
                f"On what is held out, {told} at step {self.learner.steps}. "
                "Look at the held-out episodes, and try a smaller learning rate."
            )
        if not math.isfinite(measures["action_error"]):
            raise TrainingDiverged(
                f"The held-out action error became {measures['action_error']} at step "
                f"{self.learner.steps}: the policy chooses actions that are no numbers. "
                "Try a smaller learning rate or clip_gradient 1."
            )
        return measures

    def _remember(self, measures: Mapping[str, float]) -> bool:
        """Whether this is now the checkpoint of choice."""
        if "action_error" in measures:
            error, margin = measures["action_error"], measures.get("action_error_sem", 0.0)
            self.choice = self.choice.after(self.learner.steps, error, margin)
        return self.choice.step == self.learner.steps

    def _note(self, final: bool) -> str:
        if not final:
            return ""
        if self.choice.step is None:
            return "Nothing was held out, so the last checkpoint is the chosen one."
        return f"Chose checkpoint {self.choice.step:06d} by {self.choice}."

    def _report(
        self,
        means: Mapping[str, float],
        measures: Mapping[str, float],
        *,
        saving: bool,
        final: bool,
        note: str,
        rolled_back_to: int | None = None,
    ) -> TrainingProgress:
        step, share = self.learner.steps, 1.0 if final else self.share
        self.loss = means.get("loss", self.loss)
        rate = (step - self._reported) / max(self._updating, 1e-9)
        self._updating, self._reported = 0.0, step
        here = time.perf_counter() - self._wall_start
        return TrainingProgress(
            step=step,
            share=share,
            learning_rate=self.learner.learning_rate,
            train=means,
            validation=measures,
            best_step=self.choice.step,
            best_action_error=self.choice.error,
            checkpoint=f"{step:06d}" if saving else None,
            note=note,
            rollbacks=self.health.rollbacks,
            rolled_back_to=rolled_back_to,
            steps_per_second=rate,
            seconds=self.seconds,
            cpu_seconds=self.cpu_seconds,
            seconds_left=here * (1 - share) / max(share - self._share_before, 1e-9),
        )

    def _save(self, measures: Mapping[str, float]) -> Path:
        unreported, updates = self._monitor.unreported
        state = TrainingState(
            step=self.learner.steps,
            seconds=self.seconds,
            cpu_seconds=self.cpu_seconds,
            choice=self.choice,
            fingerprint=self._fingerprint,
            learning_rate=self.learner.learning_rate,
            health=self.health,
            loss=self.loss,
            unreported=unreported,
            unreported_updates=updates,
        )
        path = self._folder.save(
            self.config.policy,
            self.learner.average,
            state=state,
            tensors=self.learner.tensors(),
            train_config=self._train_config,
            about={
                "step": state.step,
                **({"rollbacks": count} if (count := self.health.rollbacks) else {}),
                **{f"held_out_{name}": value for name, value in measures.items()},
                **self._about,
            },
        )
        self._folder.prune(self.config.keep, {self.choice.step, *self.health.kept})
        return path


def validate(
    policy: LearnedPolicy, data: TrainingData | None, config: TrainConfig, device: torch.device
) -> Mapping[str, float]:
    """A policy's measures on held-out windows, means over evenly spread ones; "action_error_sem" is a standard error.

    The random streams of training are left untouched.
    """
    assert data is not None
    module = as_module(policy)
    module.eval()
    count = min(len(data), config.validation_windows)
    rows = torch.linspace(0, len(data) - 1, count, device=device, dtype=torch.float64).long()
    generator = torch.Generator(device=device).manual_seed(VALIDATION_SEED)
    sums: dict[str, float] = {}
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        for chunk in torch.split(rows, config.batch_size):
            for name, value in policy.validate(data.batch(chunk), generator).items():
                sums[name] = sums.get(name, 0.0) + float(value) * len(chunk)
    means = {name: total / count for name, total in sums.items()}
    square = means.pop("action_error_square", None)
    if square is not None:
        variance = max(square - means["action_error"] ** 2, 0.0)
        means["action_error_sem"] = math.sqrt(variance / count)
    return means
