"""Energy landscapes as pictures for a page: colour by rank, level lines, and what was chosen."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from io import BytesIO
from typing import Any

import contourpy
import matplotlib as mpl
import numpy as np
from PIL import Image

from ibc_gym.evaluation.landscape import Landscape
from ibc_gym.records import Float32, UInt8
from ibc_gym.report.charts import short

_SIZE = 220
_LEFT, _BOTTOM = 46, 34
_ROOM = 10
"""Above and to the right of the panel, for marks on its edge."""
_LEVELS = (0.02, 0.06, 0.15, 0.3, 0.5, 0.75)
"""Shares of the slice that lie below each level line."""


def landscape_figure(
    found: Sequence[Landscape], control_period: float | None, labels: Sequence[str] = ()
) -> str:
    """Landscapes of one episode side by side.

    Args:
        found: In the order of their steps.
        control_period: Length of a step [s], for the captions; None leaves the time out.
        labels: What the action's dimensions are called; of none known, "first action" and "second action".
    """
    axes = (labels[0], labels[1]) if len(labels) > 1 else ("first action", "second action")
    panels = []
    for landscape in found:
        time = "" if control_period is None else f", {landscape.step * control_period:.1f} s"
        panels.append(
            f'<figure class="landscape"><figcaption>Step {landscape.step}{time}</figcaption>'
            f"{_panel(landscape, axes)}</figure>"
        )
    return f'<div class="panels">{"".join(panels)}</div>'


def _panel(landscape: Landscape, labels: tuple[str, str]) -> str:
    ranks = _ranks(landscape.energies)
    parts = [
        f'<image x="{_LEFT}" y="0" width="{_SIZE}" height="{_SIZE}" preserveAspectRatio="none" '
        f'href="{_png(_coloured(ranks))}"/>',
        *(f'<path class="level" d="{line}"/>' for line in _level_lines(ranks)),
        _axes(landscape, labels),
    ]
    parts += [
        f'<circle class="candidate" cx="{x:.1f}" cy="{y:.1f}" r="1.3"/>'
        for x, y in (_place(landscape, action) for action in landscape.candidates)
        if _inside(x, y)
    ]
    x, y = _place(landscape, landscape.chosen)
    if _inside(x, y):
        parts.append(f'<circle class="chosen" cx="{x:.1f}" cy="{y:.1f}" r="8"/>')
    x, y = (-1.0, -1.0) if landscape.oracle is None else _place(landscape, landscape.oracle)
    if _inside(x, y):
        cross = f"M{x - 5:.1f},{y:.1f}h10M{x:.1f},{y - 5:.1f}v10"
        parts.append(f'<path class="halo" d="{cross}"/><path class="oracle" d="{cross}"/>')
    return (
        f'<svg viewBox="0 {-_ROOM} {_LEFT + _SIZE + _ROOM} {_ROOM + _SIZE + _BOTTOM}" role="img" '
        f'aria-label="Energy at step {landscape.step}">{"".join(parts)}</svg>'
    )


def _ranks(energies: Float32) -> Float32:
    """The share of the slice that is less energetic, (G, G): a basin shows whatever the energies' range."""
    order = energies.ravel().argsort(kind="stable").argsort(kind="stable")
    return (order.reshape(energies.shape) / (energies.size - 1)).astype(np.float32)


def _coloured(ranks: Float32) -> UInt8:
    """(G, G, 3), the first row on top; low energies are dark."""
    colours: UInt8 = mpl.colormaps["viridis"](ranks[::-1], bytes=True)[..., :3]
    return np.ascontiguousarray(colours)


def _level_lines(ranks: Float32) -> list[str]:
    rows, columns = ranks.shape
    x = _LEFT + (np.arange(columns) + 0.5) * _SIZE / columns
    y = _SIZE - (np.arange(rows) + 0.5) * _SIZE / rows
    generator: Any = contourpy.contour_generator(x, y, ranks)
    return [
        "M" + "L".join(f"{px:.1f},{py:.1f}" for px, py in line)
        for level in _LEVELS
        for line in generator.lines(level)
        if len(line) > 3
    ]


def _axes(landscape: Landscape, labels: tuple[str, str]) -> str:
    low, high = landscape.low, landscape.high
    x, y = _LEFT + _SIZE / 2, _SIZE / 2
    first, second = map(escape, labels)
    return (
        f'<rect class="frame" x="{_LEFT}" y="0" width="{_SIZE}" height="{_SIZE}"/>'
        f'<text class="label" x="{_LEFT}" y="{_SIZE + 14}">{short(float(low[0]))}</text>'
        f'<text class="label" x="{_LEFT + _SIZE}" y="{_SIZE + 14}" text-anchor="end">{short(float(high[0]))}</text>'
        f'<text class="label" x="{x}" y="{_SIZE + 28}" text-anchor="middle">{first}</text>'
        f'<text class="label" x="{_LEFT - 6}" y="{_SIZE - 2}" text-anchor="end">{short(float(low[1]))}</text>'
        f'<text class="label" x="{_LEFT - 6}" y="10" text-anchor="end">{short(float(high[1]))}</text>'
        f'<text class="label" transform="translate(12,{y}) rotate(-90)" text-anchor="middle">{second}</text>'
    )


def _place(landscape: Landscape, action: Float32) -> tuple[float, float]:
    share = (action - landscape.low) / (landscape.high - landscape.low)
    return float(_LEFT + share[0] * _SIZE), float((1 - share[1]) * _SIZE)


def _inside(x: float, y: float) -> bool:
    return _LEFT <= x <= _LEFT + _SIZE and 0 <= y <= _SIZE


def _png(image: UInt8) -> str:
    buffer = BytesIO()
    Image.fromarray(image).save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{b64encode(buffer.getvalue()).decode()}"
