"""Stochastic gradient Langevin dynamics: walk down the energy, with noise that fades."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ibc_gym.checks import require_at_least, require_not_negative
from ibc_gym.errors import ConfigError

from ..noise import Noise
from .box import Box
from .pick import PickConfig

_CHUNK_ROWS = 2048
"""Candidates that walk a whole chain together: enough to keep two cores busy, and few enough for their caches."""

Schedule = Literal["polynomial", "exponential"]


@dataclass(frozen=True, kw_only=True)
class LangevinConfig(PickConfig):
    """Constants of the Langevin sampler; in normalised action units."""

    samples: int = 512
    """Chains per observation when acting."""
    validation_samples: int = 32
    """Chains per observation when the held-out error is measured."""
    iterations: int = 100
    """Steps of a chain."""
    dynamics: Literal["published", "calibrated"] = "published"
    """"published" moves by λ (½ ∂E/∂a + σ ξ), and searches; "calibrated" by λ ∂E/∂a + σ √(2λ) ξ, and samples
    exp(-E / σ²) where λ is small and no clip bites."""
    schedule: Schedule = "polynomial"
    """How step sizes fall: by a polynomial to the final one, or each by the factor `decay`."""
    step_initial: float = 0.1
    """Step size λ of the first step."""
    step_final: float = 1e-5
    """Step size of the last step; the exponential schedule does not know it."""
    power: float = 2.0
    """Power of the polynomial between the two."""
    decay: float = 0.8
    """Factor on the step size from one step to the next, in the exponential schedule."""
    delta_clip: float | None = 0.1
    """Greatest change per step and dimension, as a share of the box's half width; None for no limit."""
    gradient_clip: float | None = None
    """Greatest magnitude of ∂E/∂a per dimension, before noise is added; None, as published, for no limit."""
    noise: float = 1.0
    """Noise σ in training chains."""
    inference_noise: float = 1.0
    """Noise in the first chain when acting; 1 in the released code, whatever training has."""
    second_chain: bool = False
    """Whether a second chain goes on from the first one's end when acting."""
    second_step_initial: float = 0.1
    """Step size of the second chain's first step."""
    second_step_final: float = 1e-5
    """Step size of its last step."""
    second_noise: float = 1.0
    """Noise in the second chain."""
    bfloat16: bool = False
    """Whether slopes along a chain are computed in bfloat16, which takes half the time on a processor that multiplies it
    itself (AVX512-BF16, AMX, a GPU). Points, energies, loss and penalty remain as they are."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(self, 1, "samples", "validation_samples", "iterations")
        steps = ("step_initial", "step_final", "second_step_initial", "second_step_final")
        require_not_negative(
            self, *steps, "power", "decay", "noise", "inference_noise", "second_noise"
        )
        for name in ("delta_clip", "gradient_clip"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ConfigError(
                    f"LangevinConfig.{name} is {value}, but must be positive, or None for no limit."
                )


@dataclass(frozen=True, kw_only=True)
class Chain:
    """One run: how many steps, how long, how noisy."""

    iterations: int
    initial: float
    final: float
    power: float
    noise: float
    schedule: Schedule = "polynomial"
    decay: float = 0.8
    calibrated: bool = False

    def steps(self) -> Iterator[float]:
        """The step sizes, one after the other."""
        for k in range(self.iterations):
            if self.schedule == "exponential":
                yield self.initial * self.decay**k
            else:
                left = 1 - k / max(self.iterations - 1, 1)
                yield (self.initial - self.final) * left**self.power + self.final

    def factors(self) -> Iterator[tuple[float, float]]:
        """What gradient and noise are multiplied by in each step."""
        for step in self.steps():
            if self.calibrated:
                yield step, (2 * step) ** 0.5 * self.noise
            else:
                yield 0.5 * step, step * self.noise


@dataclass(frozen=True, kw_only=True)
class Clips:
    """What a step is held to."""

    delta: float | None
    """Greatest change, as a share of the box's half width."""
    gradient: float | None = None
    """Greatest magnitude of the gradient."""


def clips(config: LangevinConfig) -> Clips:
    """Those of a config."""
    return Clips(delta=config.delta_clip, gradient=config.gradient_clip)


def training_chain(config: LangevinConfig) -> Chain:
    """The chain whose end points are counter-examples."""
    return _chain(config, config.step_initial, config.step_final, config.noise)


def inference_chains(config: LangevinConfig) -> tuple[Chain, ...]:
    """The chains that are run one after the other when acting."""
    first = _chain(config, config.step_initial, config.step_final, config.inference_noise)
    if not config.second_chain:
        return (first,)
    second = _chain(
        config, config.second_step_initial, config.second_step_final, config.second_noise
    )
    return (first, second)


