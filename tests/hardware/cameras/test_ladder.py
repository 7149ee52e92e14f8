"""The ladder of recovery: every silence ends in a good picture or in a camera that is given up, in bounded time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibc_gym.errors import ConfigError
from ibc_gym.hardware.cameras.ladder import Ladder, RecoveryConfig, State

CONFIG = RecoveryConfig(
    stale_after=0.2, restart_after=1.0, restarts=2, resets=1, patience=3.0, forgive_after=10.0
)


def climb(ladder: Ladder, *, started: bool, took: float) -> list[State]:
    """Every step of a silence, from time 0 on, each tried in `took` seconds; ends when it is lost."""
    now, steps = 0.0, []
    while ladder.state is not State.LOST and now < 1000:
        step = ladder.next(now)
        if step is not None:
            steps.append(step)
            now += took
            ladder.tried(started=started, now=now)
        now += 0.01
    return steps


@pytest.mark.parametrize("started", [True, False])
def test_silence_goes_up_every_rung_and_ends(started: bool) -> None:
    ladder = Ladder(CONFIG, now=0.0)
    steps = climb(ladder, started=started, took=0.5)
    assert steps == [State.RESTARTING, State.RESTARTING, State.RESETTING, State.LOST]
    assert ladder.counts == {"stale": 1, "restarting": 2, "resetting": 1, "lost": 1}


def test_nothing_follows_once_it_is_lost() -> None:
    ladder = Ladder(CONFIG, now=0.0)
    climb(ladder, started=False, took=0.1)
    ladder.good(2000.0)
    assert ladder.state is State.LOST and ladder.next(3000.0) is None


def test_short_silence_is_stale_and_no_more() -> None:
    ladder = Ladder(CONFIG, now=0.0)
    seen = []
    for now in (0.1, 0.5):
        assert ladder.next(now) is None
        seen.append(ladder.state)
    ladder.good(0.6)
    assert [*seen, ladder.state] == [State.OK, State.STALE, State.OK]


def test_restart_that_failed_is_followed_at_once_and_one_that_works_is_waited_for() -> None:
    ladder = Ladder(CONFIG, now=0.0)
    assert ladder.next(1.1) is State.RESTARTING
    ladder.tried(started=False, now=1.2)
    assert ladder.next(1.2) is State.RESTARTING
    ladder.tried(started=True, now=2.0, settling=1.0)
    assert ladder.next(5.9) is None
    assert ladder.next(6.1) is State.RESETTING


def test_steps_are_free_again_only_after_a_long_good_time() -> None:
    ladder = Ladder(CONFIG, now=0.0)
    ladder.next(1.1)
    ladder.tried(started=True, now=1.2)
    ladder.good(2.0)
    ladder.next(3.1)
    ladder.tried(started=True, now=3.2)
    ladder.good(4.0)
    assert ladder.next(5.1) is State.RESETTING, "a camera that fails again and again goes up"
    ladder.tried(started=True, now=6.0)
    for now in range(6, 20):
        ladder.good(float(now))
    assert ladder.next(20.5) is State.RESTARTING


configs = st.builds(
    RecoveryConfig,
    restarts=st.integers(0, 3),
    resets=st.integers(0, 2),
    restart_after=st.floats(0.2, 2),
    patience=st.floats(0.1, 3),
)


@given(config=configs, started=st.booleans(), share=st.floats(0, 1))
def test_lost_within_the_time_that_the_config_says(
    config: RecoveryConfig, started: bool, share: float
) -> None:
    ladder, now = Ladder(config, now=0.0), 0.0
    while ladder.state is not State.LOST:
        step = ladder.next(now)
        if step in (State.RESTARTING, State.RESETTING):
            again = config.stop_timeout + config.start_timeout
            most = again + (2 * config.reset_timeout if step is State.RESETTING else 0)
            now += share * most
            ladder.tried(started=started, now=now)
        now += 0.01
    assert now <= config.longest + 0.05 * (2 + config.restarts + config.resets)


@given(
    events=st.lists(
        st.tuples(st.floats(0, 5), st.sampled_from(["good", "nothing", "started", "failed"])),
        max_size=60,
    )
)
def test_whatever_happens_no_more_steps_are_taken_than_there_are(
    events: list[tuple[float, str]],
) -> None:
    config = RecoveryConfig(forgive_after=1e9)
    ladder, now, taken = Ladder(config, now=0.0), 0.0, 0
    for wait, event in events:
        now += wait
        step = ladder.next(now)
        if step in (State.RESTARTING, State.RESETTING):
            taken += 1
            ladder.tried(started=event == "started", now=now)
        elif event == "good":
            ladder.good(now)
    assert taken <= config.restarts + config.resets
    steps = ladder.counts
    assert steps["restarting"] <= config.restarts and steps["resetting"] <= config.resets
    assert steps["lost"] <= 1


@pytest.mark.parametrize(
    "field, value",
    [("stale_after", 2.0), ("patience", 0.0), ("restarts", -1), ("stop_timeout", 0.0)],
)
def test_config_that_makes_no_sense_is_refused(field: str, value: float) -> None:
    with pytest.raises(ConfigError, match=field):
        RecoveryConfig(**{field: value})  # type: ignore[arg-type]
