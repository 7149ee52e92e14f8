"""The autoregressive derivative-free optimiser: one dimension of the action after the other, each with its own energy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ibc_gym.checks import require_at_least, require_not_negative, require_temperature

from ..noise import Noise
from .box import Box, Search, gather, resample
from .pick import PickConfig


@dataclass(frozen=True, kw_only=True)
class AutoregressiveDFOConfig(PickConfig):
    """Constants of the autoregressive optimiser; in normalised action units."""

    samples: int = 256
    """Candidates per observation when acting."""
    validation_samples: int = 256
    """Candidates per observation when the held-out error is measured."""
    iterations: int = 3
    """How often every dimension is weighed; candidates are perturbed one time less."""
    sigma: float = 0.33
    """Standard deviation of the first perturbation."""
    shrink: float = 0.5
    """Factor on the deviation from one pass over the dimensions to the next."""
    temperature: float = 1.0
    """Of the softmax over -E that weighs the candidates."""
    resample: Literal["prefix", "coordinate"] = "prefix"
    """What a drawn index moves: a candidate's dimensions so far, so that what belongs together stays together, or the
    dimension in turn alone. The paper leaves it open."""
    judge: Literal["last", "sum"] = "last"
    """What candidates are chosen by in the end: the last dimension's energy, as published, or the sum of all, which
    is the energy of the whole where each energy is that of one dimension given those before it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least(self, 1, "samples", "validation_samples", "iterations")
        require_not_negative(self, "sigma", "shrink")
        require_temperature(self, "temperature")


def search(
    energy: Callable[[int, Tensor], Tensor],
    box: Box,
    noise: Noise,
    config: AutoregressiveDFOConfig,
    *,
    rows: int,
    samples: int,
) -> Search:
    """Candidates gathered where the energies are low (Florence et al. 2021, §B.2, algorithm 2).

    The one loop for acting and for training: in training, `energy` sees every candidate that is a counter-example, and
    takes its losses there. What it returns may carry a gradient, which ends here.

    Args:
        energy: Maps a dimension d and the candidates' first d + 1 numbers (B, N, d + 1) to (B, N).
        box: Where candidates begin, uniformly, and remain.
        noise: Source of random numbers for B rows.
        config: Constants.
        rows: B.
        samples: N.
    """
    size = len(box.low)
    candidates = box.sample(noise, rows, samples)
    sigma = config.sigma
    for _ in range(config.iterations - 1):
        for dimension in range(size):
            energies = energy(dimension, candidates[..., : dimension + 1]).detach()
            candidates = _moved(candidates, energies, dimension, sigma, box, noise, config)
        sigma *= config.shrink
    last = [energy(d, candidates[..., : d + 1]).detach() for d in range(size)]
    return Search(candidates, last[-1] if config.judge == "last" else torch.stack(last).sum(dim=0))


def _moved(
    candidates: Tensor,
    energies: Tensor,
    dimension: int,
    sigma: float,
    box: Box,
    noise: Noise,
    config: AutoregressiveDFOConfig,
) -> Tensor:
    """Candidates resampled by their energies (B, N) up to a dimension, and perturbed there."""
    rows, samples = energies.shape
    weights = torch.softmax(-energies / config.temperature, dim=1)
    chosen = resample(weights, noise.uniform(rows, samples))
    drawn = gather(candidates, chosen)
    before = drawn if config.resample == "prefix" else candidates
    own = drawn[..., dimension] + sigma * noise.normal(rows, samples)
    own = torch.clamp(own, box.low[dimension], box.high[dimension])
    return torch.cat(
        [before[..., :dimension], own[..., None], candidates[..., dimension + 1 :]], dim=-1
    )
