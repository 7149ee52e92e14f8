"""What an exported policy is held to the policy on: like what was learned from, and never outside of the spaces."""

from __future__ import annotations

import numpy as np
from gymnasium import spaces
from small_policies import made

from ibc_gym.contracts import PolicySpec
from ibc_gym.policies.exporting.made_up import made_up
from ibc_gym.policies.mse import MSEConfig
from ibc_gym.records import Windows

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
    found = [made_up(policy, rng) for _ in range(400)]
    assert all(spec.observation_space.contains(observation) for observation in found)
    states = np.stack([observation["state"] for observation in found])
    np.testing.assert_allclose(states.mean(axis=0), seen.mean(axis=0), atol=0.1)
    np.testing.assert_allclose(states.std(axis=0), seen.std(axis=0), rtol=0.25)
    assert len({observation["image"].tobytes() for observation in found}) == len(found)
