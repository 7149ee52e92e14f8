"""What every canonical frame keeps: all rows of the table, on states of the task that offers it."""

from __future__ import annotations

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trials import trials

from ibc_gym.contracts import CanonicalFrame
from ibc_gym.errors import SpecMismatch
from ibc_gym.records import Float32
from ibc_gym.registry import make_env, make_frame
from ibc_gym.tables import FRAMES, TASKS

ELSEWHERE = {"pusht": "gym:gym_pusht/PushT-v0"}
"""Where a frame is at home that is not that of a task of ours."""

STEPS = 20


@pytest.fixture(scope="module", params=sorted(FRAMES))
def name(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def frame(name: str) -> CanonicalFrame:
    return make_frame(name)


@pytest.fixture(scope="module")
def played(name: str) -> tuple[Float32, Float32]:
    """States (M, O) and random actions (M, A) of an episode."""
    with make_env(name if name in TASKS else ELSEWHERE[name]) as env:
        space, rng = env.action_space, np.random.default_rng(0)
        assert isinstance(space, spaces.Box)
        actions = rng.uniform(space.low, space.high, (STEPS, *space.shape)).astype(np.float32)
        observation, _ = env.reset(seed=0)
        states = [observation["state"]]
        states += [env.step(action)[0]["state"] for action in actions[:-1]]
    return np.stack(states).astype(np.float32), actions


def windows(states: Float32, length: int) -> Float32:
    """Windows (M, T, O), the first state repeated at the start."""
    index = np.arange(len(states))[:, None] + np.arange(1 - length, 1)
    found: Float32 = states[np.maximum(index, 0)]
    return found


@pytest.mark.parametrize("length", [1, 2, 4])
def test_features_are_finite_and_as_many_as_it_says(
    frame: CanonicalFrame, played: tuple[Float32, Float32], length: int
) -> None:
    seen = windows(played[0], length)
    kept = seen.copy()
    features = frame.features(seen)
    assert features.shape == (STEPS, frame.size) and features.dtype == np.float32
    assert np.isfinite(features).all()
    np.testing.assert_array_equal(seen, kept)


def test_every_row_is_seen_alone(frame: CanonicalFrame, played: tuple[Float32, Float32]) -> None:
    seen, actions = windows(played[0], 2), played[1]
    features, turned = frame.features(seen), frame.into(actions, seen)
    for row in range(0, STEPS, 5):
        one = slice(row, row + 1)
        np.testing.assert_allclose(frame.features(seen[one]), features[one], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(frame.into(actions[one], seen[one]), turned[one], rtol=1e-5)


@pytest.mark.parametrize("length", [1, 2])
def test_actions_into_the_frame_and_out_of_it_are_inverse(
    frame: CanonicalFrame, played: tuple[Float32, Float32], length: int
) -> None:
    seen, actions = windows(played[0], length), played[1]
    scale = float(np.abs(actions).max())

    @settings(max_examples=trials(15), suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        st.lists(st.floats(-2, 2, width=32), min_size=actions.shape[1], max_size=actions.shape[1])
    )
    def check(shares: list[float]) -> None:
        action = np.tile(np.array(shares, np.float32) * scale, (STEPS, 1))
        there = frame.into(action, seen)
        assert there.shape == action.shape and there.dtype == np.float32
        np.testing.assert_allclose(frame.out_of(there, seen), action, atol=1e-5 * scale)
        np.testing.assert_allclose(
            frame.into(frame.out_of(action, seen), seen), action, atol=1e-5 * scale
        )

    check()


def test_odd_features_and_actions_are_some_of_them_each_once(
    frame: CanonicalFrame, played: tuple[Float32, Float32]
) -> None:
    for odd, size in ((frame.odd_features, frame.size), (frame.odd_actions, played[1].shape[1])):
        assert len(set(odd)) == len(odd)
        assert all(0 <= index < size for index in odd)
    assert bool(frame.odd_features) == bool(frame.odd_actions)


def test_states_of_something_else_are_refused(
    frame: CanonicalFrame, played: tuple[Float32, Float32]
) -> None:
    seen = windows(played[0], 2)
    for wrong in (seen[..., :-1], seen[:, 0], seen[:, :0]):
        with pytest.raises(SpecMismatch):
            frame.features(wrong)
