from __future__ import annotations

import numpy as np
import pytest
from gymnasium import spaces

from ibc_gym.contracts import CanonicalFrame, PolicySpec
from ibc_gym.policies.presets import Preset
from ibc_gym.registry import POLICIES, PRESETS, load


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_makes_its_policy(name: str, turned: CanonicalFrame) -> None:
    preset: Preset = load(PRESETS, name, "preset")
    cls = load(POLICIES, preset.policy, "policy")
    assert isinstance(preset.config, cls.Config)
    spec = PolicySpec(
        task="push",
        observation_space=spaces.Dict(
            {
                "state": spaces.Box(-1, 1, (10,), np.float32),
                "image": spaces.Box(0, 255, (240, 320, 3), np.uint8),
            }
        ),
        action_space=spaces.Box(-0.1, 0.1, (2,), np.float32),
        control_period=0.1,
    )
    policy = cls(preset.config, spec, turned if preset.config.frame else None)
    assert sum(parameter.numel() for parameter in policy.parameters()) > 10_000


def test_published_dfo_has_the_published_constants() -> None:
    preset = load(PRESETS, "released/push-states-dfo", "preset")
    config = preset.config
    assert (config.joint.width, config.joint.depth, config.joint.dropout) == (128, 8, 0.0)
    assert (config.dfo.samples, config.dfo.iterations, config.dfo.sigma) == (16_384, 3, 0.33)
    assert config.dfo.pick == "argmin" and not config.dfo.keep_best
    counts = config.negatives.resolved(config.optimiser)
    assert (counts.uniform, counts.pooled, counts.anchored) == (256, 256, 0)
    assert (preset.training.batch_size, preset.training.steps) == (512, 100_000)
