"""What a policy might see, made up: on this an exported one is held to the policy."""

from __future__ import annotations

from typing import cast

import numpy as np
from gymnasium import spaces

from ibc_gym.contracts import LearnedPolicy
from ibc_gym.records import Observation, is_image

from ..base import WindowPolicy


def made_up(policy: LearnedPolicy, rng: np.random.Generator) -> Observation:
    """Frames of all that the policy takes, each of the shape and type of its space.

    Vectors are spread by what normalises them, like those that were learned from: a space may reach far beyond what is
    ever there (velocities of 100 m/s), and there two engines' roundings of what a network makes of it differ by more than
    a policy's actions do.
    Pictures, and states that the policy sees in a canonical frame, are anything that the space has.
    """
    codec = cast("WindowPolicy", policy).codec
    seen = {}
    for name in policy.config.inputs:
        space = cast("spaces.Box", policy.spec.observation_space[name])
        if is_image(name) or (codec.frame is not None and name == "state"):
            space.seed(int(rng.integers(1 << 31)))
            seen[name] = space.sample()
            continue
        fitted = codec.fit_result.inputs[name]
        spread = fitted.offset + fitted.scale * rng.standard_normal(space.shape)
        seen[name] = np.clip(spread, space.low, space.high).astype(space.dtype)
    return seen
