"""Every kind of policy learns and acts in spaces of any size, whatever bounds they have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st
from small_policies import CONFIGS, made, trained
from trials import trials

from ibc_gym.contracts import PolicySpec
from ibc_gym.records import Windows

OF_STATES = sorted(name for name, config in CONFIGS.items() if config.inputs == ("state",))


def numbers_of(count: int, states: int, box: spaces.Box, history: int) -> Windows:
    rng = np.random.default_rng(0)
    return Windows(
        frames={"state": rng.normal(size=(count, states)).astype(np.float32)},
        index=np.maximum(np.arange(count)[:, None] + np.arange(1 - history, 1), 0),
        action=rng.uniform(box.low, box.high, (count, *box.shape)).astype(np.float32),
        episode=np.zeros(count, np.int64),
    )


@pytest.mark.parametrize("name", OF_STATES)
@settings(max_examples=trials(4), deadline=None)
@given(
    states=st.integers(1, 5),
    actions=st.integers(1, 6),
    history=st.integers(1, 3),
    low=st.floats(-5, 0),
    width=st.floats(0.1, 10),
    robots=st.integers(1, 4),
)
def test_any_space_is_learned_and_acted_in(
    name: str, states: int, actions: int, history: int, low: float, width: float, robots: int
) -> None:
    box = spaces.Box(low, low + width, (actions,), np.float32)
    spec = PolicySpec(
        task="any",
        observation_space=spaces.Dict({"state": spaces.Box(-9, 9, (states,), np.float32)}),
        action_space=box,
        control_period=0.1,
    )
    windows = numbers_of(20, states, box, history)
    policy = trained(made(replace(CONFIGS[name], history=history), spec), windows, steps=1)
    policy.eval()
    policy.reset(np.ones(robots, bool), range(robots))
    for far in (1, 100):
        acted = policy.act({"state": far * np.asarray(windows.frames["state"][:robots])})
        assert acted.shape == (robots, actions) and acted.dtype == np.float32
        assert all(box.contains(action) for action in acted)
