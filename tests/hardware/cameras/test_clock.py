"""Capture times come out on the host's clock, whatever the device's clock shows, drifts and wraps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from trials import trials

from ibc_gym.hardware.cameras.clock import (
    LEARNING,
    WRAP,
    CaptureClock,
    Domain,
    StampRefusedError,
)

FPS = 30
LATENCY = 0.04

offsets = st.floats(0, WRAP, exclude_max=True)
drifts = st.floats(-1.5e-4, 1.5e-4)
seeds = st.integers(0, 2**32 - 1)


def clock(wall_offset: float = 0.0) -> CaptureClock:
    return CaptureClock(min_latency=LATENCY, wall_offset=lambda: wall_offset)


class Device:
    """Stamps pictures at the frame rate, and has them arrive late."""

    def __init__(
        self, *, offset: float, drift: float = 0.0, jitter: float = 0.0, seed: int = 0
    ) -> None:
        self.offset, self.drift, self.jitter = offset, drift, jitter
        self.rng = np.random.default_rng(seed)
        self.excess: list[float] = []

    def picture(self, taken: float, extra: float = 0.0) -> tuple[float, float]:
        """Stamp and arrival of the picture taken at a time on the host's clock."""
        late = float(self.rng.uniform(0, self.jitter)) + extra
        if self.rng.random() < 0.02:
            late += 0.2  # the host was busy
        self.excess.append(late)
        return self.stamp(taken), taken + LATENCY + late

    def stamp(self, taken: float) -> float:
        return (self.offset + taken * (1 + self.drift)) % WRAP


def errors(times: CaptureClock, device: Device, seconds: float) -> list[float]:
    """How much later than true each picture is taken to be."""
    found = []
    for number in range(round(seconds * FPS)):
        taken = 1000 + number / FPS
        stamp, arrival = device.picture(taken)
        found.append(times.time_of(stamp, "hardware", arrival) - taken)
    return found


class TestHardwareClock:
    @given(offset=offsets, drift=drifts, seed=seeds)
    @example(offset=WRAP - 2.0 - 1000, drift=0.0, seed=0)
    @settings(max_examples=trials(20))
    def test_offset_is_found_as_well_as_the_least_late_picture_allows(
        self, offset: float, drift: float, seed: int
    ) -> None:
        device, seconds = Device(offset=offset, drift=drift, jitter=0.03, seed=seed), 5.0
        found = errors(clock(), device, seconds)
        least = np.minimum.accumulate(device.excess)
        # Below a span of ten seconds drift is not told from delay, so it adds what it does in that time.
        assert (np.abs(found) <= least + abs(drift) * seconds + 1e-6).all()

    @given(offset=offsets, drift=drifts, seed=seeds)
    @settings(max_examples=trials(15))
    def test_drift_is_followed_for_minutes(self, offset: float, drift: float, seed: int) -> None:
        device = Device(offset=offset, drift=drift, jitter=0.02, seed=seed)
        found = errors(clock(), device, 120)
        assert np.abs(found[30 * FPS :]).max() < 0.01  # left alone, it would be off by 18 ms

    def test_error_is_below_a_millisecond_most_of_the_time(self) -> None:
        found = errors(clock(), Device(offset=3.0, drift=8e-5, jitter=0.02, seed=1), 120)
        assert np.median(np.abs(found[30 * FPS :])) < 1e-3

    def test_counter_that_wraps_goes_on(self) -> None:
        device = Device(offset=WRAP - 1000 - 5)  # wraps five seconds from now
        assert np.abs(errors(clock(), device, 15)).max() < 1e-6

    def test_picture_is_never_taken_after_it_arrived(self) -> None:
        times, device = clock(), Device(offset=0.0, drift=1e-4, jitter=0.05, seed=2)
        for number in range(20 * FPS):
            stamp, arrival = device.picture(number / FPS)
            assert times.time_of(stamp, "hardware", arrival) <= arrival - LATENCY + 1e-9

    def test_stamp_in_the_future_is_refused(self) -> None:
        times, device = clock(), Device(offset=7.0)
        errors(times, device, 1)
        with pytest.raises(StampRefusedError, match=r"0\.200 s in the future"):
            times.time_of(device.stamp(1001) + 0.2, "hardware", 1001 + LATENCY)
        assert times.time_of(device.stamp(1001), "hardware", 1001 + LATENCY) == pytest.approx(1001)

    def test_pictures_that_come_sooner_than_the_first_ones_mend_the_offset(self) -> None:
        times, device = clock(), Device(offset=7.0)
        for number in range(2 * LEARNING):
            taken = 1000 + number / FPS
            stamp, arrival = device.picture(taken, extra=0.08)
            times.time_of(stamp, "hardware", arrival)
        assert times.time_of(device.stamp(1001), "hardware", 1001 + LATENCY) == pytest.approx(1001)


class TestRestart:
    def learnt(self, device: Device) -> CaptureClock:
        times = clock()
        errors(times, device, 2)
        times.resume()
        return times

    def test_pictures_that_come_late_from_then_on_are_known_to_be_late(self) -> None:
        device = Device(offset=7.0)
        times = self.learnt(device)
        for number in range(2 * LEARNING):
            taken = 1010 + number / FPS
            stamp, arrival = device.picture(taken, extra=0.3)
            assert times.time_of(stamp, "hardware", arrival) == pytest.approx(taken, abs=3e-3)

    @pytest.mark.parametrize("offset", [-1009.0, 500.0])
    def test_counter_that_begins_anew_is_learnt_anew(self, offset: float) -> None:
        times = self.learnt(Device(offset=7.0))
        other = Device(offset=offset)
        for number in range(2 * LEARNING):
            taken = 1010 + number / FPS
            stamp, arrival = other.picture(taken)
            assert times.time_of(stamp, "hardware", arrival) == pytest.approx(taken, abs=0.21)

    def test_other_stamps_may_follow(self) -> None:
        times = self.learnt(Device(offset=7.0))
        assert times.time_of(1010.0, "global", 1010.05) == 1010.0


class TestOtherDomains:
    def test_time_of_day_is_brought_to_the_monotonic_clock(self) -> None:
        assert clock(1.7e9).time_of(1.7e9 + 50, "global", 50.06) == pytest.approx(50)

    def test_stamps_of_the_arrival_are_earlier_by_the_latency(self) -> None:
        assert clock(1.7e9).time_of(1.7e9 + 50, "system", 50.01) == pytest.approx(50 - LATENCY)

    @pytest.mark.parametrize("domain", ["global", "system"])
    def test_stamp_in_the_future_is_refused(self, domain: Domain) -> None:
        with pytest.raises(StampRefusedError, match=r"0\.100 s in the future"):
            clock().time_of(50.1, domain, 50.0)

    def test_domain_that_changes_under_way_is_refused(self) -> None:
        times = clock()
        times.time_of(50.0, "global", 50.1)
        with pytest.raises(StampRefusedError, match="from global to system"):
            times.time_of(50.1, "system", 50.1)


def test_description_maps_a_stamp_to_the_host() -> None:
    times, device = clock(), Device(offset=7.0)
    errors(times, device, 1)
    told = times.described()
    assert told["domain"] == "hardware"
    assert told["host"] == pytest.approx(1000 + (FPS - 1) / FPS, abs=1e-3)
    assert told["at"] == pytest.approx(device.stamp(1000 + (FPS - 1) / FPS))
