"""Stochastic gradient Langevin dynamics: walk down the energy, with noise that fades."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ibc_gym.checks import require_finite
from ibc_gym.errors import ConfigError

from ..noise import Noise
from .box import Box

_CHUNK_ROWS = 512
"""Candidates that walk a whole chain together: their activations stay in the processor's cache."""


@dataclass(frozen=True, kw_only=True)
class LangevinConfig:
    """Constants of the Langevin sampler; in normalised action units."""

    samples: int = 512
    """Chains per observation when acting."""
    validation_samples: int = 32
    """Chains per observation when the held-out error is measured."""
    iterations: int = 100
    """Steps of a chain."""
    step_initial: float = 0.1
    """Step size of the first step."""
    step_final: float = 1e-5
    """Step size of the last step."""
    power: float = 2.0
    """Power of the polynomial between the two."""
    delta_clip: float = 0.1
    """Greatest change per step and dimension, as a share of the box's half width."""
    noise: float = 1.0
    """Noise in training chains, multiplied by the step size."""
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

    def __post_init__(self) -> None:
        require_finite(self)
        if min(self.samples, self.validation_samples, self.iterations) < 1:
            raise ConfigError("Langevin dynamics need at least 1 chain and 1 iteration.")
        steps = ("step_initial", "step_final", "second_step_initial", "second_step_final")
        for name in (*steps, "power", "noise", "inference_noise", "second_noise"):
            if getattr(self, name) < 0:
                raise ConfigError(
                    f"LangevinConfig.{name} is {getattr(self, name)}, but must not be negative."
                )
        if self.delta_clip <= 0:
            raise ConfigError(f"delta_clip is {self.delta_clip}, but must be positive.")


@dataclass(frozen=True, kw_only=True)
class Chain:
    """One run: how many steps, how long, how noisy."""

    iterations: int
    initial: float
    final: float
    power: float
    noise: float

    def steps(self) -> Iterator[float]:
        """The polynomial schedule of step sizes."""
        for k in range(self.iterations):
            left = 1 - k / max(self.iterations - 1, 1)
            yield (self.initial - self.final) * left**self.power + self.final


def training_chain(config: LangevinConfig) -> Chain:
    """The chain whose end points are counter-examples."""
    return Chain(
        iterations=config.iterations,
        initial=config.step_initial,
        final=config.step_final,
        power=config.power,
        noise=config.noise,
    )


def inference_chains(config: LangevinConfig) -> tuple[Chain, ...]:
    """The chains that are run one after the other when acting."""
    first = Chain(
        iterations=config.iterations,
        initial=config.step_initial,
        final=config.step_final,
        power=config.power,
        noise=config.inference_noise,
    )
    if not config.second_chain:
        return (first,)
    second = Chain(
        iterations=config.iterations,
        initial=config.second_step_initial,
        final=config.second_step_final,
        power=config.power,
        noise=config.second_noise,
    )
    return (first, second)


def walk(
    gradient: Callable[[Tensor], Tensor],
    start: Tensor,
    box: Box,
    noise: Noise,
    chain: Chain,
    *,
    delta_clip: float,
) -> Tensor:
    """End points of chains (Florence et al. 2021, §B.3), of the shape of their starts (B, N, A).

    The step is a ← clip(a - clip(λ (½ ∂E/∂a + σ ξ))). The noise is multiplied by λ and not by √(2λ), as published:
    this does not sample exp(-E), it searches. No gradient passes through the chain.

    Args:
        gradient: ∂E/∂a of candidates (B, N, A).
        start: Where the chains begin.
        box: Where they remain.
        noise: Source of random numbers for B rows.
        chain: Steps and noise.
        delta_clip: Greatest change per step, as a share of the box's half width.
    """
    reach = delta_clip * (box.high - box.low) / 2  # (A,)
    actions = start.detach()
    with torch.no_grad():
        for step in chain.steps():
            change = gradient(actions) * (0.5 * step)
            if chain.noise:
                change = change + (step * chain.noise) * noise.normal(*actions.shape)
            actions = box.clip(actions - torch.clamp(change, -reach, reach))
    return actions


def chunks(rows: int, samples: int) -> Iterator[tuple[slice, slice]]:
    """Pieces of a batch (rows, samples) that walk together.

    How a row's samples are cut does not depend on how many rows there are, so a row that draws from its own generator
    walks the same way in any batch.
    """
    together = max(1, _CHUNK_ROWS // samples)
    for row in range(0, rows, together):
        for column in range(0, samples, _CHUNK_ROWS):
            yield slice(row, row + together), slice(column, column + _CHUNK_ROWS)
