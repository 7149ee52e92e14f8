"""The implicit policy as one writes it down: autograd, observations repeated for every action, one big batch.

Nothing here is clever, and everything is right: it is what `benchmarks/same_work.py` measures the library against, and
what `tests/policies/test_reference.py` holds the library's short cuts to. Weights are those of the library's joint
network, so that both do the same work on the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Energy = Callable[[Tensor, Tensor], Tensor]
"""Energies (B, N) of actions (B, N, A) under observations (B, F)."""


class JointResNet(nn.Module):
    """The published energy network: [observation, action] → dense → pre-activated residual blocks → a number."""

    def __init__(self, inputs: int, width: int, depth: int) -> None:
        super().__init__()
        self.projection = nn.Linear(inputs, width)
        self.blocks = nn.ModuleList(
            nn.ModuleDict({"first": nn.Linear(width, width), "second": nn.Linear(width, width)})
            for _ in range(depth // 2)
        )
        self.head = nn.Linear(width, 1)

    def forward(self, observations: Tensor, actions: Tensor) -> Tensor:
        """Energies (B, N) of actions (B, N, A) under observations (B, F)."""
        repeated = observations[:, None].expand(-1, actions.shape[1], -1)
        x = self.projection(torch.cat([repeated, actions], dim=-1).flatten(0, 1))
        for block in self.blocks:
            assert isinstance(block, nn.ModuleDict)
            x = x + block["second"](F.relu(block["first"](F.relu(x))))
        energies: Tensor = self.head(x)
        return energies.reshape(actions.shape[:2])


def slope(energy: Energy, observations: Tensor, actions: Tensor, *, keep: bool = False) -> Tensor:
    """∂E/∂a of actions (B, N, A), of the same shape; with `keep`, a function of the weights."""
    actions = actions.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(
        energy(observations, actions).sum(), actions, create_graph=keep
    )
    return gradient


def langevin(
    energy: Energy,
    observations: Tensor,
    start: Tensor,
    noises: Sequence[Tensor],
    *,
    low: Tensor,
    high: Tensor,
    step_initial: float = 0.1,
    step_final: float = 1e-5,
    delta_clip: float = 0.1,
) -> Tensor:
    """Where chains from `start` (B, N, A) end after as many steps as there are noises (Florence et al. 2021, §B.3)."""
    actions, count = start, len(noises)
    reach = delta_clip * (high - low) / 2
    for k, noise in enumerate(noises):
        step = (step_initial - step_final) * (1 - k / max(count - 1, 1)) ** 2 + step_final
        change = step * (0.5 * slope(energy, observations, actions) + noise)
        change = torch.minimum(torch.maximum(change, -reach), reach)
        actions = torch.minimum(torch.maximum(actions - change, low), high)
    return actions


def info_nce(
    energy: Energy, observations: Tensor, demonstrated: Tensor, negatives: Tensor
) -> Tensor:
    """The contrast of demonstrated actions (B, A) to counter-examples (B, N, A), ()."""
    candidates = torch.cat([demonstrated[:, None], negatives], dim=1)
    logits = -energy(observations, candidates)
    return F.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long))


def langevin_loss(
    energy: Energy, observations: Tensor, demonstrated: Tensor, negatives: Tensor
) -> Tensor:
    """InfoNCE and the penalty on slopes steeper than 1 at all candidates (§B.3.1), ()."""
    candidates = torch.cat([demonstrated[:, None], negatives], dim=1)
    norms = slope(energy, observations, candidates, keep=True).abs().amax(dim=-1)
    return (
        info_nce(energy, observations, demonstrated, negatives) + F.relu(norms - 1).square().mean()
    )


def dfo(
    energy: Energy,
    observations: Tensor,
    start: Tensor,
    chances: Sequence[Tensor],
    noises: Sequence[Tensor],
    *,
    low: Tensor,
    high: Tensor,
    sigma: float = 0.33,
) -> Tensor:
    """The least energetic candidate, (B, A), after resampling and perturbing as often as there are noises (§B.1).

    Args:
        energy: What is to be least.
        observations: (B, F).
        start: Candidates (B, N, A).
        chances: Uniform numbers (B, N) that say which candidates are drawn.
        noises: Normal numbers (B, N, A).
        low: Of the box, (A,).
        high: Of the box, (A,).
        sigma: Deviation of the first perturbation; halved each time.
    """
    actions, rows = start, torch.arange(len(start))
    for chance, noise in zip(chances, noises, strict=True):
        with torch.no_grad():
            weights = torch.softmax(-energy(observations, actions), dim=1)
        chosen = torch.searchsorted(weights.cumsum(dim=1), chance, right=True)
        chosen = chosen.clamp(max=actions.shape[1] - 1)
        actions = torch.stack([row[index] for row, index in zip(actions, chosen, strict=True)])
        actions = torch.minimum(torch.maximum(actions + sigma * noise, low), high)
        sigma = sigma / 2
    with torch.no_grad():
        best = energy(observations, actions).argmin(dim=1)
    return actions[rows, best]
