"""Faults and their schedule: checked when they are made, begun once, ended in time."""

from __future__ import annotations

from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibc_gym.errors import ConfigError, UnknownName
from ibc_gym.hardware.rig.faults import CODES, KINDS, LASTING, Fault, FaultSchedule

faults = st.builds(
    Fault,
    kind=st.sampled_from(sorted(KINDS)),
    at=st.floats(0, 10),
    duration=st.none() | st.floats(0, 5) | st.just(inf),
)


def test_every_kind_says_what_it_raises_or_how_long_it_lasts() -> None:
    assert set(CODES) | set(LASTING) | {"close"} == set(KINDS)


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "stall", "at": -1.0},
        {"kind": "stall", "at": nan},
        {"kind": "stall", "duration": -0.1},
        {"kind": "stall", "duration": nan},
        {"kind": "delay", "late": inf},
        {"kind": "error", "code": 0},
        {"kind": "error", "code": 256},
        {"kind": "close", "code": 1},
    ],
)
def test_fault_that_makes_no_sense_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        Fault(**fields)  # type: ignore[arg-type]


def test_unknown_fault_names_the_known_ones() -> None:
    with pytest.raises(UnknownName, match="stall"):
        Fault(kind="stal")


@given(planned=st.lists(faults, max_size=10), steps=st.lists(st.floats(0, 3), max_size=20))
def test_every_fault_begins_once_and_not_before_its_time(
    planned: list[Fault], steps: list[float]
) -> None:
    schedule = FaultSchedule(planned)
    begun: list[Fault] = []
    now = 0.0
    for step in [*steps, 11.0]:
        now += step
        new = schedule.begin(now)
        assert all(fault.at <= now for fault in new)
        begun += new
    assert sorted(map(repr, begun)) == sorted(map(repr, planned))
    assert schedule.begin(1e9) == []


@given(planned=st.lists(faults, max_size=10))
def test_what_lasts_ends_once_and_release_ends_all(planned: list[Fault]) -> None:
    schedule = FaultSchedule(planned)
    lasting = [fault for fault in schedule.begin(10.0) if fault.lasts > 0]
    assert all(schedule.active(fault.kind) for fault in lasting)
    ended = schedule.end(10.0 + 6.0)
    assert all(fault.lasts <= 6.0 for fault in ended)
    schedule.release()
    ended += schedule.end(10.0)
    assert sorted(map(repr, ended)) == sorted(map(repr, lasting))
    assert schedule.active(*KINDS) is None and schedule.coming == ()


def test_fault_that_is_added_counts_from_then() -> None:
    schedule = FaultSchedule()
    schedule.add(Fault(kind="stall", at=1.0, duration=0.5), now=10.0)
    assert schedule.begin(10.9) == []
    assert len(schedule.begin(11.0)) == 1
    assert schedule.active("stall") and not schedule.end(11.4)
    assert len(schedule.end(11.5)) == 1 and not schedule.active("stall")


@given(seed=st.integers(0, 1000))
def test_same_seed_draws_the_same_faults(seed: int) -> None:
    drawn = [
        FaultSchedule.drawn(np.random.default_rng(seed), until=20.0, rate=0.5, kinds=KINDS).coming
        for _ in range(2)
    ]
    assert drawn[0] == drawn[1]
    assert all(fault.at < 20.0 and fault.lasts < inf for fault in drawn[0])


def test_faults_are_drawn_at_their_rate() -> None:
    rng = np.random.default_rng(1)
    drawn = FaultSchedule.drawn(rng, until=1000.0, rate=0.5, kinds=["stall", "close"]).coming
    assert 400 < len(drawn) < 600
    assert {fault.kind for fault in drawn} == {"stall", "close"}
