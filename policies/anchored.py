"""Counter-examples near the demonstration, at one distance or at many, that bias nothing.

Drawn around the demonstration itself they would give it away: it would be the one in their middle, and the energy would
learn where middles are. So they are drawn around an anchor, which is itself a step from the demonstration. Given
anchor and candidates, candidate i is the demonstration with a probability in proportion to

    p(a_i) K(anchor | a_i) / K(a_i | anchor),

and where the step's density K is symmetric, K(a | b) = K(b | a), nothing but p is left: the softmax of the energies needs
no density of the counter-examples, and -E = log p minimises it, as with uniform ones. That holds while they keep a
softmax of their own, for steps of one deviation and for any mixture of deviations that is drawn apart from the actions.

A step that is clipped at the edges of the box, or drawn again until it lies inside, is not symmetric: near an edge it is
likelier to come from afar than to go there. One that is reflected is, so that is how steps stay inside here.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from .noise import Noise
from .optimisers.box import Box

Scales = Literal["one", "each"]
"""One deviation for all steps of a row, or one for each step: then one softmax sees all distances."""

_LEAST_WIDTH = 1e-12
"""Least width of the box that is divided by."""


def anchored(
    demonstrated: Tensor,
    samples: int,
    noise: Noise,
    scale: tuple[float, float],
    *,
    scales: Scales = "one",
    unit: Tensor | None = None,
    within: Box | None = None,
) -> Tensor:
    """Gaussian counter-examples around an anchor that is itself a Gaussian step from the demonstration.

    Args:
        demonstrated: (B, A), normalised.
        samples: N.
        noise: Source of random numbers for B rows.
        scale: Least and greatest deviation, drawn log-uniformly.
        scales: Whether a row draws one of them, or the step to its anchor and each counter-example their own.
        unit: What a deviation is multiplied by, (A,); nothing if None.
        within: The box whose edges reflect every step; none if None, and they may lie anywhere.

    Returns:
        (B, N, A).
    """
    rows, size = demonstrated.shape
    low, high = (math.log(bound) for bound in scale)
    drawn = noise.uniform(rows, samples + 1 if scales == "each" else 1, 1)
    deviation = torch.exp(low + (high - low) * drawn)
    steps = noise.normal(rows, samples + 1, size)
    if unit is not None:
        deviation = deviation * unit
    if scales == "one" and within is None:
        return demonstrated[:, None] + deviation * (steps[:, :1] + steps[:, 1:])
    steps = deviation * steps
    anchor = reflected(demonstrated[:, None] + steps[:, :1], within)
    return reflected(anchor + steps[:, 1:], within)


def reflected(actions: Tensor, box: Box | None) -> Tensor:
    """Actions (..., A) folded back at the edges of a box, as often as it takes."""
    if box is None:
        return actions
    side = (box.high - box.low).clamp_min(_LEAST_WIDTH)
    along = torch.remainder(actions - box.low, 2 * side)  # there and back again
    return box.clip(box.low + side - (along - side).abs())
