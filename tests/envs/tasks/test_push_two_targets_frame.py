"""The frame towards the next of two targets: which one that is, what it drops, and that nothing else is lost."""

from __future__ import annotations

from typing import Any

import numpy as np
import planar_scenes
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from planar_scenes import Real, assert_actions_come_back, assert_mirror_negates_odd_actions

from ibc_gym.envs.tasks.push_frame import BlockToTarget
from ibc_gym.envs.tasks.push_two_targets import PushTwoTargets
from ibc_gym.envs.tasks.push_two_targets_frame import BlockToNextTarget
from ibc_gym.errors import SpecMismatch

FRAME = BlockToNextTarget()
COLUMNS = PushTwoTargets().columns
POINTS = tuple(COLUMNS[key].start for key in COLUMNS if key.endswith("translation"))
YAWS = (COLUMNS["block_orientation"].start,)
ANGLE = st.floats(-3.0, 3.0)
SHIFT = st.floats(-0.5, 0.5)
NEXT, OTHER = 19, slice(20, 22)
"""Columns of the features."""


def state(block: tuple[float, float], yaw: float = 0.3) -> Real:
    """A block at a place, the tip behind it, and targets at (0.3, 0) and (0.5, 0.4)."""
    parts: dict[str, Any] = {
        "block_orientation": yaw,
        "block_translation": block,
        "effector_target_translation": (block[0] + 0.01, block[1] - 0.06),
        "effector_translation": (block[0] + 0.012, block[1] - 0.07),
        "target_orientation": 1.0,
        "target_translation": (0.3, 0.0),
        "target2_orientation": -2.0,
        "target2_translation": (0.5, 0.4),
    }
    found = np.zeros(13)
    for key, value in parts.items():
        found[COLUMNS[key]] = value
    return found


def window(block: tuple[float, float]) -> Real:
    return np.stack([state((block[0], block[1] - 0.01)), state(block)])[None]


def windows() -> st.SearchStrategy[Real]:
    """Windows (3, 2, 13) whose block is between the targets, near to the line from one to the other or not."""
    numbers = arrays(np.float64, (3, 2, 13), elements=st.floats(-0.25, 0.25, width=32))
    return numbers.map(lambda states: states + 1.5 * np.eye(13)[8] - np.eye(13)[11])


def moved(states: Real, angle: float, shift: tuple[float, float]) -> Real:
    return planar_scenes.moved(states, POINTS, YAWS, angle, shift)


def mirrored(states: Real) -> Real:
    return planar_scenes.mirrored(states, POINTS, YAWS)


def same_up_to_quarter_turn(one: Real, other: Real) -> None:
    rest = np.arange(FRAME.size) != 18
    np.testing.assert_allclose(one[:, rest], other[:, rest], atol=3e-5)
    gap = (one[:, 18] - other[:, 18] + np.pi / 4) % (np.pi / 2) - np.pi / 4
    np.testing.assert_allclose(gap, 0, atol=3e-5)


@pytest.mark.parametrize(
    "block, second",
    [
        ((0.3, -0.2), False),  # before the first
        ((0.3, -0.04), False),
        ((0.3, -0.03), True),  # at the first
        ((0.4, 0.2), True),  # halfway to the second
        ((0.6, 0.1), False),  # beside, as one that never was at the first
        ((0.5, 0.4), True),
    ],
)
def test_next_target_is_told_from_where_the_block_is(
    block: tuple[float, float], second: bool
) -> None:
    states = window(block)
    goal, other = ("target2", "target") if second else ("target", "target2")
    features = FRAME.features(states)
    assert features[0, NEXT] == second
    alone = np.concatenate(
        [
            states[..., :7],
            states[..., COLUMNS[f"{goal}_orientation"]],
            states[..., COLUMNS[f"{goal}_translation"]],
        ],
        axis=2,
    )
    np.testing.assert_array_equal(features[:, :19], BlockToTarget().features(alone))
    way = states[0, 1, COLUMNS[f"{other}_translation"]] - block
    assert np.hypot(*features[0, OTHER]) == pytest.approx(np.hypot(*way), abs=1e-6)


@given(windows(), ANGLE, SHIFT, SHIFT)
def test_moving_and_turning_the_scene_changes_no_feature(
    states: Real, angle: float, x: float, y: float
) -> None:
    expected = FRAME.features(states)
    found = FRAME.features(moved(states, angle, (x, y)))
    clear = found[:, NEXT] == expected[:, NEXT]  # a block on the very edge may fall to either side
    same_up_to_quarter_turn(found[clear], expected[clear])


@given(windows())
def test_mirror_negates_the_odd_features_and_no_other(states: Real) -> None:
    expected = FRAME.features(states)
    expected[:, FRAME.odd_features] *= -1
    same_up_to_quarter_turn(expected, FRAME.features(mirrored(states)))


@given(windows(), arrays(np.float32, (3, 2), elements=st.floats(-0.125, 0.125, width=32)))
def test_mirror_negates_the_odd_actions_and_no_other(states: Real, actions: Real) -> None:
    assert_mirror_negates_odd_actions(FRAME, mirrored, states, actions)


@given(windows(), arrays(np.float32, (3, 2), elements=st.floats(-0.125, 0.125, width=32)))
def test_actions_come_back_out_of_the_frame(states: Real, actions: Real) -> None:
    assert_actions_come_back(FRAME, states, actions)


def test_everything_in_one_place_gives_finite_features() -> None:
    states = np.full((1, 2, 13), 0.3, dtype=np.float32)
    assert np.isfinite(FRAME.features(states)).all()
    assert np.isfinite(FRAME.into(np.array([[0.1, 0.0]], np.float32), states)).all()


def test_single_state_stands_for_its_predecessor() -> None:
    states = window((0.35, -0.1))[:, 1:]
    np.testing.assert_array_equal(
        FRAME.features(states), FRAME.features(np.repeat(states, 2, axis=1))
    )


def test_states_of_another_task_are_refused() -> None:
    with pytest.raises(SpecMismatch, match="another task"):
        FRAME.features(np.zeros((4, 2, 10), dtype=np.float32))
