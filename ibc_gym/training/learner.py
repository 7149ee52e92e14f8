"""One update of a policy's weights, and everything that the next one depends on.

The order of the data is a function of the seed and the update's number alone, so nothing of it has to be saved.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch

from ibc_gym.checkpoint import as_module
from ibc_gym.contracts import LearnedPolicy, TrainingData
from ibc_gym.errors import CheckpointError, TrainingDiverged
from ibc_gym.offers import LearnsInParts
from ibc_gym.training.config import TrainConfig
from ibc_gym.training.schedule import average_decay, learning_rate_factor

Record = Mapping[str, torch.Tensor]
"""Loss, the policy's parts, and the norm of the gradient over all parameters, each ()."""


class Rows:
    """Which windows make up which batch: an endless run of permutations, drawn from a seed."""

    def __init__(self, size: int, batch_size: int, seed: int, device: torch.device) -> None:
        """Order `size` windows in batches of one size, whole or across permutations."""
        self._size = size
        self._batch_size = batch_size
        self._seed = seed
        self._device = device
        self._drawn: tuple[int, torch.Tensor] = (-1, torch.empty(0, dtype=torch.long))

    def batch(self, number: int) -> torch.Tensor:
        """Rows of the batch of this number, (B,)."""
        first = number * self._batch_size
        parts = []
        needed = self._batch_size
        while needed:
            epoch, start = divmod(first, self._size)
            part = self._permutation(epoch)[start : start + needed]
            parts.append(part)
            needed -= len(part)
            first += len(part)
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _permutation(self, epoch: int) -> torch.Tensor:
        if self._drawn[0] != epoch:
            generator = torch.Generator().manual_seed(_mix(self._seed, epoch))
            order = torch.randperm(self._size, generator=generator)
            self._drawn = (epoch, order.to(self._device))
        return self._drawn[1]


