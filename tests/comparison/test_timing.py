"""How an arm keeps time, from what its journeys say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ibc_gym.comparison.journeys import Journey
from ibc_gym.comparison.timing import timing_of
from ibc_gym.records import Float64

PERIOD = 0.2


def journey(lag: float, *, stray: float = 0.0, times: Float64 | None = None) -> Journey:
    """A tip that follows a winding way so many periods late, and strays from it."""
    instants = np.arange(40.0)
    way = np.stack([np.sin(instants), np.cos(0.7 * instants), 0.0 * instants], axis=1) * 0.1
    tip = way.copy()
    tip[1:] = (1 - lag) * way[1:] + lag * way[:-1]
    tip[1:, 2] += stray
    return Journey(
        seed=0,
        tip=tip,
        sent=way,
        times=PERIOD * instants if times is None else times,
        things={},
        yaws={},
        success=True,
    )


@pytest.mark.parametrize("lag", [0.0, 0.15, 0.6, 1.0])
def test_lag_and_straying_are_told_apart(lag: float) -> None:
    found = timing_of([journey(lag, stray=0.002)], PERIOD)
    assert found.follows_ms == pytest.approx(1000 * lag * PERIOD, abs=1.0)
    assert found.strays_mm == pytest.approx(2.0, rel=1e-2)


def test_periods_are_measured_by_the_clock_of_the_workcell() -> None:
    times = np.cumsum(np.full(40, 0.21))
    found = timing_of([journey(0.0, times=times)], PERIOD)
    assert found.periods == 39
    assert found.period_ms == pytest.approx((210.0, 210.0, 210.0))


def test_set_points_are_counted_over_all_episodes_that_have_some() -> None:
    streamed = replace(journey(0.0), setpoints=800, setpoints_late=3, late=1)
    found = timing_of([streamed, streamed, journey(0.0)], PERIOD)
    assert (found.setpoints, found.setpoints_late, found.late) == (1600, 6, 2)
    assert timing_of([journey(0.0)], PERIOD).setpoints is None
