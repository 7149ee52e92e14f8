"""The section of a report about how sure a policy was: over time, where it succeeded and where it failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ibc_gym.evaluation.results import Evaluation, Tape
from ibc_gym.report.charts import Series, line_chart
from ibc_gym.report.curves import Curve, Run
from ibc_gym.report.words import entries, name, percent, swatch

_SUCCESS, _FAILURE = 2, 5
"""Colours of the series."""
_TITLES: Mapping[str, str] = {
    "gap": "Gap to the best other action [nats]",
    "entropy": "Entropy [nats]",
    "deviation": "Deviation [share of the box]",
    "distance": "Distance to the nearest window",
    "novelty": "Novelty [standard deviations]",
}
"""What is drawn, and what it is called."""


def doubts_section(runs: Sequence[Run]) -> str:
    """Charts for every evaluation whose policy says how sure it is."""
    parts = []
    for series, run, found in entries(runs):
        charts = "".join(_chart(found, measure) for measure in _TITLES)
        if charts:
            parts.append(
                f'<h3>{name(series, run, found)}</h3>{_told(found)}<div class="charts">{charts}</div>'
            )
    if not parts:
        return ""
    key = f"<li>{swatch(_SUCCESS)}successes</li><li>{swatch(_FAILURE)}failures</li>"
    return (
        "<h2>How sure the policy was</h2><p>Means over the episodes that are still under way at a step; a small gap is "
        f'doubt, and so is much of anything else.</p><ul class="key">{key}</ul>{"".join(parts)}'
    )


def _chart(found: Evaluation, measure: str) -> str:
    success = found.successes()
    lines = [
        Series(label=label, curve=_mean(found.tapes, measure, wanted, success), series=colour)
        for label, wanted, colour in (("successes", True, _SUCCESS), ("failures", False, _FAILURE))
    ]
    return line_chart(_TITLES[measure], lines)


def _mean(tapes: Sequence[Tape], measure: str, wanted: bool, success: Mapping[int, bool]) -> Curve:
    """By step, over the episodes that ended as wanted and are as long."""
    told = [
        tape.uncertainty[measure]
        for tape in tapes
        if measure in tape.uncertainty and success[tape.seed] is wanted
    ]
    longest = max(map(len, told), default=0)
    return [
        (float(step), float(np.mean([values[step] for values in told if step < len(values)])))
        for step in range(longest)
    ]


def _told(found: Evaluation) -> str:
    """How well the means of episodes tell failures from successes."""
    said = found.summary.get("uncertainty", {})
    apart = {
        measure: max(above, 1 - above)
        for measure in _TITLES
        if (above := said.get(measure, {}).get("failures_above")) is not None
    }
    if not apart:
        return ""
    best = max(apart, key=lambda measure: apart[measure])
    return (
        f"<p>Of a failure and a success, the mean {best} of the episode tells which is which in "
        f"{percent(apart[best])} % of the pairs; 50 % would be by chance.</p>"
    )