class Learner:
    """A policy, its averaged twin, the optimiser and the random streams."""

    def __init__(
        self,
        config: TrainConfig,
        policy: LearnedPolicy,
        average: LearnedPolicy,
        data: TrainingData,
        device: torch.device,
    ) -> None:
        """Get ready for update 0.

        Args:
            config: The run's settings.
            policy: The policy that is descended, on `device`.
            average: Its twin, which is validated and saved; the same object if nothing is averaged.
            data: The policy's training windows, on `device`.
            device: Where it happens.
        """
        self.config = config
        self.policy = policy
        self.average = average
        self.device = device
        self.steps = 0
        self.learning_rate = 0.0
        self.rate_factor = 1.0
        """What the schedule's learning rate is multiplied by."""
        self._data = data
        self._rows = Rows(len(data), config.batch_size, config.seed, device)
        self._generator = torch.Generator(device=device).manual_seed(_mix(config.seed, -1))
        self._module = as_module(policy)
        self._parameters: list[torch.Tensor] = list(self._module.parameters())
        self._optimiser: torch.optim.Optimizer | None = None
        self._loss: Callable[..., Any] = policy.loss
        if not self._parameters:  # `fit` was all
            return
        if config.compile:
            self._loss = torch.compile(policy.loss)
        self._optimiser = torch.optim.AdamW(
            self._parameters,
            lr=config.learning_rate,
            betas=(0.9, 0.999),
            eps=config.adam_epsilon,
            weight_decay=config.weight_decay,
            fused=True,
        )

    @property
    def learns(self) -> bool:
        """Whether there are weights to descend; otherwise one update looks at the loss, and no second one is needed."""
        return self._optimiser is not None

    def update(self, share: float, inspect: Callable[[Record], None]) -> None:
        """Descend the loss of one batch.

        Args:
            share: How much of training is spent, in [0, 1].
            inspect: Sees loss, parts and gradient norm before the weights are changed, and may raise.
        """
        rows = self._rows.batch(self.steps)
        if self._optimiser is None:
            inspect(self._look(rows))
        else:
            self._optimiser.zero_grad()
            found = self._climb(rows)
            limit = self.config.clip_gradient or math.inf
            norm = torch.nn.utils.clip_grad_norm_(self._parameters, limit)
            try:
                inspect({**found, "parameter_gradient_norm": norm})
            except TrainingDiverged:
                if self.config.compile:
                    self._find_where(rows)
                raise
            self._descend(self._optimiser, share)
        self.steps += 1

    def _look(self, rows: torch.Tensor) -> Record:
        """Loss and parts of these windows."""
        batch = self._data.batch(rows)
        with self._precision():
            loss, parts = self._loss(batch, self._generator)
        return {"loss": loss, **parts}

    def _precision(self) -> AbstractContextManager[Any]:
        half = self.config.precision == "bfloat16"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=half)

    def _find_where(self, rows: torch.Tensor) -> None:
        """Have the loss say where a number is none: what is compiled looks at none on its way.

        Raises:
            TrainingDiverged: It found the place.
        """
        with self._precision():
            self.policy.loss(self._data.batch(rows), self._generator)

    def _climb(self, rows: torch.Tensor) -> Record:
        """Add up the gradients of these windows, part by part; gives the means of loss and parts."""
        size = self.config.micro_batch if self.device.type == "cpu" else None
        parts = rows.split(size or len(rows))
        if len(parts) == 1:
            found = self._look(rows)
            found["loss"].backward()
            return found
        means: dict[str, torch.Tensor] = {}
        policy = self.policy
        with policy.one_update() if isinstance(policy, LearnsInParts) else nullcontext():
            for some in parts:
                found = self._look(some)
                share = len(some) / len(rows)
                (found["loss"] * share).backward()
                for name, value in found.items():
                    means[name] = means.get(name, 0.0) + share * value.detach()
        return means

    def _descend(self, optimiser: torch.optim.Optimizer, share: float) -> None:
        peak = self.rate_factor * self.config.learning_rate
        self.learning_rate = peak * learning_rate_factor(
            self.config.schedule,
            step=self.steps,
            share=share,
            warmup=self.config.warmup,
            decay_steps=self.config.decay_steps,
        )
        for group in optimiser.param_groups:
            group["lr"] = self.learning_rate
        optimiser.step()
        if self.config.average_decay is not None:
            self._follow(average_decay(self.steps, self.config.average_decay))

    @torch.no_grad()
    def _follow(self, decay: float) -> None:
        """Draw the averaged weights after the new ones; buffers are no averages and are copied."""
        average = as_module(self.average)
        torch._foreach_lerp_(list(average.parameters()), self._parameters, 1 - decay)
        for kept, new in zip(average.buffers(), self._module.buffers(), strict=True):
            kept.copy_(new)

    def tensors(self) -> dict[str, torch.Tensor]:
        """Every tensor that the next update depends on, by a name that sorts them."""
        found = {f"weights.{key}": value for key, value in self._module.state_dict().items()}
        states = self._optimiser.state_dict()["state"] if self._optimiser else {}
        for number, state in states.items():
            found |= {f"optimiser.{number}.{key}": value for key, value in state.items()}
        found["generator"] = self._generator.get_state()
        found["torch.cpu"] = torch.get_rng_state()
        if self.device.type == "cuda":
            found["torch.cuda"] = torch.cuda.get_rng_state(self.device)
        return found

    def restore(self, steps: int, tensors: Mapping[str, torch.Tensor]) -> None:
        """Go on as if `tensors` had just been given by `tensors()` after `steps` updates.

        The averaged weights are not among them: they are the checkpoint's own, and are loaded with it. What was drawn on
        another kind of device cannot be drawn on: there a new stream begins, always the same one.

        Raises:
            CheckpointError: They do not belong to this policy.
        """
        try:
            self._module.load_state_dict(_below("weights.", tensors))
            state: dict[int, dict[str, torch.Tensor]] = {}
            for key, value in _below("optimiser.", tensors).items():
                number, name = key.split(".", 1)
                state.setdefault(int(number), {})[name] = value
            if self._optimiser is not None:
                groups = self._optimiser.state_dict()["param_groups"]
                self._optimiser.load_state_dict({"state": state, "param_groups": groups})
            if tensors["generator"].shape == self._generator.get_state().shape:
                self._generator.set_state(tensors["generator"])
            else:
                self._generator.manual_seed(_mix(self.config.seed, -1 - steps))
            torch.set_rng_state(tensors["torch.cpu"])
            if self.device.type == "cuda" and "torch.cuda" in tensors:
                torch.cuda.set_rng_state(tensors["torch.cuda"], self.device)
        except (KeyError, RuntimeError, ValueError) as error:
            raise CheckpointError(
                f"The training state does not fit the policy: {error}. "
                "Was the run begun on another device or with another version?"
            ) from error
        self.steps = steps


@contextmanager
def own_randomness(seed: int, device: torch.device) -> Iterator[None]:
    """Let initialisation and dropout draw from a stream of their own, and leave the global one untouched."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield


def _below(prefix: str, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {
        key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)
    }


def _mix(seed: int, stream: int) -> int:
    """A seed for one of many independent streams."""
    return (seed * 0x9E3779B97F4A7C15 + (stream + 2) * 0xBF58476D1CE4E5B9) % 2**63
