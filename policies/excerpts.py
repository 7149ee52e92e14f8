"""A few of the states that were learned from, kept with a policy."""

from __future__ import annotations

import numpy as np

from ibc_gym.records import Float32, Windows

COUNT = 8
"""At most so many excerpts."""
LENGTH = 8
"""Frames of each."""


def excerpts_of(windows: Windows, name: str) -> Float32:
    """Frames of a vector on end, each excerpt of one episode, (E, L, O); evenly spread over the data.

    An episode that ends sooner stays at its last frame.
    """
    count = len(windows)
    begins = np.unique(np.linspace(0, count - 1, COUNT + 1).astype(np.int64)[:-1])  # (E,)
    steps = np.minimum(begins[:, None] + np.arange(LENGTH), count - 1)  # (E, L)
    inside = windows.episode[steps] == windows.episode[begins][:, None]
    last = begins + inside.sum(axis=1) - 1  # windows of an episode lie one behind the other
    steps = np.minimum(steps, last[:, None])
    return np.asarray(windows.frames[name][windows.index[steps, -1]], np.float32)
