"""What an energy is trained with: contrast to counter-examples, and a bound on its slope.

InfoNCE is what the paper trains with. The others are those that its released code has beside it and no published
configuration uses; they are written here in energies E = -f, where that code has f.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from ibc_gym.checks import require_finite, require_not_negative

Norm = Literal["l1", "l2", "linf"]

Loss = Literal["info_nce", "cd", "clipped_cd", "soft_clipped_cd", "cd_kl"]
"""How demonstrated actions are told from counter-examples."""

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
    points: Literal["end", "all"] = "end"
    """At the counter-examples as they end, or also at every point that a Langevin chain passes: a little better by the
    authors' account, and so many times dearer."""
    include_positive: bool = True
    """Whether the demonstrated action is among the points, as in the released code; the paper has the others only."""

    def __post_init__(self) -> None:
        require_finite(self)
        require_not_negative(self, "weight", "margin")


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


def ranking_nce(
    energies: Tensor, log_density: Tensor, positive: Tensor, temperature: float = 1.0
) -> Tensor:
    """InfoNCE that knows where its counter-examples come from (Singh, Tu and Sindhwani 2023).

    With counter-examples of density q, the minimiser of plain InfoNCE is -E = log p(a|o) - log q(a|o) + c(o), which is
    log p for uniform ones alone. Here every candidate's weight is exp(-E) / q, so that the minimiser is
    -E = log p(a|o) + c(o) whatever q is, as long as it is positive where p is.

    Args:
        energies: Energy of each candidate, (B, N); lower is better.
        log_density: log q of each candidate, the demonstrated action's as well, (B, N); a constant per row is nothing.
        positive: Column of the demonstrated action, (B,), in [0, N).
        temperature: That divides the energies; the density is as it is.

    Returns:
        Mean loss over the batch, ().
    """
    return F.cross_entropy(-energies / temperature - log_density, positive)


def contrastive_divergence(positive: Tensor, others: Tensor) -> Tensor:
    """E of the demonstration less the mean E of its counter-examples; the released code's "cd".

    It has no minimum: nothing but a gradient penalty or normalised weights keeps the energies from drifting apart.

    Args:
        positive: Energy of the demonstrated action, (B,).
        others: Energies of counter-examples, (B, N).

    Returns:
        Mean over the batch, ().
    """
    return (positive[:, None] - others).mean()


def clipped_contrastive_divergence(
    positive: Tensor, others: Tensor, distances: Tensor, radius: float = 0.2
) -> Tensor:
    """As `contrastive_divergence`, where near-duplicates of the demonstration are no counter-examples.

    Args:
        positive: Energy of the demonstrated action, (B,).
        others: Energies of counter-examples, (B, N).
        distances: Squared distance of counter-examples to the demonstrated action, (B, N).
        radius: Squared distance up to which they are duplicates; they count as zeros in the mean.
    """
    return ((positive[:, None] - others) * (distances > radius)).mean()


def soft_clipped_contrastive_divergence(
    positive: Tensor, others: Tensor, distances: Tensor, radius: float = 0.2
) -> Tensor:
    """As `clipped_contrastive_divergence`, and near the demonstration the energy shall be a bowl E + distance².

    Args:
        positive: Energy of the demonstrated action, (B,).
        others: Energies of counter-examples, (B, N).
        distances: Squared distance of counter-examples to the demonstrated action, (B, N).
        radius: Squared distance up to which the bowl reaches.
    """
    bowl = ((others - positive[:, None]) - distances).abs() * (distances <= radius)
    return clipped_contrastive_divergence(positive, others, distances, radius) + bowl.mean()


def chain_divergence(energies: Tensor, ends: Tensor, reach: float = 0.1) -> Tensor:
    """What "cd_kl" adds to "cd": chains shall end where the energy is low, and apart from each other.

    Its gradient is to pass through the chain alone: the energies are those of a frozen copy of the network.

    Args:
        energies: Of the ends, by frozen weights, (B, N).
        ends: End points of chains that carry a gradient, (B, N, A).
        reach: How fast repulsion fades with the squared distance.

    Returns:
        Mean E + mean exp(-reach ‖a_n - a_m‖²) over all pairs, ().
    """
    apart = squared_distances(ends[:, :, None], ends[:, None])  # (B, N, N)
    return energies.mean() + torch.exp(-reach * apart).mean()


def squared_distances(ours: Tensor, theirs: Tensor) -> Tensor:
    """‖a - b‖² over the last axis, of actions (..., A) that broadcast."""
    return (ours - theirs).square().sum(dim=-1)


def contrast(loss: Loss, energies: Tensor, candidates: Tensor, temperature: float = 1.0) -> Tensor:
    """The chosen loss of one group of candidates, the demonstration first.

    Args:
        loss: Which; "cd_kl" is "cd" here, what it adds is `chain_divergence`.
        energies: (B, 1 + N).
        candidates: (B, 1 + N, A), normalised.
        temperature: Of the softmax of InfoNCE.

    Returns:
        Mean over the batch, ().
    """
    if loss == "info_nce":
        first = torch.zeros(len(energies), dtype=torch.long, device=energies.device)
        return info_nce(energies, first, temperature)
    own, others = energies[:, 0], energies[:, 1:]
    if loss in ("cd", "cd_kl"):
        return contrastive_divergence(own, others)
    distances = squared_distances(candidates[:, 1:], candidates[:, :1])
    if loss == "clipped_cd":
        return clipped_contrastive_divergence(own, others, distances)
    return soft_clipped_contrastive_divergence(own, others, distances)


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
