"""How sure an implicit policy was of an action, from what it thinks of others."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from ibc_gym.errors import ConfigError

from .optimisers.box import Box, Search

POINTS: Final = 512
"""Points over the box that are asked for their energies: the same for every observation, so that what is found can be
compared, and does not depend on how many candidates a search has."""
FAR: Final = 0.1
"""From which distance another action counts as another one, as a share of the box's width in some dimension."""
LEAST_WIDTH: Final = 1e-6
"""Of a box that is divided by, normalised."""


def evenly_spread(size: int) -> Tensor:
    """Points of the unit cube that lie more evenly than drawn ones, always the same, (POINTS, size).

    Raises:
        ConfigError: There are none in so many dimensions.
    """
    most = torch.quasirandom.SobolEngine.MAXDIM
    if size > most:
        raise ConfigError(
            f"An action of {size} numbers is too large for an implicit policy, which asks for the energies of evenly "
            f"spread ones: they are known for up to {most}. Choose a smaller --policy.horizon."
        )
    return torch.quasirandom.SobolEngine(size, scramble=True, seed=0).draw(POINTS)


def doubts(
    chosen: Search,
    even: Search,
    found: Search,
    box: Box,
    *,
    temperature: float,
    alone: float = 0.0,
) -> dict[str, Tensor]:
    """What can be said of an action among others, each (B,).

    - "entropy" [nats]: of the Boltzmann weights of evenly spread actions; log N where all are as good as another.
    - "spread": exp(entropy) / N, the share of the box's volume that is in question, which is 1 then.
    - "gap" [nats]: how much more energy the best action has that is another one, see `FAR`; near 0 where two are equally
      good, negative where the better one was not taken. Without such an action it is the greatest gap that was seen, or
      `alone` where that is greater.
    - "deviation": how far the last candidates lie apart, weighed by Boltzmann, as a share of the box's width; the root
      of its mean square over the dimensions.

    Even points say little of what is narrower than their distance: in many dimensions "gap" and "deviation" say more.

    Args:
        chosen: The action that was taken, N = 1.
        even: Actions evenly spread over the box.
        found: Where the search ended.
        box: That they lie in.
        temperature: That energies are divided by; the loss's, by which exp(-E / temperature) is a density.
        alone: Energy that any other action has above the chosen one, at least, where none was looked at.
    """
    log_weights = torch.log_softmax(-even.energies / temperature, dim=1)
    entropy = -(log_weights.exp() * log_weights).sum(dim=1)
    return {
        "entropy": entropy,
        "spread": entropy.exp() / even.energies.shape[1],
        "gap": _gap(chosen, even, found, box, alone) / temperature,
        "deviation": _deviation(found, box, temperature),
    }


def _gap(chosen: Search, even: Search, found: Search, box: Box, alone: float) -> Tensor:
    others = torch.cat([even.candidates, found.candidates], dim=1)
    excess = torch.cat([even.energies, found.energies], dim=1) - chosen.energies
    apart = (others - chosen.candidates).abs() / _width(box)
    is_other = apart.amax(dim=-1) > FAR
    greatest = excess.amax(dim=1, keepdim=True).clamp_min(alone)
    return torch.where(is_other, excess, greatest).amin(dim=1)


def _deviation(found: Search, box: Box, temperature: float) -> Tensor:
    weights = torch.softmax(-found.energies / temperature, dim=1)[..., None]
    mean = (weights * found.candidates).sum(dim=1, keepdim=True)
    variance = (weights * (found.candidates - mean).square()).sum(dim=1)
    return (variance / _width(box).square()).mean(dim=1).sqrt()


def _width(box: Box) -> Tensor:
    return (box.high - box.low).clamp_min(LEAST_WIDTH)