class Mover:
    """One step of a chain, the same in Python and in a graph."""

    def __init__(self, box: Box, limits: Clips) -> None:
        """Hold steps to a box and to the clips of gradient and step."""
        self._box = box
        self._gradient = limits.gradient
        self._reach: Tensor | None = None
        if limits.delta is not None:
            self._reach = (box.high - box.low) / 2 * limits.delta  # (A,)

    def __call__(
        self, actions: Tensor, slope: Tensor, pull: float | Tensor, shaken: Tensor | None
    ) -> Tensor:
        """Where it leads, (B, N, A).

        Args:
            actions: From where, (B, N, A).
            slope: ∂E/∂a there, (B, N, A).
            pull: What it is multiplied by.
            shaken: Noise as it is added, (B, N, A), if there is any.
        """
        if self._gradient is not None:
            slope = torch.clamp(slope, -self._gradient, self._gradient)
        change = slope * pull
        if shaken is not None:
            change = change + shaken
        if self._reach is not None:
            change = torch.clamp(change, -self._reach, self._reach)
        return self._box.clip(actions - change)


def walk(
    gradient: Callable[[Tensor], Tensor],
    start: Tensor,
    box: Box,
    noise: Noise,
    chain: Chain,
    *,
    limits: Clips,
    passed: list[Tensor] | None = None,
    through: bool = False,
) -> Tensor:
    """End points of chains (Florence et al. 2021, §B.3), of the shape of their starts (B, N, A).

    The step is a ← clip(a - clip(λ (½ ∂E/∂a + σ ξ))). The noise is multiplied by λ and not by √(2λ), as published:
    this does not sample exp(-E), it searches. A calibrated chain does sample it.

    Args:
        gradient: ∂E/∂a of candidates (B, N, A).
        start: Where the chains begin.
        box: Where they remain.
        noise: Source of random numbers for B rows.
        chain: Steps and noise.
        limits: Clips of gradient and step.
        passed: Where every point before the last is added, each (B, N, A).
        through: Whether the gradient of the ends with respect to what `gradient` depends on passes through the chain;
            as published it does not.
    """
    move, actions = Mover(box, limits), start.detach()
    with nullcontext() if through else torch.no_grad():
        for pull, shake in chain.factors():
            if passed is not None:
                passed.append(actions.detach())
            slope = gradient(actions)
            shaken = shake * noise.normal(*actions.shape) if chain.noise else None
            actions = move(actions, slope, pull, shaken)
    return actions


@dataclass(frozen=True, eq=False)
class Walk:
    """What chains of a whole batch came to."""

    ends: Tensor
    """(B, N, A)"""
    passed: Tensor | None = None
    """Every point before the ends, in any order, (B, N K, A), if they were asked for."""


def walk_all(
    gradient: Callable[[Tensor, Tensor], Tensor],
    context: Tensor,
    box: Box,
    noise: Noise,
    chains: Sequence[Chain],
    *,
    samples: int,
    limits: Clips,
    start: Tensor | None = None,
    keep_passed: bool = False,
    through: bool = False,
) -> Walk:
    """Run chains one after the other for every observation of a batch, in pieces that fit the processor's cache.

    Args:
        gradient: ∂E/∂a of candidates (b, n, A) under contexts (b, ...).
        context: What is known of every observation, (B, ...).
        box: Where candidates begin, uniformly, and remain.
        noise: Source of random numbers for B rows.
        chains: Run in this order, each from where the last one ended.
        samples: N.
        limits: Clips of gradient and step.
        start: Where they begin instead, (B, N, A).
        keep_passed: Whether the points on the way are kept.
        through: As for `walk`.
    """
    rows, size = len(context), len(box.low)
    count = sum(chain.iterations for chain in chains)
    ends = box.low.new_empty(rows, samples, size)
    passed = box.low.new_empty(rows, samples, count, size) if keep_passed else None
    together = (
        rows if box.low.is_cuda else None
    )  # it has no cache to keep to, and waits for every step's launch
    for part in chunks(rows, samples, together):
        own, own_noise = context[part[0]], noise.part(part[0])
        if start is None:
            actions = box.sample(own_noise, len(own), ends[part].shape[1])
        else:
            actions = start[part]
        points: list[Tensor] = []
        for chain in chains:
            actions = walk(
                lambda a, own=own: gradient(own, a),  # type: ignore[misc]
                actions,
                box,
                own_noise,
                chain,
                limits=limits,
                passed=points if keep_passed else None,
                through=through,
            )
        ends[part] = actions
        if passed is not None:
            passed[part] = torch.stack(points, dim=2)
    return Walk(ends, None if passed is None else passed.reshape(rows, -1, size))


def chunks(rows: int, samples: int, together: int | None = None) -> Iterator[tuple[slice, slice]]:
    """Pieces of a batch (rows, samples) that walk together: of so many rows, by default as many as fit the cache.

    How a row's samples are cut does not depend on how many rows there are, so a row that draws from its own generator
    walks the same way in any batch.
    """
    height = together or max(1, _CHUNK_ROWS // samples)
    for row in range(0, rows, height):
        for column in range(0, samples, _CHUNK_ROWS):
            yield slice(row, row + height), slice(column, column + _CHUNK_ROWS)


def _chain(config: LangevinConfig, initial: float, final: float, noise: float) -> Chain:
    return Chain(
        iterations=config.iterations,
        initial=initial,
        final=final,
        power=config.power,
        noise=noise,
        schedule=config.schedule,
        decay=config.decay,
        calibrated=config.dynamics == "calibrated",
    )
