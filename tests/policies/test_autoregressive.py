"""The policy of one energy per dimension: it keeps what belongs together, and shares a trunk if it is told to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st
from small_policies import SMALL, MakeSpec, MakeWindows, made, observations, trained
from trials import trials

from ibc_gym.contracts import PolicySpec
from ibc_gym.errors import ConfigError, TrainingDiverged
from ibc_gym.policies.autoregressive import Autoregressive, AutoregressiveConfig
from ibc_gym.policies.networks.factory import JointConfig, LateFusionConfig
from ibc_gym.policies.noise import SharedNoise
from ibc_gym.policies.optimisers import autoregressive
from ibc_gym.policies.optimisers.autoregressive import AutoregressiveDFOConfig
from ibc_gym.records import Windows

pytestmark = pytest.mark.slow


def spec_of(states: int, actions: int) -> PolicySpec:
    return PolicySpec(
        task="any",
        observation_space=spaces.Dict({"state": spaces.Box(-9, 9, (states,), np.float32)}),
        action_space=spaces.Box(-1, 1, (actions,), np.float32),
        control_period=0.1,
    )


def signs_that_agree(count: int = 2000) -> Windows:
    """a = s (0.6, 0.6 + 0.2 x) with a random sign s: the dimensions have two answers each, the whole has two."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (count, 1)).astype(np.float32)
    sign = rng.choice([-1.0, 1.0], (count, 1))
    action = sign * np.concatenate([np.full_like(x, 0.6), 0.6 + 0.2 * x], axis=1)
    return Windows(
        frames={"state": x},
        index=np.arange(count)[:, None],
        action=action.astype(np.float32),
        episode=np.arange(count),
    )


def acted(policy: Any, x: np.ndarray) -> np.ndarray:
    policy.reset(np.ones(len(x), bool), range(len(x)))
    actions: np.ndarray = policy.act({"state": x})
    return actions


@pytest.mark.parametrize("shared_trunk", (False, True))
def test_answers_of_the_whole_are_kept_and_never_mixed(shared_trunk: bool) -> None:
    config = AutoregressiveConfig(
        history=1,
        late_fusion=LateFusionConfig(width=64, depth=2, value_width=32),
        shared_trunk=shared_trunk,
        counter_examples=16,
        autoregressive=AutoregressiveDFOConfig(samples=256, pick="sample"),
    )
    windows = signs_that_agree()
    policy = trained(made(config, spec_of(1, 2)), windows, steps=160)
    x = np.linspace(-0.9, 0.9, 200, dtype=np.float32)[:, None]
    chosen = acted(policy, x)
    answer = np.concatenate([np.full_like(x, 0.6), 0.6 + 0.2 * x], axis=1)
    distance = np.minimum(
        np.linalg.norm(chosen - answer, axis=1), np.linalg.norm(chosen + answer, axis=1)
    )
    assert np.quantile(distance, 0.9) < 0.25
    assert ((chosen[:, 0] > 0) == (chosen[:, 1] > 0)).mean() > 0.97
    assert 0.1 < (chosen[:, 0] > 0).mean() < 0.9


def test_training_weighs_by_the_loop_that_acting_runs(
    make_spec: MakeSpec, make_windows: MakeWindows
) -> None:
    config = AutoregressiveConfig(late_fusion=SMALL, counter_examples=9, temperature=0.5)
    policy, windows = made(config, make_spec()), make_windows()
    assert isinstance(policy, Autoregressive)
    policy.fit(windows)
    batch = policy.encode(windows).batch(torch.arange(5))
    context = policy.network.encode(batch)
    losses: list[torch.Tensor] = []

    def energy(dimension: int, prefixes: torch.Tensor) -> torch.Tensor:
        both = torch.cat([batch["action"][:, None, : dimension + 1], prefixes], dim=1)
        energies = policy.network(context, dimension, both)
        losses.append(-torch.log_softmax(-energies / 0.5, dim=1)[:, 0].mean())
        others: torch.Tensor = energies[:, 1:]
        return others

    noise = SharedNoise(torch.Generator().manual_seed(3), torch.device("cpu"))
    autoregressive.search(energy, policy.box, noise, config.autoregressive, rows=5, samples=9)
    total, parts = policy.loss(batch, torch.Generator().manual_seed(3))
    assert len(losses) == 3 * 2
    torch.testing.assert_close(total, torch.stack(losses).sum() / 3)
    assert float(parts["info_nce"]) == pytest.approx(float(total.detach()) / 2)


