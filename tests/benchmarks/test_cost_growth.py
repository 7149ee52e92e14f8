"""How cost grows: exponents of known curves, and a chart that is a picture of its own."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from benchmarks import cost_growth

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("power", [0.0, 1.0, 2.0])
def test_exponent_of_a_power_is_that_power(power: float) -> None:
    found = cost_growth.exponent([(at, 3.0 * at**power) for at in (1.0, 2.0, 8.0)])
    assert found == pytest.approx(power, abs=1e-9)


def test_chart_is_whole_xml_with_a_line_for_every_sweep() -> None:
    row = {
        "title": "Batch",
        "label": "windows",
        "points": [{"at": at, "cpu_ms": 0.1 * at} for at in (64, 128, 256)],
        "exponent": 1.0,
        "exponent_of_last_three": 1.0,
    }
    tree = ElementTree.fromstring(cost_growth.chart([row] * 4))
    inner = tree.findall("{http://www.w3.org/2000/svg}svg")
    assert len(inner) == 4
    for drawn in inner:
        lines = [part for part in drawn if "line" in part.get("class", "")]
        assert len(lines) == 2  # what was measured, and what would be linear


def test_a_training_step_of_every_sweep_is_made() -> None:
    for sweep in cost_growth.sweeps().values():
        cost_growth.training_step(next(iter(sweep.steps.values())))()
