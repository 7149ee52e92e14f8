"""Policies that say how sure they are, and how that is put in a line for the person beside the robot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol, runtime_checkable

from ibc_gym.records import Float32

_TOLD: Final = (("gap", "deviation", "distance"), ("novelty",))
"""What a line has room for: the first of each group that there is."""


@runtime_checkable
class Uncertain(Protocol):
    """A policy that can say how sure it was."""

    def uncertainty(self) -> Mapping[str, Float32]:
        """How sure the last `act` was: finite numbers (B,) by name.

        Which there are is the policy's own; of all but "gap", more is less sure.
        """


def in_words(policy: object) -> str:
    """How sure a policy was of its last action in the first environment: "gap 3.2, novelty 1.1"; "" if it does not say."""
    if not isinstance(policy, Uncertain):
        return ""
    return doubts_in_words({name: values[0] for name, values in policy.uncertainty().items()})


def doubts_in_words(doubts: Mapping[str, float]) -> str:
    """The same of numbers by name."""
    told = [next((name for name in names if name in doubts), None) for names in _TOLD]
    return ", ".join(f"{name} {doubts[name]:.2g}" for name in told if name is not None)
