"""The mixture density network: both answers with their chances, and what its options do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from small_policies import MakeSpec, MakeWindows, made, observations, trained

from ibc_gym.contracts import PolicySpec
from ibc_gym.errors import ConfigError, TrainingDiverged
from ibc_gym.policies.mdn import MDN, MDNConfig
from ibc_gym.policies.mixture import Mixture
from ibc_gym.records import Windows

SHARE = 0.7
SPEC = PolicySpec(
    task="branches",
    observation_space=spaces.Dict({"state": spaces.Box(-1, 1, (1,), np.float32)}),
    action_space=spaces.Box(-1, 1, (1,), np.float32),
    control_period=0.1,
)


def branches(count: int = 4000) -> Windows:
    """y = ±(0.5 + 0.3 x) with a deviation of 0.05, the positive sign in 7 of 10."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (count, 1)).astype(np.float32)
    sign = rng.choice([1.0, -1.0], (count, 1), p=[SHARE, 1 - SHARE])
    y = sign * (0.5 + 0.3 * x) + rng.normal(0, 0.05, (count, 1))
    return Windows(
        frames={"state": x},
        index=np.arange(count)[:, None],
        action=y.astype(np.float32),
        episode=np.arange(count),
    )


@pytest.fixture(scope="module")
def learned() -> MDN:
    torch.manual_seed(0)
    config = MDNConfig(history=1, width=64, depth=2, dropout=0.0, action_normalisation="min_max")
    policy = trained(made(config, SPEC), branches(), steps=500)
    assert isinstance(policy, MDN)
    return policy


X = np.linspace(-0.9, 0.9, 61, dtype=np.float32)[:, None]


def mixture(policy: MDN) -> Mixture:
    windows = Windows(
        frames={"state": X},
        index=np.arange(len(X))[:, None],
        action=np.zeros((len(X), 1), np.float32),
        episode=np.arange(len(X)),
    )
    return policy.mixture(policy.encode(windows).batch(torch.arange(len(X))))


def test_both_branches_are_found_with_their_means_shares_and_width(learned: MDN) -> None:
    found = mixture(learned)
    weights, means = found.log_weights.exp(), found.means[..., 0]
    per_unit = 1 / (learned.fitted()["action"]["scale"][0])  # from the task's units
    offset = learned.fitted()["action"]["offset"][0]
    above = means > -offset * per_unit
    answer = torch.from_numpy(0.5 + 0.3 * X[:, 0])
    for sign, side, share in ((1, above, SHARE), (-1, ~above, 1 - SHARE)):
        mass = torch.where(side, weights, torch.zeros(()))
        total = mass.sum(1)
        mean = (mass * means).sum(1) / total
        spread = (mass * (found.log_scales[..., 0].exp() ** 2 + means**2)).sum(1) / total - mean**2
        assert (total - share).abs().max() < 0.12
        assert float((total - share).mean()) == pytest.approx(0, abs=0.04)
        assert (mean / per_unit + offset - sign * answer).abs().max() < 0.05
        assert float(spread.sqrt().mean()) / per_unit == pytest.approx(0.05, abs=0.02)


def test_draws_take_both_branches_by_their_shares_and_lie_on_them(learned: MDN) -> None:
    rows = 3000
    x = np.resize(X, (rows, 1))
    learned.reset(np.ones(rows, bool), range(rows))
    acted = learned.act({"state": x})
    answer = 0.5 + 0.3 * x
    assert float((acted > 0).mean()) == pytest.approx(SHARE, abs=0.05)
    distance = np.minimum(np.abs(acted - answer), np.abs(acted + answer))
    assert np.quantile(distance, 0.95) < 0.15


def test_most_probable_mean_is_always_the_commoner_branch(learned: MDN) -> None:
    chosen = MDN(MDNConfig(**{**vars(learned.config), "pick": "most_probable"}), SPEC)
    chosen.load_fitted(learned.fitted())
    chosen.load_state_dict(learned.state_dict())
    chosen.reset(np.ones(len(X), bool), range(len(X)))
    acted = chosen.act({"state": X})
    np.testing.assert_allclose(acted, 0.5 + 0.3 * X, atol=0.12)


