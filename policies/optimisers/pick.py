"""The end of every optimiser: which of the candidates that it gathered is the action."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from ibc_gym.checks import require_finite, require_not_negative

from ..noise import Noise
from .box import Search


@dataclass(frozen=True, kw_only=True)
class PickConfig:
    """How the action is chosen among an optimiser's last candidates."""

    pick: Literal["argmin", "sample"] = "argmin"
    """The least energetic candidate, as the paper says; or one drawn by its Boltzmann weight, as the released code in effect
    does: it resamples once more at the end, and then takes the place that was the best one's before."""
    pick_within: float = 0.0
    """Where one is drawn: the least energetic one within this distance of it is taken in its place, so that chance says
    which of several modes, and the energy which action of it; 0 takes the drawn one. Of chunks it is the distance between
    whole ones, which grows with their actions."""

    def __post_init__(self) -> None:
        require_finite(self)
        require_not_negative(self, "pick_within")


def pick(found: Search, noise: Noise, config: PickConfig, temperature: float = 1.0) -> Tensor:
    """The action to take, (B, A).

    Args:
        found: The last candidates.
        noise: What one is drawn by.
        config: How.
        temperature: Of the Boltzmann weights.
    """
    if config.pick == "argmin":
        return found.least()
    return found.draw(noise, temperature, config.pick_within)
