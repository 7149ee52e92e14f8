"""The table of environments of which we know more than Gymnasium tells.

Reference returns are those of D4RL (Fu et al. 2020), by which it normalises scores.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of one environment."""

    adapter: str = "adapter:Adapter"
    """Its adapter, "file:class" in this folder."""
    options: Mapping[str, object] = field(default_factory=dict)
    """Keyword arguments that make it the published benchmark."""
    reference_scores: tuple[float, float] | None = None
    """Returns of a random and of an expert policy."""
    score: str = "success"
    """The published measure of a policy: "success" rate, mean "return", or mean "best_reward" of an episode."""
    action_names: tuple[str, ...] = ()
    """A label with its unit for every element of an action, where we know them."""


UNKNOWN: Final = Facts()
"""Of any other environment."""

KITCHEN_TASKS: Final = ("microwave", "kettle", "light switch", "slide cabinet")
"""The four tasks of kitchen-complete and kitchen-partial."""

FACTS: Final[Mapping[str, Facts]] = {
    "AdroitHandPen-v1": Facts(
        adapter="adroit:Adroit",
        reference_scores=(96.262799, 3076.8331017826877),
        score="return",
    ),
    "AdroitHandHammer-v1": Facts(
        adapter="adroit:Hammer",
        reference_scores=(-274.856578, 12794.134825156867),
        score="return",
    ),
    "AdroitHandDoor-v1": Facts(
        adapter="adroit:Door",
        reference_scores=(-56.512833, 2880.5693087298737),
        score="return",
    ),
    "AdroitHandRelocate-v1": Facts(
        adapter="adroit:Relocate",
        reference_scores=(-6.425911, 4233.877797728884),
        score="return",
    ),
    "FrankaKitchen-v1": Facts(
        adapter="kitchen:Kitchen",
        options={"tasks_to_complete": KITCHEN_TASKS},
        reference_scores=(0.0, 4.0),
        score="return",
    ),
    "gym_pusht/PushT-v0": Facts(
        adapter="pusht:PushT",
        options={"obs_type": "state"},
        score="best_reward",
        action_names=("x [px]", "y [px]"),
    ),
}
