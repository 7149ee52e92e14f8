"""Every implicit policy takes that candidate of its search which its settings name."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from small_policies import SMALL, MakeSpec, made

from ibc_gym.policies.autoregressive import AutoregressiveConfig
from ibc_gym.policies.ebm import EBMConfig
from ibc_gym.policies.implicit import ImplicitPolicy
from ibc_gym.policies.noise import SharedNoise
from ibc_gym.policies.optimisers.autoregressive import AutoregressiveDFOConfig
from ibc_gym.policies.optimisers.box import Search
from ibc_gym.policies.optimisers.dfo import DFOConfig
from ibc_gym.policies.optimisers.langevin import LangevinConfig

ROWS = 4000
PLACES = torch.tensor([[-0.5, 0.0], [-0.4, 0.0], [0.4, 0.0], [0.5, 0.0]])
"""Two modes of two candidates each."""
ENERGIES = torch.tensor([0.4, 0.0, 0.5, 0.7])
"""The least of each mode are its inner ones, and the left mode is the better one."""


def config(optimiser: str, **picked: Any) -> EBMConfig | AutoregressiveConfig:
    """A policy with that optimiser; Langevin's knows no temperature but that of the loss."""
    if optimiser == "autoregressive":
        return AutoregressiveConfig(
            late_fusion=SMALL, autoregressive=AutoregressiveDFOConfig(**picked)
        )
    if optimiser == "langevin":
        warmth = {"temperature": picked.pop("temperature")} if "temperature" in picked else {}
        return EBMConfig(
            late_fusion=SMALL, optimiser="langevin", langevin=LangevinConfig(**picked), **warmth
        )
    return EBMConfig(late_fusion=SMALL, dfo=DFOConfig(**picked))


def shares(make_spec: MakeSpec, optimiser: str, **picked: Any) -> torch.Tensor:
    """How often each of the places is taken."""
    policy = made(config(optimiser, **picked), make_spec())
    assert isinstance(policy, ImplicitPolicy)
    found = Search(PLACES.expand(ROWS, -1, -1), ENERGIES.expand(ROWS, -1))
    noise = SharedNoise(torch.Generator().manual_seed(0), torch.device("cpu"))
    taken = policy._pick(found, noise)  # (ROWS, 2)
    which = (taken[:, None] - PLACES).norm(dim=2).argmin(dim=1)
    assert taken.equal(PLACES[which])
    return torch.bincount(which, minlength=len(PLACES)) / ROWS


@pytest.mark.parametrize("optimiser", ["dfo", "langevin", "autoregressive"])
def test_least_energetic_candidate_is_taken_unless_more_is_said(
    make_spec: MakeSpec, optimiser: str
) -> None:
    assert shares(make_spec, optimiser).tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize("optimiser", ["dfo", "langevin", "autoregressive"])
def test_draws_follow_the_boltzmann_weights(make_spec: MakeSpec, optimiser: str) -> None:
    drawn = shares(make_spec, optimiser, pick="sample")
    assert (drawn - torch.softmax(-ENERGIES, dim=0)).abs().max() < 0.03


@pytest.mark.parametrize("optimiser", ["dfo", "langevin", "autoregressive"])
def test_draws_are_as_warm_as_the_search_or_else_the_loss(
    make_spec: MakeSpec, optimiser: str
) -> None:
    drawn = shares(make_spec, optimiser, pick="sample", temperature=0.2)
    assert (drawn - torch.softmax(-ENERGIES / 0.2, dim=0)).abs().max() < 0.03


@pytest.mark.parametrize("optimiser", ["dfo", "langevin", "autoregressive"])
def test_mode_is_drawn_and_its_least_energetic_candidate_is_taken(
    make_spec: MakeSpec, optimiser: str
) -> None:
    drawn = shares(make_spec, optimiser, pick="sample", pick_within=0.2)
    weights = torch.softmax(-ENERGIES, dim=0)
    left = float(weights[0] + weights[1])
    assert drawn.tolist() == pytest.approx([0, left, 1 - left, 0], abs=0.03)
