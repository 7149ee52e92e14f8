"""The derivative-free optimiser: sample, weigh, resample, perturb less and less."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ibc_gym.checks import require_at_least, require_not_negative, require_temperature

from ..noise import Noise
from .box import Box, Search, gather, resample
from .pick import PickConfig

_WEIGHED_AGAIN = 256
"""Candidates at the end of a rough search that are weighed as they should be: more than its rounding can mix up."""


@dataclass(frozen=True, kw_only=True)
class DFOConfig(PickConfig):
    """Constants of the derivative-free optimiser; in normalised action units."""

    samples: int = 512
    """Candidates per observation when acting."""
    validation_samples: int = 512
    """Candidates per observation when the held-out error is measured."""
    iterations: int = 3
    """How often the candidates are weighed; they are perturbed one time less."""
    sigma: float = 0.33
    """Standard deviation of the first perturbation."""
    shrink: float = 0.5
    """Factor on the deviation from one perturbation to the next."""
    temperature: float = 1.0
    """Of the softmax over -E that weighs the candidates."""
    keep_best: bool = True
    """Whether the best candidate is carried over unperturbed; the published method does not."""
    resample_last: bool = False
    """Whether counter-examples are resampled after the last weighing, too, as the released code does."""
    bfloat16: bool = False
    """Whether candidates are weighed in bfloat16, which with thousands of them takes half of the time on a processor that
    multiplies it itself (AVX512-BF16, AMX, a GPU). The least energetic 256 of the last weighing are weighed again in
    float32, and the least energetic action is one of them."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(self, 1, "samples", "validation_samples", "iterations")
        require_not_negative(self, "sigma", "shrink")
        require_temperature(self, "temperature")


def search(
    energy: Callable[[Tensor], Tensor],
    box: Box,
    noise: Noise,
    config: DFOConfig,
    *,
    rows: int,
    samples: int,
    start: Tensor | None = None,
    rough: Callable[[Tensor], Tensor] | None = None,
) -> Search:
    """Candidates gathered where the energy is low (Florence et al. 2021, §B.1, algorithm 1).

    Args:
        energy: Maps (B, N, A) to (B, N).
        box: Where candidates begin and remain.
        noise: Source of random numbers for B rows.
        config: Constants.
        rows: B.
        samples: N.
        start: Where they begin instead of uniformly, (B, N, A).
        rough: What weighs them before the least energetic of the last are weighed again; by default `energy` does.
    """
    weigh = rough or energy
    candidates = box.sample(noise, rows, samples) if start is None else start
    sigma = config.sigma
    for _ in range(config.iterations - 1):
        energies = weigh(candidates)
        weights = torch.softmax(-energies / config.temperature, dim=1)
        chosen = resample(weights, noise.uniform(rows, samples))  # (B, N)
        moved = gather(candidates, chosen)
        moved = box.clip(moved + sigma * noise.normal(*moved.shape))
        if config.keep_best:
            moved[:, 0] = Search(candidates, energies).least()
        candidates = moved
        sigma *= config.shrink
    if rough is None or samples <= _WEIGHED_AGAIN:
        return Search(candidates, energy(candidates))
    return Search(candidates, _best_weighed_again(candidates, rough(candidates), energy))


def counter_examples(found: Search, noise: Noise, config: DFOConfig) -> Tensor:
    """The candidates as counter-examples in training, (B, N, A)."""
    if not config.resample_last:
        return found.candidates
    weights = torch.softmax(-found.energies / config.temperature, dim=1)
    return gather(found.candidates, resample(weights, noise.uniform(*weights.shape)))


def _best_weighed_again(
    candidates: Tensor, roughly: Tensor, energy: Callable[[Tensor], Tensor]
) -> Tensor:
    """Rough energies (B, N), but of the least ones exact; no other is lower than any of those."""
    best = roughly.topk(_WEIGHED_AGAIN, dim=1, largest=False).indices
    exact = energy(gather(candidates, best))
    return roughly.clamp(min=exact.amax(dim=1, keepdim=True)).scatter(1, best, exact)
