"""How an arm keeps time: the length of its control periods, deadlines, and how far it follows behind its commands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from ibc_gym.comparison.journeys import Journey
from ibc_gym.records import Float64

LONGEST_LAG: Final = 1.0
"""Beyond a whole control period a lag is not looked for; in control periods."""
LAGS: Final = 201
"""How many lags are tried."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """What the clock of a workcell says about some episodes."""

    periods: int
    """Control periods."""
    period_ms: tuple[float, float, float]
    """Their length, measured: median, and the least and greatest of 98 % of them [ms]."""
    late: int
    """Of them, those that overran their deadline."""
    follows_ms: float
    """By how much the tip is behind where it was told to be, were it on its way at an even speed [ms]."""
    strays_mm: float
    """What is left then between tip and way, root mean square [mm]."""
    setpoints: int | None
    """Streamed to a controller; None where nothing is."""
    setpoints_late: int
    """Of them, those that went out more than 2 ms late."""

    def plain(self) -> dict[str, Any]:
        """As JSON takes it."""
        return asdict(self)


def timing_of(journeys: Sequence[Journey], period: float) -> Timing:
    """Sum up how time was kept over episodes with this control period [s]."""
    lengths = 1e3 * np.concatenate([np.diff(journey.times) for journey in journeys])
    low, middle, high = np.quantile(lengths, [0.01, 0.5, 0.99]).tolist()
    lag, stray = _lag(journeys, period)
    counts = [journey.setpoints for journey in journeys if journey.setpoints is not None]
    return Timing(
        periods=len(lengths),
        period_ms=(middle, low, high),
        late=sum(journey.late for journey in journeys),
        follows_ms=1e3 * lag,
        strays_mm=1e3 * stray,
        setpoints=sum(counts) if counts else None,
        setpoints_late=sum(journey.setpoints_late for journey in journeys),
    )


def _lag(journeys: Sequence[Journey], period: float) -> tuple[float, float]:
    """The lag [s] that explains best where the tips are, and what it leaves unexplained [m]."""
    lags = np.linspace(0.0, LONGEST_LAG, LAGS)
    left = [_unexplained(journeys, float(lag)) for lag in lags]
    best = int(np.argmin(left))
    return float(lags[best]) * period, float(np.sqrt(left[best]))


def _unexplained(journeys: Sequence[Journey], lag: float) -> float:
    """Mean square distance between tips and the way through the commanded places, so many periods ago [m^2]."""
    apart: list[Float64] = []
    for journey in journeys:
        # The tip is told at instant k to be at sent[k + 1] at instant k + 1, and goes there evenly.
        behind = (1.0 - lag) * journey.sent[1:] + lag * journey.sent[:-1]
        apart.append(((journey.tip[1:] - behind) ** 2).sum(axis=1))
    return float(np.mean(np.concatenate(apart)))
