"""How noise is put on actions and taken off again: the schedule of a diffusion, and its few-step sampler."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from .noise import Noise
from .optimisers.box import Box

_OFFSET = 0.008
"""Keeps the noise of the first step from being too small to see (Nichol and Dhariwal 2021, §3.2)."""
_LARGEST_BETA = 0.999
"""Most of the variance that one step may replace (ibid.)."""


def squared_cosine(steps: int) -> Tensor:
    """Share ᾱ of the demonstration's variance that is left after each of the steps, (steps,), float64.

    It falls as cos² (Nichol and Dhariwal 2021, *Improved Denoising Diffusion Probabilistic Models*, eq. 17): an action
    after step k is √ᾱ_k a + √(1 - ᾱ_k) ε.
    """
    at = torch.arange(steps + 1, dtype=torch.float64) / steps
    whole = torch.cos((at + _OFFSET) / (1 + _OFFSET) * math.pi / 2).square()
    betas = (1 - whole[1:] / whole[:-1]).clamp_max(_LARGEST_BETA)
    return (1 - betas).cumprod(dim=0)


def ddim(
    predict: Callable[[Tensor, int], Tensor],
    start: Tensor,
    box: Box,
    noise: Noise,
    *,
    kept: Sequence[float],
    steps: int,
    eta: float = 0.0,
) -> Tensor:
    """Follow the denoising from pure noise to an action in few steps.

    The implicit sampler of Song, Meng and Ermon 2021, *Denoising Diffusion Implicit Models*, eq. 12. In every step the
    action that the prediction amounts to is clipped to the box, and the noise is what then remains. The steps are
    spread from the last of the schedule to its first, both included.

    Args:
        predict: The noise ε in actions (B, N, D) after step k of the schedule.
        start: Standard normal, (B, N, D).
        box: Where actions lie.
        noise: Source of fresh noise, where `eta` is above 0.
        kept: ᾱ of every step of the schedule, K of them; numbers, so that what is traced has them written out.
        steps: How many of them are made, at most K.
        eta: 0 is deterministic, 1 with all steps the ancestral sampling of Ho et al. 2020.

    Returns:
        Actions in the box, (B, N, D).
    """
    path = [round((len(kept) - 1) * left / (steps - 1)) for left in reversed(range(steps))]
    x = start
    for now, following in zip(path, [*path[1:], None], strict=True):
        share = kept[now]
        said = predict(x, now)
        action = box.clip((x - math.sqrt(1 - share) * said) / math.sqrt(share))
        if following is None:
            break
        left = (x - math.sqrt(share) * action) / math.sqrt(1 - share)
        then = kept[following]
        fresh = eta * math.sqrt((1 - then) / (1 - share) * (1 - share / then))
        x = math.sqrt(then) * action + math.sqrt(max(1 - then - fresh**2, 0.0)) * left
        if fresh:
            x = x + fresh * noise.normal(*x.shape)
    return action
