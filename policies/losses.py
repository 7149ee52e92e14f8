"""What an energy is trained with: contrast to counter-examples, and a bound on its slope."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from ibc_gym.checks import require_finite
from ibc_gym.errors import ConfigError

Norm = Literal["l1", "l2", "linf"]

_ORDERS = {"l1": 1.0, "l2": 2.0, "linf": float("inf")}


@dataclass(frozen=True, kw_only=True)
class GradientPenaltyConfig:
    """The penalty on energies that are steep in the action."""

    weight: float | None = None
    """Factor of the penalty; None is 1 with Langevin counter-examples and 0 without, as published."""
    margin: float = 1.0
    """Slope that costs nothing [per normalised action unit]."""
    norm: Norm = "linf"
    """Norm of the gradient over the action's dimensions."""
    include_positive: bool = True
    """Whether the demonstrated action is among the points, as in the released code; the paper has the others only."""

    def __post_init__(self) -> None:
        require_finite(self)
        if (self.weight or 0) < 0 or self.margin < 0:
            raise ConfigError(
                "The weight and the margin of the gradient penalty must not be negative."
            )


def info_nce(energies: Tensor, positive: Tensor, temperature: float = 1.0) -> Tensor:
    """Contrastive loss that makes the demonstrated action the least energetic of N.

    The InfoNCE loss of Florence et al. 2021 by a log-softmax, where the released code clips probabilities at 1e-7 and
    its gradient vanishes below. It is log N while all energies are equal.

    Args:
        energies: Energy of each candidate, (B, N); lower is better.
        positive: Column of the demonstrated action, (B,), in [0, N).
        temperature: Of the softmax over -E.

    Returns:
        Mean loss over the batch, ().
    """
    return F.cross_entropy(-energies / temperature, positive)


def gradient_penalty(gradients: Tensor, *, margin: float = 1.0, norm: Norm = "linf") -> Tensor:
    """Squared hinge on the energy's slope: mean of max(0, ‖∂E/∂a‖ - margin)² (Florence et al. 2021, §B.3.1).

    Args:
        gradients: ∂E/∂a at the points, (B, N, A), differentiable with respect to the weights.
        margin: Slope that costs nothing.
        norm: Over the action's dimensions.

    Returns:
        Mean over batch and points, ().
    """
    slope = torch.linalg.vector_norm(gradients, ord=_ORDERS[norm], dim=-1)  # (B, N)
    return F.relu(slope - margin).square().mean()
