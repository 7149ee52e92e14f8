"""One recorded episode: its arrays, its facts, and the checksum over them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Columns = Mapping[str, Array]


@dataclass(frozen=True, kw_only=True, eq=False)
class Demonstration:
    """One whole episode, as it is stored; `ibc_gym.data.recorder` says which columns mean what."""

    steps: Columns
    """Row t of every array (L, ...) belongs together."""
    facts: Columns = field(default_factory=dict)
    """What there is one of per episode, such as "final_observation.state" (...)."""
    seed: int | None = None
    """What the environment was reset with."""
    success: bool | None = None
    """None where nothing judged it."""
    total_reward: float | None = None
    """Undiscounted return."""
    fault: str | None = None
    """What cut the episode off, if something did."""

    @property
    def length(self) -> int:
        """Steps."""
        return len(next(iter(self.steps.values())))


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One row of a segment's table of episodes."""

    length: int
    """Steps."""
    seed: int | None
    success: bool | None
    total_reward: float | None
    fault: str | None
    checksum: str
    """SHA-256 over all arrays of the episode, hexadecimal."""


def checksum(demonstration: Demonstration) -> str:
    """SHA-256 over the names, types, shapes and bytes of an episode's arrays, in the order of their names."""
    digest = hashlib.sha256()
    for kind, columns in (("steps", demonstration.steps), ("episodes", demonstration.facts)):
        for name in sorted(columns):
            array = np.ascontiguousarray(columns[name])
            little = array.astype(array.dtype.newbyteorder("<"), copy=False)
            digest.update(f"{kind}/{name}:{little.dtype.name}:{list(array.shape)}\n".encode())
            digest.update(little.data if little.size else b"")
    return digest.hexdigest()


def signature(demonstration: Demonstration) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Type and shape of every column; episodes of one segment have the same."""
    steps = {f"steps/{n}": (a.dtype.str, a.shape[1:]) for n, a in demonstration.steps.items()}
    facts = {
        f"episodes/{name}": (np.asarray(fact).dtype.str, np.shape(fact))
        for name, fact in demonstration.facts.items()
    }
    return {**steps, **facts}
