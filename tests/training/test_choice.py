"""The chosen checkpoint is the newest of those that the held-out error cannot tell apart."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ibc_gym.training.choice import Choice

ERRORS = st.floats(0, 10, allow_nan=False)


def after(*errors: tuple[float, float]) -> Choice:
    choice = Choice()
    for step, (error, margin) in enumerate(errors):
        choice = choice.after(step, error, margin)
    return choice


def test_newest_within_one_standard_error_of_the_least_is_chosen() -> None:
    choice = after((0.9, 0.1), (0.5, 0.1), (0.59, 0.1), (0.65, 0.1))
    assert (choice.step, choice.error, choice.least) == (2, 0.59, 0.5)
    assert str(choice) == "held-out action error 0.59, as good as the least, 0.5 ± 0.14"


def test_least_error_that_happened_to_see_nothing_rare_is_told_apart_from_no_better_one() -> None:
    """Of 512 windows some are wrong by the whole box, now and then none: its own standard error is next to nothing then."""
    lucky, usual, worse = (0.0163, 0.0005), (0.0228, 0.0087), (0.0792, 0.0255)
    assert after(lucky, usual).step == 1
    assert after(lucky, worse).step == 0
    assert after(lucky, worse, usual).step == 2


def test_margins_do_not_add_up_along_a_slow_climb() -> None:
    assert after((0.5, 0.1), *((0.5 + 0.05 * k, 0.1) for k in range(1, 9))).step == 2


@given(st.lists(st.tuples(ERRORS, st.just(0.0)), min_size=1, max_size=20))
def test_without_a_standard_error_it_is_a_least_one(errors: list[tuple[float, float]]) -> None:
    choice = after(*errors)
    assert choice.error == choice.least == min(error for error, _ in errors)
    assert str(choice).startswith("the least held-out action error")


@given(st.lists(st.tuples(ERRORS, ERRORS), min_size=1, max_size=20))
def test_choice_lies_within_the_margin_of_the_least(errors: list[tuple[float, float]]) -> None:
    choice = after(*errors)
    assert choice.step is not None and choice.error is not None and choice.least is not None
    assert choice.error == errors[choice.step][0]
    assert choice.least == min(error for error, _ in errors)
    assert choice.error <= choice.least + choice.apart
