"""What an exported policy is held to the policy on: like what was learned from, and never outside of the spaces."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import numpy as np
from gymnasium import spaces
from small_policies import made

from ibc_gym.contracts import PolicySpec
from ibc_gym.policies.base import WindowPolicy
from ibc_gym.policies.excerpts import COUNT, LENGTH, excerpts_of
from ibc_gym.policies.exporting.made_up import made_up
from ibc_gym.policies.mse import MSEConfig
from ibc_gym.records import Windows
from ibc_gym.registry import make_policy

FAST = 100.0
"""A bound on velocities that is far beyond what is ever there [m/s]."""


def test_vectors_are_spread_like_the_demonstrations_and_lie_in_their_space() -> None:
    low, high = np.array([0.0, -FAST], np.float32), np.array([1.0, FAST], np.float32)
    pixels = spaces.Box(0, 255, (16, 16, 3), np.uint8)
    spec = PolicySpec(
        task="made-up",
        observation_space=spaces.Dict({"state": spaces.Box(low, high), "image": pixels}),
        action_space=spaces.Box(-1, 1, (1,), np.float32),
        control_period=0.1,
    )
    rng = np.random.default_rng(1)
    seen = rng.normal([0.1, 2.0], [0.2, 0.5], (500, 2)).clip(low, high).astype(np.float32)
    windows = Windows(
        frames={"state": seen, "image": np.stack([pixels.sample() for _ in seen])},
        index=np.arange(len(seen))[:, None],
        action=seen[:, :1],
        episode=np.arange(len(seen)),
    )
    config = MSEConfig(inputs=("state", "image"), history=1, image_size=(16, 16), width=8, depth=2)
    policy = made(config, spec)
    policy.fit(windows)
    found = list(islice(made_up(policy, rng), 400))
    assert all(spec.observation_space.contains(observation) for observation in found)
    states = np.stack([observation["state"] for observation in found])
    np.testing.assert_allclose(states.mean(axis=0), seen.mean(axis=0), atol=0.1)
    np.testing.assert_allclose(states.std(axis=0), seen.std(axis=0), rtol=0.25)
    assert len({observation["image"].tobytes() for observation in found}) == len(found)


def walks(lengths: list[int], numbers: int) -> Windows:
    """Episodes of so many steps; every state tells its episode and its step."""
    episode = np.repeat(np.arange(len(lengths)), lengths)
    step = np.concatenate([np.arange(length) for length in lengths])
    states = np.zeros((len(step), numbers), np.float32)
    states[:, 0], states[:, 1] = episode, step
    rows = np.arange(len(step))
    return Windows(
        frames={"state": states},
        index=np.stack([np.maximum(rows - 1, rows - step), rows], axis=1),
        action=(rows[:, None] % [2, 3]).astype(np.float32),
        episode=episode,
    )


def test_excerpts_are_of_one_episode_each_and_on_end() -> None:
    found = excerpts_of(walks([3, 40, 9, 1, 60], numbers=2), "state")
    assert found.shape == (COUNT, LENGTH, 2)
    episode, step = found[..., 0], found[..., 1]
    assert (episode == episode[:, :1]).all()
    last = np.array([3, 40, 9, 1, 60])[episode[:, 0].astype(int)] - 1
    np.testing.assert_array_equal(step, np.minimum(step[:, :1] + np.arange(LENGTH), last[:, None]))
    assert len(np.unique(episode)) > 2
    assert excerpts_of(walks([1], numbers=2), "state").shape == (1, LENGTH, 2)


def test_states_of_a_canonical_frame_are_those_that_were_learned_from() -> None:
    """Drawn number by number they would have goals that move, and what a frame makes of that is beyond all bounds."""
    spec = PolicySpec(
        task="push",
        observation_space=spaces.Dict({"state": spaces.Box(-FAST, FAST, (10,), np.float32)}),
        action_space=spaces.Box(-1, 1, (2,), np.float32),
        control_period=0.1,
    )
    windows = walks([30, 40], numbers=10)
    policy = make_policy("mse", spec, MSEConfig(frame="push", width=8, depth=2))
    assert isinstance(policy, WindowPolicy)
    policy.fit(windows)
    known = {state.tobytes() for state in np.asarray(windows.frames["state"])}
    rng = np.random.default_rng(0)
    states = np.stack([each["state"] for each in islice(made_up(policy, rng), LENGTH + 3)])
    assert all(state.tobytes() in known for state in states)
    np.testing.assert_array_equal(np.diff(states[:, 1]), [1] * (LENGTH - 1) + [0] * 3)
    policy.codec.fit_result = replace(policy.codec.fit_result, excerpts=None)  # an older checkpoint
    assert spec.observation_space.contains(next(made_up(policy, rng)))
