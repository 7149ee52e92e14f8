"""No policy depends on the units that observations and actions come in: normalising takes them out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st
from small_policies import CONFIGS, POLICIES, MakeWindows, trained
from trials import trials

from ibc_gym.contracts import PolicySpec
from ibc_gym.policies.nearest import Nearest, NearestConfig
from ibc_gym.records import Float32, Windows

INPUTS = ("state", "robot")
UNITS = {"state": 1024.0, "robot": 0.125, "action": 0.25}
"""Powers of two, so that not even the rounding changes."""


def spec(units: dict[str, float]) -> PolicySpec:
    return PolicySpec(
        task="toy",
        observation_space=spaces.Dict(
            {
                "state": spaces.Box(-1e5, 1e5, (3,), np.float32),
                "robot": spaces.Box(-1e5, 1e5, (2,), np.float32),
            }
        ),
        action_space=spaces.Box(-2 * units["action"], 2 * units["action"], (2,), np.float32),
        control_period=0.1,
    )


def acted(name: str, windows: Windows, units: dict[str, float]) -> Float32:
    """What the policy does after a little training on windows in other units, in the first units."""
    frames = {
        key: np.asarray(windows.frames[key]) * np.asarray(units[key], windows.frames[key].dtype)
        for key in INPUTS
    }
    inside = Windows(
        frames=frames,
        index=windows.index,
        action=windows.action * windows.action.dtype.type(units["action"]),
        episode=windows.episode,
    )
    torch.manual_seed(0)
    if name == "nearest":
        policy: Any = Nearest(NearestConfig(history=2, inputs=INPUTS), spec(units))
        policy.fit(inside)
    else:
        plain = CONFIGS[name]
        changed = {**vars(plain), "inputs": INPUTS, "history": 2, "image_size": None}
        kind: Any = type(plain)
        of: Any = POLICIES[kind]
        policy = trained(of(kind(**changed), spec(units)), inside, steps=5)
    policy.reset(np.ones(20, bool), range(20))
    now = {key: values[5:25] for key, values in frames.items()}
    action: Float32 = policy.act(now) / np.float32(units["action"])
    return action


@pytest.mark.parametrize(
    "name",
    [
        *("dfo", "joint", "langevin", "langevin-mlp", "spectral", "mixture-of-negatives", "cd-kl"),
        *("flow-proposal", "autoregressive", "ranking", "mse", "mdn", "nearest"),
        *("chunked", "chunked-autoregressive", "diffusion", "flow"),
    ],
)
def test_other_units_change_no_action(name: str, make_windows: MakeWindows) -> None:
    windows = make_windows(history=2)
    ours = acted(name, windows, dict.fromkeys(UNITS, 1.0))
    theirs = acted(name, windows, UNITS)
    np.testing.assert_array_equal(theirs, ours)
    assert ours.std() > 1e-3


@settings(max_examples=trials(8), deadline=None)
@given(
    name=st.sampled_from(["dfo", "mse", "nearest"]),
    state=st.sampled_from([np.float16, np.float32, np.float64]),
    robot=st.sampled_from([np.int8, np.int64, np.float32]),
    action=st.sampled_from([np.float16, np.float32, np.float64]),
)
def test_kind_of_numbers_that_data_are_stored_in_changes_no_action(
    name: str, state: type, robot: type, action: type
) -> None:
    rng = np.random.default_rng(0)  # eighths are the same in all of them
    frames = {
        "state": rng.integers(-8, 9, (60, 3)) / 8,
        "robot": rng.integers(-9, 10, (60, 2)),
    }
    actions = rng.integers(-8, 9, (60, 2)) / 8
    steps = np.maximum(np.arange(60)[:, None] + np.arange(-1, 1), 0)
    found = []
    for kinds in ((np.float32, np.float32, np.float32), (state, robot, action)):
        inside = Windows(
            frames={
                "state": frames["state"].astype(kinds[0]),
                "robot": frames["robot"].astype(kinds[1]),
            },
            index=steps,
            action=actions.astype(kinds[2]),
            episode=np.zeros(60, np.int64),
        )
        found.append(acted(name, inside, dict.fromkeys(UNITS, 1.0)))
    np.testing.assert_array_equal(found[0], found[1])


def test_table_in_its_own_units_does_depend_on_them(make_windows: MakeWindows) -> None:
    windows = make_windows(history=1)
    found = []
    for scale in (1.0, 1024.0):
        robot = np.asarray(windows.frames["robot"], np.float32) * np.float32(scale)
        frames = {**windows.frames, "robot": robot}
        data = Windows(
            frames=frames, index=windows.index, action=windows.action, episode=windows.episode
        )
        config = NearestConfig(history=1, inputs=INPUTS, unit_variance=False)
        policy = Nearest(config, spec(dict.fromkeys(UNITS, 1.0)))
        policy.fit(data)
        policy.reset(np.ones(50, bool), range(50))
        rng = np.random.default_rng(1)
        asked = {"state": rng.uniform(-1, 1, (50, 3)), "robot": scale * rng.normal(3, 2, (50, 2))}
        found.append(policy.act({key: value.astype(np.float32) for key, value in asked.items()}))
    assert not np.array_equal(found[0], found[1])
