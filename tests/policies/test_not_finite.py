"""A number that is none stops training with the name of what it was found in, whatever is learned."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from small_policies import CONFIGS, MakeSpec, MakeWindows, trained
from small_policies import made as untrained

from ibc_gym.errors import TrainingDiverged
from ibc_gym.policies.nearest import Nearest, NearestConfig


def made(name: str, make_spec: MakeSpec, make_windows: MakeWindows) -> tuple[Any, dict[str, Any]]:
    """A policy that has learned a little, and a batch."""
    config: Any = NearestConfig() if name == "nearest" else CONFIGS[name]
    windows = make_windows(history=config.history)
    if name == "nearest":
        policy: Any = Nearest(config, make_spec())
        policy.fit(windows)
    else:
        policy = trained(untrained(config, make_spec()), windows, steps=1)
    batch = policy.encode(windows).batch(torch.arange(8))
    return policy, {key: values.clone() for key, values in batch.items()}


@pytest.mark.parametrize(
    ("name", "broken", "part"),
    [
        ("mse", "features", "prediction"),
        ("mdn", "features", "mixture"),
        ("mdn", "action", "likelihood"),
        ("ranking", "features", "likelihood"),
        ("ranking", "action", "likelihood"),
        ("autoregressive", "features", "energy"),
        ("autoregressive", "action", "energy"),
        ("diffusion", "features", "field"),
        ("diffusion", "action", "field"),
        ("nearest", "action", "error"),
        ("nearest", "features", "distance to the table"),
    ],
)
def test_what_the_number_was_found_in_is_named(
    name: str, broken: str, part: str, make_spec: MakeSpec, make_windows: MakeWindows
) -> None:
    policy, batch = made(name, make_spec, make_windows)
    batch[broken][3, 0] = torch.nan
    told = f"The {part} is not finite"
    with pytest.raises(TrainingDiverged, match=told):
        policy.loss(batch, torch.Generator())


def test_energy_beside_a_mixture_is_named(make_spec: MakeSpec, make_windows: MakeWindows) -> None:
    policy, batch = made("ranking", make_spec, make_windows)
    (*_, last) = policy.network.parameters()
    with torch.no_grad():
        last.fill_(torch.nan)
    with pytest.raises(TrainingDiverged, match="The energy is not finite, and neither are the wei"):
        policy.loss(batch, torch.Generator())


def test_slope_of_an_energy_is_named(
    make_spec: MakeSpec, make_windows: MakeWindows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the energy itself is finite: a product on its way to the actions overflows."""
    policy, batch = made("langevin", make_spec, make_windows)
    exactly = policy.network.action_gradient

    def overflowing(context: torch.Tensor, actions: torch.Tensor, **how: Any) -> torch.Tensor:
        slopes: torch.Tensor = exactly(context, actions, **how)
        return slopes * torch.inf if torch.is_grad_enabled() else slopes

    monkeypatch.setattr(policy.network, "action_gradient", overflowing)
    with pytest.raises(TrainingDiverged, match=r"The slope of the energy is not finite although"):
        policy.loss(batch, torch.Generator())
