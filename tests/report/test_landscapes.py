"""A landscape's marks stay on their panel."""

from __future__ import annotations

import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ibc_gym.evaluation.landscape import Landscape
from ibc_gym.report.landscapes import landscape_figure
from ibc_gym.report.style import STYLE

NUMBER = st.integers(-20, 40).map(lambda number: number / 16)


def landscape(oracle: tuple[float, float], chosen: tuple[float, float]) -> Landscape:
    ramp = np.linspace(0, 1, 8, dtype=np.float32)
    return Landscape(
        seed=0,
        step=0,
        low=np.zeros(2, np.float32),
        high=np.ones(2, np.float32),
        energies=ramp[:, None] + ramp,
        chosen=np.array(chosen, np.float32),
        candidates=np.array([chosen, oracle], np.float32),
        oracle=np.array(oracle, np.float32),
    )


@given(oracle=st.tuples(NUMBER, NUMBER), chosen=st.tuples(NUMBER, NUMBER))
def test_marks_are_drawn_on_the_panel_or_not_at_all(
    oracle: tuple[float, float], chosen: tuple[float, float]
) -> None:
    figure = landscape_figure([landscape(oracle, chosen)], None)
    for mark, action in (("chosen", chosen), ("oracle", oracle)):
        inside = all(0 <= number <= 1 for number in action)
        assert figure.count(f'class="{mark}"') == inside
    left, top, width, height = map(
        float, re.findall(r'viewBox="(\S+) (\S+) (\S+) (\S+)"', figure)[0]
    )
    circles = re.findall(r'cx="(\S+)" cy="(\S+)" r="(\S+)"', figure)
    crosses = [(float(x) + 5, y, "5") for x, y in re.findall(r'd="M(\S+),(\S+)h10', figure)]
    for x, y, radius in (tuple(map(float, mark)) for mark in [*circles, *crosses]):
        assert left <= x - radius and x + radius <= left + width
        assert top <= y - radius and y + radius <= top + height


def test_nothing_of_a_landscape_is_shown_outside_its_picture() -> None:
    assert ".landscape svg { overflow: hidden; }" in STYLE
