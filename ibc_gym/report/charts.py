"""Charts as SVG that a page can hold and colour: intervals and curves.

Colours are left to the page's style sheet (classes `series-0`, `series-1`, ...), so that a chart follows its light or
dark scheme.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape

from ibc_gym.report.curves import Curve

SERIES = 8
"""Colours that the style sheet knows; further series begin again."""

_WIDTH, _HEIGHT = 320, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 10, 10, 26


def interval_bar(
    low: float, middle: float, high: float, span: tuple[float, float], series: int
) -> str:
    """An interval as a line with a dot, on the axis `span`; for a cell of a table."""

    def place(value: float) -> float:
        return 4 + 192 * (value - span[0]) / ((span[1] - span[0]) or 1.0)

    ticks = "".join(f'<path class="tick" d="M{4 + 48 * k},3V17"/>' for k in range(5))
    return (
        f'<svg class="interval series-{series % SERIES}" viewBox="0 0 200 20" role="img" '
        f'aria-label="{low:.3g} to {high:.3g}">{ticks}'
        f'<path class="whisker" d="M{place(low):.1f},10H{place(high):.1f}"/>'
        f'<circle class="dot" cx="{place(middle):.1f}" cy="10" r="4.5"/></svg>'
    )


@dataclass(frozen=True, kw_only=True)
class Series:
    """One line of a chart."""

    label: str
    curve: Curve
    series: int
    """Which colour."""
    marked: float | None = None
    """Step that is marked on the line."""
    dashed: bool = False
    """Whether it was measured on held-out data beside a line that was not."""


def line_chart(
    title: str, lines: Sequence[Series], *, x_label: str = "step", log: bool = False
) -> str:
    """Curves over steps; the y axis is logarithmic if all values are positive and span over a decade and a half.

    With `log` both axes are logarithmic, and all numbers must be positive.
    """
    lines = [kept for kept in map(_finite, lines) if kept.curve]
    points = [point for line in lines for point in line.curve]
    if not points:
        return ""
    steps, values = zip(*points, strict=True)
    y = _Axis.over(values, (_HEIGHT - _BOTTOM, _TOP), log=log or None)
    x = _Axis(
        low=min(steps) if log else 0.0,
        high=max(steps) or 1.0,
        ends=(_LEFT, _WIDTH - _RIGHT),
        log=log,
    )
    parts = [_grid(x, y)]
    parts += [_drawn(line, x, y) for line in lines]
    parts += [_mark(line, x, y) for line in lines]
    return (
        f'<figure class="chart"><figcaption>{escape(title)}</figcaption>'
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"{''.join(parts)}"
        f'<text class="label" x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 2}" text-anchor="end">{escape(x_label)}</text>'
        "</svg></figure>"
    )


@dataclass(frozen=True)
class _Axis:
    """Maps values to pixels."""

    low: float
    high: float
    ends: tuple[float, float]
    log: bool

    @classmethod
    def over(
        cls, values: Sequence[float], ends: tuple[float, float], *, log: bool | None = None
    ) -> _Axis:
        low, high = min(values), max(values)
        if log is None:
            log = low > 0 and high / low > 30
        margin = 0.0 if log else 0.06 * (high - low) or 0.5 * abs(high) or 1.0
        return cls(low=low - margin, high=high + margin, ends=ends, log=log)

    def __call__(self, value: float) -> float:
        low, high, at = self.low, self.high, value
        if self.log:
            low, high, at = math.log10(low), math.log10(high), math.log10(value)
        share = (at - low) / ((high - low) or 1.0)
        return self.ends[0] + share * (self.ends[1] - self.ends[0])

    def ticks(self) -> list[float]:
        if self.log:
            powers = range(math.ceil(math.log10(self.low)), math.floor(math.log10(self.high)) + 1)
            if len(powers) < 2:
                below = math.floor(math.log10(self.low))
                fine = [10.0**power * k for power in (below, below + 1) for k in (1, 2, 5)]
                return [value for value in fine if self.low <= value <= self.high]
            stride = max(1, math.ceil(len(powers) / 4))
            return [10.0**power for power in list(powers)[::stride]]
        rough = (self.high - self.low) / 4
        unit = 10.0 ** math.floor(math.log10(rough))
        step = next(unit * k for k in (1, 2, 5, 10) if unit * k >= rough)
        first = math.ceil(self.low / step)
        return [step * k for k in range(first, math.floor(self.high / step) + 1)]


def _grid(x: _Axis, y: _Axis) -> str:
    rows = (
        f'<path class="grid" d="M{_LEFT},{y(value):.1f}H{_WIDTH - _RIGHT}"/>'
        f'<text class="label" x="{_LEFT - 6}" y="{y(value) + 3.5:.1f}" text-anchor="end">{short(value)}</text>'
        for value in y.ticks()
    )
    columns = (
        f'<text class="label" x="{x(value):.1f}" y="{_HEIGHT - 10}" text-anchor="middle">{short(value)}</text>'
        for value in x.ticks()
        if x(value) < _WIDTH - 60  # the axis's name stands there
    )
    return "".join([*rows, *columns])


def _drawn(line: Series, x: _Axis, y: _Axis) -> str:
    """The line, or a dot if it has a single point: a path to nowhere shows nothing."""
    places = [(f"{x(step):.1f}", f"{y(value):.1f}") for step, value in _thinned(line.curve)]
    look = f"{'held ' if line.dashed else ''}series-{line.series % SERIES}"
    if len(places) == 1:
        ((left, top),) = places
        return f'<circle class="dot {look}" cx="{left}" cy="{top}" r="3"/>'
    return f'<path class="line {look}" d="M{"L".join(map(",".join, places))}"/>'


def _mark(line: Series, x: _Axis, y: _Axis) -> str:
    """A ring around the point of the marked step."""
    found = [point for point in line.curve if point[0] == line.marked]
    if not found:
        return ""
    step, value = found[-1]
    return (
        f'<circle class="mark series-{line.series % SERIES}" cx="{x(step):.1f}" cy="{y(value):.1f}" r="5">'
        f"<title>{escape(line.label)}: {value:.4g} at step {step:.0f}</title></circle>"
    )


def _finite(line: Series) -> Series:
    kept = [point for point in line.curve if math.isfinite(point[1])]
    return replace(line, curve=kept)


def _thinned(curve: Curve, most: int = 400) -> Curve:
    """Every k-th point, and the last: a page need not hold what a screen cannot show."""
    stride = math.ceil(len(curve) / most)
    return [*curve[:-1:stride], curve[-1]]


def short(value: float) -> str:
    """A number for an axis: 0.02, 1.5, 2k, 3e-05."""
    if value and abs(value) >= 1000 and abs(value) < 1e6:
        return f"{value / 1000:g}k"
    return f"{value:.3g}"