def test_loss_is_the_likelihood_of_what_was_demonstrated(
    make_spec: MakeSpec, make_windows: MakeWindows, generator: torch.Generator
) -> None:
    config = MDNConfig(width=16, depth=2, dropout=0.0, training_temperature=2.5)
    policy = made(config, make_spec())
    assert isinstance(policy, MDN)
    windows = make_windows()
    policy.fit(windows)
    batch = policy.encode(windows).batch(torch.arange(50))
    loss, parts = policy.loss(batch, generator)
    policy.eval()
    outputs = policy._outputs(batch)
    expected = Mixture.of(outputs, 26, temperature=2.5, scale_floor=1e-3)
    assert loss.item() == pytest.approx(-expected.log_density(batch["action"]).mean().item())
    assert parts["least_scale"] > 1e-3
    assert outputs.shape == (50, 26 * 5)


def test_temperature_and_exponent_of_acting_are_not_those_of_training(
    make_spec: MakeSpec, make_windows: MakeWindows, generator: torch.Generator
) -> None:
    windows = make_windows()
    losses, entropies = [], []
    for options in ({}, {"acting_temperature": 50.0, "scale_exponent": 4.0}):
        torch.manual_seed(0)
        changed: dict[str, Any] = options
        config = MDNConfig(width=16, depth=2, mean_spread=1.0, initialisation="default", **changed)
        policy = MDN(config, make_spec())
        policy.fit(windows)
        batch = policy.encode(windows).batch(torch.arange(50))
        losses.append(float(policy.eval().loss(batch, generator)[0].detach()))
        entropies.append(float(policy.mixture(batch).entropy().mean()))
    assert losses[0] == losses[1]
    assert entropies[0] < entropies[1] <= np.log(26) + 1e-5


def test_acting_sharpens_what_training_said_by_temperature_and_exponent(
    make_spec: MakeSpec, make_windows: MakeWindows
) -> None:
    config = MDNConfig(
        width=16, depth=2, scale_floor=0.0, acting_temperature=0.5, scale_exponent=4.0
    )
    policy = made(config, make_spec())
    assert isinstance(policy, MDN)
    policy.fit(make_windows())
    outputs = torch.randn(6, config.components * 5, generator=torch.Generator().manual_seed(0))
    training, acting = (policy._mixture(outputs, acting=each) for each in (False, True))
    torch.testing.assert_close(
        acting.log_scales, (4 * training.log_scales).clamp(max=acting.log_scales.max())
    )
    torch.testing.assert_close(
        acting.log_weights, torch.log_softmax(2 * training.log_weights, dim=1)
    )


def test_mean_spread_sets_the_components_apart(make_spec: MakeSpec) -> None:
    for spread in (0.0, 0.5):
        torch.manual_seed(0)
        policy = MDN(
            MDNConfig(width=16, depth=2, initialisation="normal", mean_spread=spread), make_spec()
        )
        found = policy.network.head.bias[: 26 * 2].std().item()
        assert found == pytest.approx((0.05**2 + spread**2) ** 0.5, rel=0.3)


def test_same_seed_draws_the_same_and_another_seed_another(
    make_spec: MakeSpec, make_windows: MakeWindows
) -> None:
    windows = make_windows()
    policy = trained(made(MDNConfig(width=16, depth=2), make_spec()), windows, steps=2)
    acted = []
    for seeds in ([1, 2], [1, 2], [1, 3]):
        policy.reset(np.ones(2, bool), seeds)
        acted.append(policy.act(observations(windows, slice(0, 2))))
    np.testing.assert_array_equal(acted[0], acted[1])
    np.testing.assert_array_equal(acted[0][0], acted[2][0])
    assert not np.allclose(acted[1][1], acted[2][1])


def test_likelihood_that_overflows_stops_with_its_name(
    make_spec: MakeSpec, make_windows: MakeWindows, generator: torch.Generator
) -> None:
    policy = made(MDNConfig(width=16, depth=2, components=2, scale_floor=0.0), make_spec())
    assert isinstance(policy, MDN)
    windows = make_windows()
    policy.fit(windows)
    with torch.no_grad():
        policy.network.head.bias[4:8] = -500  # no width at all
    batch = policy.encode(windows).batch(torch.arange(8))
    with pytest.raises(
        TrainingDiverged, match="likelihood is not finite although data and weights"
    ):
        policy.loss(batch, generator)


@pytest.mark.parametrize(
    "wrong",
    [
        {"components": 0},
        {"training_temperature": 0.0},
        {"acting_temperature": -1.0},
        {"scale_exponent": 0.0},
        {"scale_floor": -1e-3},
        {"mean_spread": float("nan")},
        {"dropout": 1.0},
        {"channels": ()},
        {"history": 0},
    ],
)
def test_option_that_makes_no_sense_is_refused_by_name(wrong: dict[str, Any]) -> None:
    (name,) = wrong
    with pytest.raises(ConfigError, match=name):
        MDNConfig(**wrong)
