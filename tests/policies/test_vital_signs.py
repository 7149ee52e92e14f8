"""What implicit policies report of their energies, by which a run that degenerates is seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from small_policies import CONFIGS, SMALL, MakeSpec, MakeWindows, made, trained

from ibc_gym.policies.ebm import EBMConfig
from ibc_gym.policies.noise import SharedNoise
from ibc_gym.policies.optimisers.dfo import DFOConfig
from ibc_gym.policies.ranking import RankingConfig


@pytest.mark.parametrize("name", ["dfo", "langevin", "autoregressive", "ranking"])
def test_counter_examples_rise_above_demonstrations_and_the_distance_is_watched(
    name: str, make_spec: MakeSpec, make_windows: MakeWindows
) -> None:
    windows = make_windows(history=CONFIGS[name].history)
    windows.action[:] = [0.5, 0.1]
    windows.action[::2] += np.array([0.3, -0.2], np.float32)
    gaps = []
    for steps in (0, 60):
        policy: Any = trained(made(CONFIGS[name], make_spec()), windows, steps=steps)
        batch = policy.encode(windows).batch(torch.arange(128))
        _, parts = policy.loss(batch, torch.Generator().manual_seed(0))
        gaps.append(float(parts["energy_gap"]))
    assert gaps[1] > gaps[0] + 0.05
    low, high = policy.vital_signs["train/energy_gap"]
    assert -2e3 < low < gaps[1] < high < 2e4, "what drifts that far is seen"


def test_entropy_of_what_is_held_out_is_at_the_policys_temperature(
    make_spec: MakeSpec, make_windows: MakeWindows
) -> None:
    windows, found = make_windows(), {}
    for temperature in (1.0, 1e4):
        config = EBMConfig(
            late_fusion=SMALL,
            temperature=temperature,
            dfo=DFOConfig(samples=32, validation_samples=32, iterations=1),
        )
        policy: Any = trained(made(config, make_spec()), windows, steps=0)
        batch = policy.encode(windows).batch(torch.arange(16))
        with torch.no_grad():
            for weight in policy.network.parameters():
                weight.mul_(3)
        policy.eval()
        found[temperature] = policy.validate(batch, torch.Generator().manual_seed(0))["entropy"]
    assert found[1e4] == pytest.approx(torch.tensor(32.0).log().item(), abs=1e-3)
    assert found[1.0] < found[1e4] - 0.05


def test_gap_leaves_out_what_is_the_demonstration_itself(
    make_spec: MakeSpec, make_windows: MakeWindows
) -> None:
    """Where the mixture names nothing else there is nothing to be above."""
    windows = make_windows()
    config = RankingConfig(late_fusion=SMALL, same=1e6)
    policy: Any = trained(made(config, make_spec()), windows, steps=0)
    batch = policy.encode(windows).batch(torch.arange(8))
    _, parts = policy.loss(batch, torch.Generator().manual_seed(0))
    assert float(parts["energy_gap"]) == 0.0


def test_gap_is_a_mean_over_what_is_not_the_demonstration(
    make_spec: MakeSpec, make_windows: MakeWindows
) -> None:
    """Where the mixture's first answer is the demonstration, over the others."""
    windows = make_windows()
    config = RankingConfig(late_fusion=SMALL, components=3, same=1e-9, jitter=0.0, prior=0.0)
    policy: Any = trained(made(config, make_spec()), windows, steps=20)
    batch = policy.encode(windows).batch(torch.arange(8))
    encoded = policy.network.encoder(policy._prepared(batch))
    mixture = policy._mixture(encoded).detached()
    batch = {**batch, "action": mixture.means[:, 0]}
    _, seen = policy._contrast(
        encoded, mixture, batch, SharedNoise(torch.Generator(), policy.device)
    )
    energies = policy.network(policy.network.fuse_with(encoded), mixture.means)
    above = energies[:, 1:] - energies[:, :1]
    torch.testing.assert_close(seen["energy_gap"], above.mean())
    torch.testing.assert_close(seen["accuracy"], (above > 0).all(dim=1).float().mean())
