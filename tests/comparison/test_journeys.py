"""Two journeys from one start, and the gap between them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ibc_gym.comparison.journeys import NUDGE, ONSET, Journey, gap_between, nudged, travel
from ibc_gym.registry import make_env


def journey(push_from: int, steps: int = 10, shift: float = 0.0, turn: float = 0.0) -> Journey:
    """A block that begins to move at one instant, 1 cm per step, and a zone that stays."""
    along = np.maximum(0, np.arange(steps + 1) - push_from) * 0.01
    block = np.stack([along, np.full_like(along, shift), np.zeros_like(along)], axis=1)
    return Journey(
        sent=np.zeros((steps + 1, 3)),
        times=np.linspace(0.0, 0.1 * steps, steps + 1),
        seed=3,
        tip=np.stack([np.arange(steps + 1) * 0.01] * 3, axis=1),
        things={"block": block, "zone": np.zeros((steps + 1, 3))},
        yaws={"block": np.full(steps + 1, turn), "zone": np.zeros(steps + 1)},
        success=True,
    )


@given(first=st.integers(0, 8), second=st.integers(0, 8))
def test_gap_and_onsets_are_those_of_what_moved(first: int, second: int) -> None:
    gap = gap_between(journey(first), journey(second))
    assert gap.onsets == (first + 1, second + 1)
    assert set(gap.things) == {"block"}
    assert gap.of_things[-1] == pytest.approx(0.01 * abs(first - second))
    assert not gap.tip.any()


def test_only_instants_that_both_have_are_compared() -> None:
    gap = gap_between(journey(2, steps=10), journey(2, steps=6))
    assert len(gap.tip) == len(gap.of_things) == 7


def test_turning_is_a_touch_and_wraps() -> None:
    still = journey(20)
    turned = journey(20)
    turned.yaws["block"][5:] = 2 * ONSET / 0.1
    assert still.onset is None
    assert turned.onset == 5
    one, other = journey(0, turn=np.pi - 0.01), journey(0, turn=-np.pi + 0.01)
    assert gap_between(one, other).turns["block"] == pytest.approx(0.02)


@pytest.mark.parametrize("workcell", ["mujoco", "pybullet"])
def test_same_world_travelled_twice_has_no_gap(workcell: str) -> None:
    actions = np.random.default_rng(0).uniform(-0.02, 0.03, (6, 2)).astype(np.float32)
    with make_env("push", workcell=workcell) as env:
        bare: Any = env.unwrapped
        gap = gap_between(travel(bare, 5, list(actions)), travel(bare, 5, list(actions)))
    assert len(gap.tip) == 7
    assert not gap.tip.any()
    assert not gap.of_things.any()


@given(st.lists(st.tuples(*[st.floats(-0.0625, 0.0625, width=32)] * 2), min_size=1), st.integers(0))
@example([(1e-45, 1e-45)], 0)
def test_one_command_is_nudged_to_the_side_and_no_other(
    told: list[tuple[float, float]], place: int
) -> None:
    actions = [np.array(action, dtype=np.float32) for action in told]
    at = place % len(actions)
    changed = nudged(actions, at)
    assert all(action.dtype == np.float32 for action in changed)
    apart = [np.subtract(b, a, dtype=np.float64) for a, b in zip(actions, changed, strict=True)]
    assert np.linalg.norm(apart[at]) == pytest.approx(NUDGE, rel=1e-3)
    assert abs(apart[at] @ actions[at]) < 1e-8 or not actions[at].any()
    assert not np.any([apart[other] for other in range(len(actions)) if other != at])
