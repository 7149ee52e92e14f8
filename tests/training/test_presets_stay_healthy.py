"""No preset of an implicit policy is taken for ill at the start of training, when its energies know nothing yet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces

from ibc_gym.contracts import PolicySpec
from ibc_gym.loading import load
from ibc_gym.policies.autoregressive import AutoregressiveConfig
from ibc_gym.policies.ebm_config import EBMConfig
from ibc_gym.policies.inputs import InputConfig
from ibc_gym.records import Float32, Windows
from ibc_gym.tables import POLICIES, PRESETS
from ibc_gym.training.choice import Choice
from ibc_gym.training.config import RollbackConfig, TrainConfig
from ibc_gym.training.health import Health, bounds_of

PICTURE = (24, 32)
LOOKS, TRAINED_ON, HELD_OUT = 5, 2, 8
IMPLICIT = {
    load(PRESETS, name, "preset").config: name
    for name in PRESETS
    if load(PRESETS, name, "preset").policy in ("ebm", "autoregressive", "ranking")
    and load(PRESETS, name, "preset").config.horizon == 1
}
"""Each config once."""
FAR = 0.1
"""Share of the way to its bound that a number may have gone at the start."""


class Plain:
    """A frame that turns nothing."""

    size = 6
    odd_features = (1, 4)
    odd_actions = (1,)

    def features(self, states: Float32) -> Float32:
        return np.concatenate([states[:, 0], states[:, -1]], axis=1)

    def into(self, actions: Float32, states: Float32) -> Float32:
        return actions

    def out_of(self, actions: Float32, states: Float32) -> Float32:
        return actions


SPEC = PolicySpec(
    task="toy",
    observation_space=spaces.Dict(
        {
            "state": spaces.Box(-1, 1, (3,), np.float32),
            "robot": spaces.Box(-1, 1, (2,), np.float32),
            "image": spaces.Box(0, 255, (*PICTURE, 3), np.uint8),
        }
    ),
    action_space=spaces.Box(-2, 2, (2,), np.float32),
    control_period=0.1,
)


def windows(config: InputConfig, count: int) -> Windows:
    """Actions that are some function of the state."""
    rng = np.random.default_rng(0)
    state = rng.uniform(-1, 1, (count, 3)).astype(np.float32)
    seen: dict[str, Any] = {
        "state": state,
        "robot": state[:, :2],
        "image": rng.integers(0, 256, (count, *PICTURE, 3), np.uint8),
    }
    return Windows(
        frames={name: seen[name] for name in config.inputs},
        index=np.stack([np.arange(count)] * config.history, axis=1),
        action=np.tanh(2 * state[:, :2]),
        episode=np.arange(count),
    )


def smaller(config: InputConfig) -> InputConfig:
    """The same networks, with small pictures, a search that is short enough for a test, and no lead in episodes of one step.

    Nor are axes exchanged: these states are no vectors.
    """
    config = replace(config, lead=0, axis_centres=())
    if config.image_size is not None:
        config = replace(config, image_size=PICTURE)
    if isinstance(config, EBMConfig):
        few = min(config.dfo.samples, 256)
        return replace(
            config,
            dfo=replace(config.dfo, samples=few, validation_samples=few),
            langevin=replace(config.langevin, samples=8, iterations=10),
        )
    if isinstance(config, AutoregressiveConfig):
        return replace(
            config,
            counter_examples=64,
            autoregressive=replace(config.autoregressive, samples=64, validation_samples=64),
        )
    return config


@pytest.mark.slow
@pytest.mark.parametrize("name", IMPLICIT.values())
def test_beginning_is_not_taken_for_an_illness(name: str) -> None:
    preset = load(PRESETS, name, "preset")
    config = smaller(preset.config)
    torch.manual_seed(0)
    cls = load(POLICIES, preset.policy, "policy")
    policy: Any = cls(config, SPEC, Plain() if config.frame else None)
    data = windows(config, TRAINED_ON + HELD_OUT)
    policy.fit(data)
    encoded = policy.encode(data)
    batch, held_out = (
        encoded.batch(torch.arange(first, last))
        for first, last in ((0, TRAINED_ON), (TRAINED_ON, TRAINED_ON + HELD_OUT))
    )
    generator = torch.Generator().manual_seed(0)
    optimiser = torch.optim.Adam(policy.parameters(), lr=preset.training.learning_rate)
    rollback, health, choice = RollbackConfig(), Health(), Choice()
    limit = TrainConfig(data=Path("none"), out=Path("none")).divergence_limit
    for step in range(LOOKS):
        policy.train()
        loss, parts = policy.loss(batch, generator)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        numbers = {f"train/{part}": float(value) for part, value in parts.items()}
        measures = policy.validate(held_out, generator)
        numbers |= {f"validation/{measure}": value for measure, value in measures.items()}
        bounds = bounds_of(policy, rollback, choice, {})
        health = health.looked(numbers, bounds, settling=rollback.patience)
        assert health.sick(rollback.patience) is None, (numbers, bounds)
        choice = choice.after(step, measures["action_error"], 0.0)
        for sign, (_, high) in policy.vital_signs.items():
            if sign in numbers and high > 1:  # a share may be anything; an energy has far to go
                assert numbers[sign] < FAR * high, sign
        assert abs(float(loss.detach())) < FAR * limit
