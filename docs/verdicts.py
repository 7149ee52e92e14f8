"""Whether the implicit policy beats an explicit one, as plainly as the figures allow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ibc_gym.evaluation.uncertainty import difference_interval


@dataclass(frozen=True, kw_only=True)
class Score:
    """What one kind of policy reached."""

    name: str
    mean: float
    edges: tuple[float, float]
    """A 95 % interval of a success rate; of anything else the least and the greatest of the training seeds."""
    is_rate: bool
    """Whether it is a success rate."""
    said: str
    """The mean as a person says it."""


def score(name: str, found: Mapping[str, Any], said: str) -> Score:
    """From a figure of the table of quality."""
    low, high = found.get("ci95") or (min(found["by_seed"]), max(found["by_seed"]))
    return Score(
        name=name, mean=found["mean"], edges=(low, high), is_rate="ci95" in found, said=said
    )


def verdict(implicit: Score, explicit: Score) -> str:
    """One of "better", "worse", and "not told apart" where the 95 % interval of their difference holds zero.

    Of anything but success rates, that is where the ranges of the training seeds overlap.
    """
    if implicit.is_rate and explicit.is_rate:
        low, high = difference_interval(
            implicit.mean, implicit.edges, explicit.mean, explicit.edges
        )
    else:
        low = implicit.edges[0] - explicit.edges[1]
        high = implicit.edges[1] - explicit.edges[0]
    if low > 0:
        return "better"
    return "worse" if high < 0 else "not told apart"


def sentence(where: str, implicit: Score, explicits: Sequence[Score]) -> str:
    """Whether "implicit beats explicit" holds, and beside whom it does not."""
    found = [(verdict(implicit, other), other) for other in explicits]
    lost = [other for which, other in found if which == "worse"]
    even = [other for which, other in found if which == "not told apart"]
    won = [other for which, other in found if which == "better"]
    if not lost and not even:
        return f"**{where}: implicit beats explicit.** At {implicit.said} it is better than {_listed(won)}."
    parts = [f"worse than {_listed(lost)}"] if lost else []
    parts += [f"not told apart from {_listed(even)}"] if even else []
    also = f"; it is better than {_listed(won)}" if won else ""
    return (
        f"**{where}: implicit does not beat explicit.** At {implicit.said} the implicit policy is "
        f"{' and '.join(parts)}{also}."
    )


def _listed(scores: Sequence[Score]) -> str:
    named = [f"{each.name} ({each.said})" for each in scores]
    return " and ".join(filter(None, (", ".join(named[:-1]), named[-1])))
