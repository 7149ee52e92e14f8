"""Counter-examples: actions that were not demonstrated, for the energy to be raised at.

They come in groups. Each group is told apart from the demonstration by a softmax of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from ibc_gym.checks import owner, require_finite, require_not_negative
from ibc_gym.errors import ConfigError

from .anchored import Scales

KINDS: Final = ("uniform", "anchored", "langevin", "dfo", "proposal")
"""Where counter-examples come from."""

_NONE: Final = "An energy cannot be trained without counter-examples."
_ROUNDING: Final = 1e-9
"""What a product of a number and its share may miss by."""


@dataclass(frozen=True, kw_only=True)
class NegativesConfig:
    """How many counter-examples of each kind every demonstrated action gets, fresh at every step.

    Either in numbers, where None is what suits the optimiser: 16 uniform and 16 anchored ones for "dfo", 8 Langevin
    ones for "langevin". Or as one `total` that is shared out by fractions, as in the released code: each kind gets its
    share rounded down, and what is left is uniform.
    """

    uniform: int | None = None
    """Uniform in the sampling box."""
    anchored: int | None = None
    """Gaussian around a point near the demonstration; a group of their own. They bias nothing: see `anchored`."""
    langevin: int | None = None
    """End points of Langevin chains that began uniformly; in one group with the uniform ones. Nobody knows their
    density, so that they bias the energy, as published."""
    dfo: int | None = None
    """Last candidates of the derivative-free optimiser; in the same group, and biased alike."""
    proposal: int | None = None
    """Draws from a learned proposal, weighed by their density (ranking NCE); a group of their own."""
    total: int | None = None
    """All together, where they are said in fractions."""
    fraction_anchored: float = 0.0
    """Share of `total` that is anchored."""
    fraction_langevin: float = 0.0
    """Share of `total` that are ends of Langevin chains."""
    fraction_dfo: float = 0.0
    """Share of `total` that are found by the derivative-free optimiser."""
    fraction_proposal: float = 0.0
    """Share of `total` that are drawn from the learned proposal."""
    anchor_scale: tuple[float, float] = (0.02, 0.5)
    """Least and greatest deviation of the anchored ones, drawn log-uniformly, in the unit of `anchor_unit`."""
    anchor_scales: Scales = "one"
    """Whether all anchored ones of a demonstration share one deviation, or "each" has its own."""
    anchor_unit: Literal["action", "box"] = "action"
    """Normalised action units, or shares of the sampling box's side along each dimension."""
    anchor_edge: Literal["open", "reflect"] = "open"
    """Whether the anchored ones may leave the sampling box, or are reflected at its edges."""

    def __post_init__(self) -> None:
        require_finite(self)
        counts = {name: getattr(self, name) for name in KINDS}
        require_not_negative(self, *KINDS)
        if None not in counts.values() and not sum(filter(None, counts.values())):
            raise ConfigError(_NONE)
        low, high = self.anchor_scale
        if not 0 < low <= high:
            raise ConfigError(
                f"{owner(self)}.anchor_scale is {self.anchor_scale}, but must be 0 < least <= greatest."
            )
        self._check_fractions(counts)

    def _check_fractions(self, counts: Mapping[str, int | None]) -> None:
        fractions = self._fractions()
        if self.total is None:
            if any(fractions.values()):
                raise ConfigError("Fractions of counter-examples are shares of `total`: say it.")
            return
        if said := [name for name, count in counts.items() if count is not None]:
            raise ConfigError(
                f"Counter-examples are said in fractions of total={self.total} and as {', '.join(said)}: "
                "say them in one way."
            )
        if self.total < 1:
            raise ConfigError(_NONE)
        if min(fractions.values()) < 0 or sum(fractions.values()) > 1 + _ROUNDING:
            raise ConfigError(
                f"The fractions of counter-examples are {fractions}, but must be at least 0 and at most 1 together."
            )

    def _fractions(self) -> dict[str, float]:
        return {name: getattr(self, f"fraction_{name}") for name in KINDS if name != "uniform"}

    def resolved(self, optimiser: Literal["dfo", "langevin"]) -> Counts:
        """The numbers in full."""
        if self.total is not None:
            shares = {
                name: math.floor(self.total * fraction + _ROUNDING)
                for name, fraction in self._fractions().items()
            }
            return Counts(uniform=self.total - sum(shares.values()), **shares)
        suits = Counts(uniform=16, anchored=16) if optimiser == "dfo" else Counts(langevin=8)
        given = {name: count for name in KINDS if (count := getattr(self, name)) is not None}
        return replace(suits, **given)


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Numbers of counter-examples per demonstrated action."""

    uniform: int = 0
    anchored: int = 0
    langevin: int = 0
    dfo: int = 0
    proposal: int = 0

    def __post_init__(self) -> None:
        if not sum(getattr(self, name) for name in KINDS):
            raise ConfigError(_NONE)

    @property
    def pooled(self) -> int:
        """Those that share one softmax."""
        return self.uniform + self.langevin + self.dfo
