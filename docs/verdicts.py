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


def sentence(
    where: str, implicit: Score, explicits: Sequence[Score], others: Sequence[Score] = ()
) -> str:
    """Whether "implicit beats explicit" holds, and beside whom it does not; `others` are neither, and told after them."""
    beaten = all(verdict(implicit, other) == "better" for other in explicits)
    found = "implicit beats explicit" if beaten else "implicit does not beat explicit"
    subject = "it" if beaten else "the implicit policy"
    told = f"**{where}: {found}.** At {implicit.said} {subject} is {_beside(implicit, explicits)}."
    return (
        f"{told} Beside policies that draw a chunk it is {_beside(implicit, others)}."
        if others
        else told
    )


def _beside(implicit: Score, others: Sequence[Score]) -> str:
    """How it does beside others, the worst news first: "worse than A and not told apart from B; it is better than C"."""
    by_verdict: dict[str, list[Score]] = {"worse": [], "not told apart": [], "better": []}
    for other in others:
        by_verdict[verdict(implicit, other)].append(other)
    joins = {"worse": "than", "not told apart": "from", "better": "than"}
    said = [
        f"{which} {joins[which]} {_listed(scores)}"
        for which, scores in by_verdict.items()
        if scores
    ]
    if not by_verdict["better"] or len(said) == 1:
        return " and ".join(said)
    return f"{' and '.join(said[:-1])}; it is {said[-1]}"


def _listed(scores: Sequence[Score]) -> str:
    named = [f"{each.name} ({each.said})" for each in scores]
    return " and ".join(filter(None, (", ".join(named[:-1]), named[-1])))
