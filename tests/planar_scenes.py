"""Scenes in a plane, moved and mirrored, and what their mirror does to a canonical frame's actions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ibc_gym.contracts import CanonicalFrame

Real = NDArray[Any]
"""Numbers in double precision, which a frame takes, too: rounding must not blur its geometry."""


def moved(
    states: Real,
    points: Sequence[int],
    yaws: Sequence[int],
    angle: float,
    shift: tuple[float, float],
) -> Real:
    """The scene turned about the origin and moved; `points` are the columns of every x, beside which is its y."""
    c, s = np.cos(angle), np.sin(angle)
    turned = states.copy()
    for x in points:
        turned[..., x] = c * states[..., x] - s * states[..., x + 1] + shift[0]
        turned[..., x + 1] = s * states[..., x] + c * states[..., x + 1] + shift[1]
    turned[..., list(yaws)] += angle
    return turned


def mirrored(states: Real, points: Sequence[int], yaws: Sequence[int]) -> Real:
    """The scene with its y axis turned round."""
    flipped = states.copy()
    flipped[..., [*(x + 1 for x in points), *yaws]] *= -1
    return flipped


def assert_mirror_negates_odd_actions(
    frame: CanonicalFrame, mirror: Callable[[Real], Real], states: Real, actions: Real
) -> None:
    """Actions mirrored with the scene are in the frame what they were, but for the odd ones' sign."""
    expected = frame.into(actions, states)
    expected[:, frame.odd_actions] *= -1
    flipped = frame.into(actions * np.array([1, -1], np.float32), mirror(states))
    np.testing.assert_allclose(flipped, expected, atol=1e-7)


def assert_actions_come_back(frame: CanonicalFrame, states: Real, actions: Real) -> None:
    """What goes into the frame comes out of it."""
    back = frame.out_of(frame.into(actions, states), states)
    np.testing.assert_allclose(back, actions, atol=1e-7)
