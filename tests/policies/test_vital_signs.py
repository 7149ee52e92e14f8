"""What implicit policies report of their energies, by which a run that degenerates is seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from small_policies import CONFIGS, SMALL, MakeSpec, MakeWindows, made, observations, trained

from ibc_gym.policies.ebm import EBMConfig
from ibc_gym.policies.noise import SharedNoise
from ibc_gym.policies.optimisers.box import Search
from ibc_gym.policies.optimisers.dfo import DFOConfig
from ibc_gym.policies.optimisers.langevin import LangevinConfig
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


def test_actions_at_an_edge_of_the_box_are_counted_beside_those_of_the_demonstrations(
    make_spec: MakeSpec, make_windows: MakeWindows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three of four answers at an edge, of the demonstrations one; each of energy 2, the least one -1."""
    windows = make_windows()
    config = EBMConfig(late_fusion=SMALL, dfo=DFOConfig(samples=32, validation_samples=32))
    policy: Any = trained(made(config, make_spec()), windows, steps=0)
    low, high = policy.box.low, policy.box.high
    middle = (low + high) / 2
    answers = torch.stack([low, torch.stack([middle[0], high[1]]), high, middle])
    found = Search(candidates=answers[:, None], energies=torch.full((4, 1), -1.0))
    monkeypatch.setattr(policy, "_search", lambda *_, **__: found)
    monkeypatch.setattr(policy, "_judge", lambda *_: torch.full((4, 1), 2.0))
    batch = policy.encode(windows).batch(torch.arange(4))
    batch = {**batch, "action": torch.stack([middle, middle, high, middle])}
    measured = policy.validate(batch, torch.Generator().manual_seed(0))
    assert measured["on_boundary"] == 0.75
    assert measured["on_boundary_excess"] == 0.5
    assert measured["demonstration_above_least"] == 3.0
    assert measured["entropy"] == 0.0


def test_second_chain_moves_what_the_first_one_found(
    make_spec: MakeSpec, make_windows: MakeWindows
) -> None:
    windows, chosen = make_windows(), []
    for second, step in ((False, 0.1), (True, 0.0), (True, 0.1)):
        langevin = LangevinConfig(
            samples=4,
            iterations=2,
            second_chain=second,
            second_step_initial=step,
            second_step_final=step,
        )
        config = EBMConfig(late_fusion=SMALL, optimiser="langevin", langevin=langevin)
        torch.manual_seed(0)
        policy: Any = trained(made(config, make_spec()), windows, steps=0)
        policy.reset(np.ones(2, bool), [0, 1])
        chosen.append(policy.act(observations(windows, slice(2))))
    np.testing.assert_array_equal(chosen[0], chosen[1])
    assert (np.abs(chosen[2] - chosen[0]) > 1e-4).all()