def test_energy_of_a_dimension_knows_nothing_of_those_after_it() -> None:
    config = AutoregressiveConfig(history=1, late_fusion=SMALL)
    policy = made(config, spec_of(2, 3))
    assert isinstance(policy, Autoregressive)
    sizes = [
        network.value.projection.weight.shape[1] - 16 for network in policy.network._networks()
    ]
    assert sizes == [1, 2, 3]


def test_shared_trunk_is_one_and_is_taught_by_every_dimension() -> None:
    def made_with(shared: bool) -> Autoregressive:
        config = AutoregressiveConfig(history=1, late_fusion=SMALL, shared_trunk=shared)
        policy = made(config, spec_of(2, 6))
        assert isinstance(policy, Autoregressive)
        return policy

    one, six = made_with(True), made_with(False)
    trunk = sum(p.numel() for p in six.network._networks()[0].encoder.parameters())
    weights = [sum(p.numel() for p in each.parameters()) for each in (one, six)]
    assert weights[1] - weights[0] == 5 * trunk
    assert one.network.encoder is not None
    context = one.network.encode({"features": torch.randn(4, 2)})
    for dimension in range(6):
        one.zero_grad()
        energies = one.network(context, dimension, torch.rand(4, 3, dimension + 1))
        energies.sum().backward(retain_graph=True)
        assert all(p.grad is not None for p in one.network.encoder.parameters())


@pytest.mark.parametrize("judge", ("last", "sum"))
def test_landscape_is_what_the_search_judges_by(
    judge: Any, make_spec: MakeSpec, make_windows: MakeWindows
) -> None:
    config = AutoregressiveConfig(
        late_fusion=SMALL, autoregressive=AutoregressiveDFOConfig(samples=40, judge=judge)
    )
    windows = make_windows()
    policy = trained(made(config, make_spec()), windows, steps=5)
    assert isinstance(policy, Autoregressive)
    policy.reset(np.ones(2, bool), [0, 1])
    chosen = policy.act(observations(windows, slice(0, 2)))
    candidates = policy.candidates()
    energies = policy.energies(candidates)
    assert energies.shape == (2, 40)
    best = candidates[np.arange(2), energies.argmin(axis=1)]
    np.testing.assert_allclose(best, chosen, atol=1e-5)


@settings(max_examples=trials(10), deadline=None)
@given(
    states=st.integers(1, 4),
    actions=st.integers(1, 7),
    history=st.integers(1, 2),
    network=st.sampled_from(["late_fusion", "joint"]),
)
def test_any_space_is_learned_and_acted_in(
    states: int, actions: int, history: int, network: Any
) -> None:
    rng = np.random.default_rng(0)
    windows = Windows(
        frames={"state": rng.normal(size=(20, states)).astype(np.float32)},
        index=np.maximum(np.arange(20)[:, None] + np.arange(1 - history, 1), 0),
        action=rng.uniform(-1, 1, (20, actions)).astype(np.float32),
        episode=np.zeros(20, np.int64),
    )
    config = AutoregressiveConfig(
        history=history,
        network=network,
        late_fusion=SMALL,
        joint=JointConfig(width=8, depth=2),
        counter_examples=3,
        autoregressive=AutoregressiveDFOConfig(samples=5),
    )
    spec = spec_of(states, actions)
    policy = trained(made(config, spec), windows, steps=1)
    for action in acted(policy, windows.frames["state"][:3] * 100):
        assert spec.action_space.contains(action)


def test_broken_weights_of_the_last_dimension_are_named_when_acting(
    make_spec: MakeSpec, make_windows: MakeWindows
) -> None:
    windows = make_windows()
    config = AutoregressiveConfig(late_fusion=SMALL, counter_examples=4)
    policy = trained(made(config, make_spec()), windows, steps=1)
    with torch.no_grad():
        dict(policy.named_parameters())["network.networks.1.value.head.bias"].fill_(torch.nan)
    policy.reset(np.ones(1, bool), [0])
    with pytest.raises(TrainingDiverged, match=r"networks\.1\.value\.head\.bias"):
        policy.act(observations(windows, slice(0, 1)))


@pytest.mark.parametrize(
    "bad, words",
    [
        ({"temperature": 0.0}, "temperature"),
        ({"counter_examples": 0}, "counter_examples is 0, but must be at least 1"),
        ({"network": "joint", "inputs": ("image",)}, "no pictures"),
        ({"network": "joint", "shared_trunk": True}, "trunk"),
        ({"network": "joint", "joint": JointConfig(dropout=0.1)}, "flicker"),
    ],
)
def test_senseless_settings_are_refused(bad: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        AutoregressiveConfig(**bad)
