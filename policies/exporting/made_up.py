"""Episodes that a policy might see, made up: on these an exported one is held to the policy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np
from gymnasium import spaces

from ibc_gym.contracts import LearnedPolicy
from ibc_gym.records import Observation, is_image

from ..base import WindowPolicy


def made_up(policy: LearnedPolicy, rng: np.random.Generator) -> Iterator[Observation]:
    """Frames of one episode without end: of all that the policy takes, each of the shape and type of its space.

    Vectors are spread by what normalises them, like those that were learned from: a space may reach far beyond what is
    ever there (velocities of 100 m/s), and there two engines' roundings of what a network makes of it differ by more than
    a policy's actions do. States that the policy sees in a canonical frame are the beginning of an excerpt that it learned
    from, whose last one stays: a frame makes of states drawn number by number what never was, such as goals that move.
    Pictures, and such states where a checkpoint of an earlier version has no excerpts, are anything that the space has.
    """
    codec = cast("WindowPolicy", policy).codec
    excerpts = codec.fit_result.excerpts
    excerpt = None if excerpts is None else excerpts[rng.integers(len(excerpts))]  # (L, O)
    step = 0
    while True:
        seen = {}
        for name in policy.config.inputs:
            space = cast("spaces.Box", policy.spec.observation_space[name])
            framed = codec.frame is not None and name == "state"
            if framed and excerpt is not None:
                seen[name] = excerpt[min(step, len(excerpt) - 1)]
            elif framed or is_image(name):
                space.seed(int(rng.integers(1 << 31)))
                seen[name] = space.sample()
            else:
                fitted = codec.fit_result.inputs[name]
                spread = fitted.offset + fitted.scale * rng.standard_normal(space.shape)
                seen[name] = np.clip(spread, space.low, space.high).astype(space.dtype)
        yield seen
        step += 1
