"""The implicit policy: gentle energies, least where it acts, and never between two answers."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pytest
import torch
from small_policies import (
    CONFIGS,
    SMALL,
    AnyConfig,
    MakeSpec,
    MakeWindows,
    branches,
    made,
    observations,
    of_one_number,
    trained,
)

from ibc_gym.errors import ConfigError
from ibc_gym.policies.autoregressive import AutoregressiveConfig
from ibc_gym.policies.base import WindowPolicy
from ibc_gym.policies.ebm import EBM, EBMConfig
from ibc_gym.policies.implicit import ImplicitPolicy
from ibc_gym.policies.losses import GradientPenaltyConfig
from ibc_gym.policies.mse import MSEConfig
from ibc_gym.policies.negatives import NegativesConfig
from ibc_gym.policies.networks.factory import JointConfig, LateFusionConfig
from ibc_gym.policies.optimisers.dfo import DFOConfig
from ibc_gym.policies.optimisers.langevin import LangevinConfig

pytestmark = pytest.mark.slow


def test_penalty_keeps_the_energy_gentle(
    make_spec: MakeSpec, make_windows: MakeWindows, generator: torch.Generator
) -> None:
    windows = make_windows()
    norms = []
    for weight in (0.0, 10.0):
        config = EBMConfig(
            late_fusion=SMALL,
            negatives=NegativesConfig(uniform=8, anchored=0),
            gradient_penalty=GradientPenaltyConfig(weight=weight, margin=0.2),
        )
        policy = trained(made(config, make_spec()), windows, steps=150)
        assert isinstance(policy, EBM)
        batch = policy.encode(windows).batch(torch.arange(64))
        with torch.no_grad():
            points = torch.rand(64, 32, 2, generator=generator) * 2 - 1
            context = policy.network.encode(batch)
            norms.append(
                float(policy.network.action_gradient(context, points).abs().amax(-1).mean())
            )
    assert norms[1] < 0.3 < norms[0]


def test_energies_of_the_last_observation_have_their_least_where_the_policy_acts(
    make_spec: MakeSpec, make_windows: MakeWindows
) -> None:
    windows = make_windows()
    policy = trained(made(CONFIGS["dfo"], make_spec()), windows, steps=20)
    assert isinstance(policy, EBM)
    with pytest.raises(ConfigError, match="act"):
        policy.energies(np.zeros((2, 5, 2), np.float32))
    policy.reset(np.ones(2, bool), [0, 1])
    acted = policy.act(observations(windows, slice(0, 2)))
    rng = np.random.default_rng(0)
    others = rng.uniform(-0.5, 1.0, (2, 20, 2)).astype(np.float32)
    energies = policy.energies(np.concatenate([acted[:, None], others], axis=1))
    assert energies.shape == (2, 21)
    assert (energies[:, :1] <= np.quantile(energies, 0.25, axis=1, keepdims=True)).all()


def test_joint_network_takes_no_pictures() -> None:
    with pytest.raises(ConfigError, match="late_fusion"):
        EBMConfig(inputs=("image",), network="joint")


@pytest.mark.parametrize("trunk", ["resnet", "mlp"])
@pytest.mark.parametrize(
    "penalised",
    [{"optimiser": "langevin"}, {"gradient_penalty": GradientPenaltyConfig(weight=0.5)}],
    ids=["by default", "as said"],
)
def test_dropout_does_not_go_with_a_gradient_penalty(
    trunk: Literal["resnet", "mlp"], penalised: dict[str, Any]
) -> None:
    with_dropout = JointConfig(trunk=trunk, dropout=0.1)
    with pytest.raises(
        ConfigError, match=r"Set joint\.dropout=0 .*, or gradient_penalty\.weight=0"
    ):
        EBMConfig(network="joint", joint=with_dropout, **penalised)
    without = {**penalised, "gradient_penalty": GradientPenaltyConfig(weight=0.0)}
    assert EBMConfig(network="joint", joint=with_dropout, **without).penalty_weight == 0
    assert EBMConfig(network="joint", joint=JointConfig(trunk=trunk), **penalised).penalty_weight
    assert EBMConfig(
        joint=with_dropout, **penalised
    ).penalty_weight  # of a network that is not used


@pytest.mark.parametrize("dropout", [-0.1, 1.0, float("nan")])
def test_dropout_must_be_a_share(dropout: float) -> None:
    with pytest.raises(ConfigError, match="dropout"):
        JointConfig(dropout=dropout)


WIDE = LateFusionConfig(width=64, depth=2, value_width=64)


def walking(pick: Literal["argmin", "sample"]) -> EBMConfig:
    """Counter-examples are the ends of Langevin chains, and the same walk acts."""
    return EBMConfig(
        history=1,
        late_fusion=WIDE,
        optimiser="langevin",
        negatives=NegativesConfig(langevin=8),
        gradient_penalty=GradientPenaltyConfig(margin=10.0),
        langevin=LangevinConfig(samples=64, iterations=25, step_initial=0.2, pick=pick),
    )


@pytest.mark.parametrize(
    "config",
    [
        EBMConfig(history=1, late_fusion=WIDE, dfo=DFOConfig(pick="sample")),
        walking("sample"),
        AutoregressiveConfig(history=1, late_fusion=WIDE, counter_examples=64),
    ],
    ids=["dfo", "langevin", "autoregressive"],
)
def test_implicit_policy_keeps_both_branches_where_the_explicit_one_averages_them(
    config: AnyConfig,
) -> None:
    spec, windows = branches((-1.0, 1.0))
    x = np.linspace(-0.9, 0.9, 200, dtype=np.float32)[:, None]
    answer = 0.5 + 0.3 * x

    def acted(policy: WindowPolicy) -> np.ndarray:
        policy.reset(np.ones(200, bool), range(200))
        return policy.act({"state": x})

    implicit = trained(made(config, spec), windows, steps=400, learning_rate=1e-3)
    assert isinstance(implicit, ImplicitPolicy)
    chosen = acted(implicit)
    distance = np.minimum(np.abs(chosen - answer), np.abs(chosen + answer))
    assert np.quantile(distance, 0.9) < 0.1
    assert 0.05 < (chosen > 0).mean() < 0.95
    grid = np.linspace(-1, 1, 200, dtype=np.float32)
    density = np.exp(-implicit.energies(np.tile(grid[:, None], (200, 1, 1))))
    above = density[:, 100:].sum(1) / density.sum(1)  # what a sign is worth, by the energies
    assert above.min() > 0.2 and above.max() < 0.8

    explicit = acted(
        trained(made(MSEConfig(history=1, width=64, depth=2), spec), windows, steps=400)
    )
    assert np.abs(explicit).max() < 0.2
    between = np.minimum(np.abs(explicit - answer), np.abs(explicit + answer))
    assert between.min() > 0.05


@pytest.mark.parametrize(
    "config",
    [
        EBMConfig(history=1, late_fusion=WIDE),
        walking("argmin"),
        AutoregressiveConfig(history=1, late_fusion=WIDE, counter_examples=64),
    ],
    ids=["dfo", "langevin", "autoregressive"],
)
def test_least_energy_never_lies_between_the_sides_of_a_jump(config: AnyConfig) -> None:
    x = np.random.default_rng(0).uniform(-1, 1, (2000, 1)).astype(np.float32)
    spec, windows = of_one_number("jump", x, np.where(x > 0, 0.8, -0.8))
    policy = trained(made(config, spec), windows, steps=300)
    near = np.linspace(-0.1, 0.1, 201, dtype=np.float32)[:, None]
    policy.reset(np.ones(201, bool), range(201))
    chosen = policy.act({"state": near})
    assert (np.abs(np.abs(chosen) - 0.8) < 0.1).mean() > 0.97
