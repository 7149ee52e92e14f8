"""Every task's canonical frame is traced as it is, and one that cannot be is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from ibc_gym.errors import ConfigError
from ibc_gym.policies.exporting.frames import TracedFrame
from ibc_gym.records import Float32
from ibc_gym.registry import make_frame
from ibc_gym.tables import FRAMES

pytestmark = pytest.mark.slow

TABLE = (np.array([-3.1, *(0.2, -0.3) * 3, -3.1, 0.2, -0.3]), np.array([3.1, *(0.6, 0.3) * 3, 3.1, 0.6, 0.3]))  # fmt: skip
CUBES = (np.array([-3.1, 0.2, -0.3] * 4), np.array([3.1, 0.6, 0.3] * 4))
RANGES = {
    "particle": (np.zeros(8), np.ones(8)),
    "push": TABLE,
    "push-two-targets": tuple(np.hstack([edge, edge[-3:]]) for edge in TABLE),
    "insert": TABLE,
    "sort": tuple(np.hstack([edge, edge[1:3], edge]) for edge in CUBES),
    "pusht": (np.zeros(5), np.array([512] * 4 + [6.28])),
}
"""Of the states of the task that offers a frame [rad, m; px]."""
WINDOW, CHUNK = 2, 3


def windows(name: str) -> Float32:
    """Some as they are, some in which all lies at the same place: angles of no way at all must not be NaN."""
    low, high = RANGES[name]
    found = np.random.default_rng(0).uniform(low, high, (40, WINDOW, len(low)))
    found[::5] = (low + high) / 2
    return found.astype(np.float32)


@pytest.mark.parametrize("name", sorted(FRAMES))
def test_traced_frame_sees_and_turns_as_the_frame_does(name: str) -> None:
    frame, seen = make_frame(name), windows(name)
    traced = TracedFrame(frame, (WINDOW, seen.shape[2]), (CHUNK, 2))
    chunks = np.random.default_rng(1).normal(size=(len(seen), CHUNK, 2)).astype(np.float32)
    for states, chunk in zip(seen, chunks, strict=True):
        one = torch.from_numpy(states[None])
        np.testing.assert_allclose(
            traced.features(one).numpy(), frame.features(states[None]), rtol=1e-6, atol=1e-6
        )
        turned = frame.out_of(chunk, np.repeat(states[None], CHUNK, axis=0))
        assert np.isfinite(turned).all()
        np.testing.assert_allclose(
            traced.out_of(torch.from_numpy(chunk), one).numpy(), turned, rtol=1e-6, atol=1e-6
        )


class Deciding:
    """A frame that looks at a number to decide what it does; a graph would do always what it did once."""

    size = 3
    odd_features = odd_actions = ()

    def features(self, states: Float32) -> Float32:
        return states[:, -1] if float(states[0, 0, 0]) > 0 else -states[:, -1]

    def into(self, actions: Float32, states: Float32) -> Float32:
        return actions

    out_of = into


class Remembering(Deciding):
    """A frame that is another one each time."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)

    def features(self, states: Float32) -> Float32:
        turned: Float32 = states[:, -1] * self.rng.normal()
        return turned


@pytest.mark.parametrize("frame", [Deciding(), Remembering()])
def test_frame_that_is_more_than_arithmetic_is_refused(frame: Any) -> None:
    with pytest.raises(ConfigError, match="cannot be exported"):
        TracedFrame(frame, (2, 3), (1, 2))
