"""Charts put what they show where it belongs."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibc_gym.report.charts import Series, interval_bar, line_chart, short


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), max_size=30))
def test_any_curve_makes_a_chart_with_finite_places_only(values: list[float]) -> None:
    curve = [(float(step), value) for step, value in enumerate(values)]
    chart = line_chart("loss", [Series(label="a", curve=curve, series=0)])
    if any(math.isfinite(value) for value in values):
        assert not re.search(r"nan|inf(?!o)", chart)
        assert chart.count("<svg") == 1
    else:
        assert chart == ""


def test_interval_is_drawn_from_low_to_high() -> None:
    bar = interval_bar(0.25, 0.5, 1.0, (0.0, 1.0), 3)
    assert 'd="M52.0,10H196.0"' in bar
    assert 'cx="100.0"' in bar
    assert "series-3" in bar


def test_marked_step_has_a_ring_and_says_its_value() -> None:
    line = Series(label="run", curve=[(0, 3.0), (100, 1.5)], series=0, marked=100)
    assert "run: 1.5 at step 100" in line_chart("error", [line])


def test_single_point_is_a_dot_and_two_are_a_line() -> None:
    alone = Series(label="a", curve=[(5, 2.0), (6, math.nan)], series=2)
    pair = Series(label="b", curve=[(0, 1.0), (10, 3.0)], series=3)
    chart = line_chart("error", [alone, pair])
    # Half of the way along the steps and half of the way up, where 2 is the middle of 1 and 3.
    assert chart.count('<circle class="dot series-2" cx="178.0" cy="87.0" r="3"/>') == 1
    assert chart.count('class="line') == 1


def test_curve_without_a_finite_value_leaves_the_others_to_be_drawn() -> None:
    diverged = Series(label="a", curve=[(0, math.nan), (10, math.inf)], series=0)
    fine = Series(label="b", curve=[(0, 1.0), (10, 3.0)], series=1)
    assert line_chart("loss", [diverged, fine]) == line_chart("loss", [fine])


def test_title_is_escaped() -> None:
    assert "<b>" not in line_chart("<b>", [Series(label="", curve=[(0, 1.0)], series=0)])


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (2000, "2k"), (0.02, "0.02"), (1e-5, "1e-05"), (1e7, "1e+07")]
)
def test_axis_numbers_are_short(value: float, text: str) -> None:
    assert short(value) == text
