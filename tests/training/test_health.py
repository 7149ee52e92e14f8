"""The watch: what counts as sick, and which checkpoint as healthy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibc_gym.training.choice import Choice
from ibc_gym.training.config import RollbackConfig
from ibc_gym.training.health import BEGINNING, DOUBT, ERROR, Health, bounds_of, said

BOUNDS = {"train/gap": (0.0, 10.0), "validation/error": (0.0, 1.0)}


def after(*values: float) -> Health:
    health = Health()
    for value in (1.0, *values):
        health = health.looked({"train/gap": value}, BOUNDS)
    return health


def test_only_looks_in_a_row_count() -> None:
    assert after(11, 11, 3, 11, 11).sick(3) is None
    assert after(11, 11, 3, 11, 11, 11).sick(3) == "train/gap"
    assert after(float("nan")).sick(1) == "train/gap"


def test_nothing_is_ill_that_never_was_well() -> None:
    health = Health()
    for _ in range(9):
        health = health.looked({"train/gap": 99.0}, BOUNDS)
    assert health.sick(1) is None and health.well
    assert health.looked({"train/gap": 1.0}, BOUNDS).looked({"train/gap": 99.0}, BOUNDS).sick(1)


def test_what_was_within_by_chance_is_not_well_yet() -> None:
    health = Health()
    for value in (99.0, 1.0, 99.0, 1.0, 1.0, 99.0, 99.0, 99.0):  # never three in a row
        health = health.looked({"train/gap": value}, BOUNDS, settling=3)
        assert health.well and health.sick(1) is None
    for value in (1.0, 1.0, 1.0, 99.0):
        assert health.sick(1) is None
        health = health.looked({"train/gap": value}, BOUNDS, settling=3)
    assert health.sick(1) == "train/gap"


def test_held_out_error_counts_from_the_first_look() -> None:
    bounds = {ERROR: (0.0, 3.0)}
    assert Health().looked({ERROR: 4.0}, bounds, settling=3).sick(1) == ERROR


def test_rollback_does_not_settle_what_was_not() -> None:
    health = Health().looked({"train/gap": 1.0}, BOUNDS, settling=3)
    assert health.rolled_back(25).strikes == health.strikes == {"train/gap": -2}


def test_number_that_is_not_looked_at_stays_as_it_was() -> None:
    health = Health().looked({"validation/error": 0.5}, BOUNDS)
    health = health.looked({"validation/error": 2.0}, BOUNDS)
    for _ in range(5):
        health = health.looked({"train/gap": 1.0}, BOUNDS)
    assert health.strikes == {"validation/error": 1, "train/gap": 0}
    assert health.looked({"validation/error": 2.0}, BOUNDS).sick(2) == "validation/error"


def test_checkpoint_is_healthy_once_a_later_look_finds_nothing() -> None:
    health = after(1.0).saved(10)
    assert (health.healthy, health.candidate) == (BEGINNING, 10)
    assert health.kept == {0, 10}
    well = health.looked({"train/gap": 1.0}, BOUNDS)
    assert (well.healthy, well.candidate) == (10, None)
    ill = health.looked({"train/gap": 99.0}, BOUNDS)
    assert (ill.healthy, ill.candidate) == (BEGINNING, 10)
    assert ill.saved(20) == ill  # what is saved while something is wrong is no candidate


def test_after_a_rollback_the_healthy_checkpoint_remains_and_the_doubtful_one_does_not() -> None:
    health = after(1.0).saved(10).looked({"train/gap": 1.0}, BOUNDS).saved(20)
    back = health.looked({"train/gap": 99.0}, BOUNDS).rolled_back(25)
    assert back == Health(rollbacks=1, restored_at=25, healthy=10, strikes={"train/gap": 0})


@given(st.lists(st.tuples(st.floats(-5, 20), st.booleans()), max_size=30))
def test_no_checkpoint_that_was_saved_out_of_bounds_is_ever_gone_back_to(
    course: list[tuple[float, bool]],
) -> None:
    health, inside = after(1.0), {BEGINNING}
    for step, (value, saves) in enumerate(course, 1):
        health = health.looked({"train/gap": value}, BOUNDS)
        if saves:
            health = health.saved(step)
            inside |= {step} if 0 <= value <= 10 else set()
        assert health.healthy in inside
        assert health.kept <= inside


class Reckless:
    """Says nothing of its health."""


class Careful:
    vital_signs = BOUNDS


def test_every_policy_is_held_to_its_least_error_and_to_what_it_says_itself() -> None:
    config, choice = RollbackConfig(error_ratio=2.0), Choice().after(10, 0.5, 0.1)
    assert bounds_of(Reckless(), config, Choice(), {}) == {}
    assert bounds_of(Reckless(), config, choice, {}) == {
        ERROR: (0.0, 1.2),
        DOUBT: (0.0, pytest.approx(0.6 * 2**0.5)),
    }
    unsure = bounds_of(Reckless(), config, choice, {f"{ERROR}_sem": 0.75**0.5 / 5})
    assert unsure[ERROR][1] == pytest.approx(1.4)  # of the difference the standard error is 0.2
    assert set(bounds_of(Careful(), config, choice, {})) == {*BOUNDS, ERROR, DOUBT}


def test_checkpoint_is_not_healthy_while_the_error_is_half_way_to_its_bound() -> None:
    bounds = {ERROR: (0.0, 3.0), DOUBT: (0.0, 1.7)}
    health = Health().looked({ERROR: 1.0}, bounds).saved(10)
    doubted = health.looked({ERROR: 2.0}, bounds)
    assert doubted.sick(1) is None
    assert doubted.looked({}, bounds).saved(20) == doubted  # neither confirmed nor replaced
    assert doubted.looked({ERROR: 1.5}, bounds).healthy == 10


def test_what_is_wrong_is_said_with_its_bound() -> None:
    assert said("train/gap", 12.0, BOUNDS, 3) == "gap 12 is above 10, for 3 looks in a row"
    assert said("validation/error", -1.0, BOUNDS, 2) == (
        "held-out error -1 is below 0, for 2 looks in a row"
    )
