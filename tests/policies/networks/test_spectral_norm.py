"""Spectral normalisation: what it bounds, what it remembers, and that it can be differentiated twice."""

from __future__ import annotations

import copy
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_policies import MakeSpec, MakeWindows, made, trained
from torch import Tensor, nn
from trials import trials

from ibc_gym.policies.ebm import EBM, EBMConfig
from ibc_gym.policies.losses import gradient_penalty
from ibc_gym.policies.mse import MSEConfig
from ibc_gym.policies.networks.factory import JointConfig, joint_network
from ibc_gym.policies.networks.spectral_norm import OneIteration, keep_iterations, spectral_norm
from ibc_gym.policies.optimisers.langevin import LangevinConfig
from ibc_gym.training.config import TrainConfig
from ibc_gym.training.learner import Learner


def largest(weight: Tensor) -> float:
    return float(torch.linalg.svdvals(weight.detach())[0])


def normalised(inputs: int, outputs: int, scale: float = 1.0) -> nn.Linear:
    layer = nn.Linear(inputs, outputs)
    with torch.no_grad():
        layer.weight.mul_(scale)
    spectral_norm(layer)
    return layer


@settings(max_examples=trials(15), deadline=None)
@given(st.integers(1, 20), st.integers(1, 20), st.floats(0.01, 100))
def test_largest_singular_value_is_one_after_iterations(
    inputs: int, outputs: int, scale: float
) -> None:
    torch.manual_seed(0)
    layer = normalised(inputs, outputs, scale)
    assert largest(layer.weight) >= 1 - 1e-5  # an iteration never says too much
    for _ in range(300):
        keep_iterations(layer)
    assert largest(layer.weight) == pytest.approx(1, abs=0.01)


def test_every_pass_brings_the_estimate_nearer() -> None:
    layer = normalised(30, 40)
    found = [largest(layer.weight)]
    for _ in range(20):
        keep_iterations(layer)
        found.append(largest(layer.weight))
    assert all(after <= before + 1e-6 for before, after in pairwise(found))
    assert found[0] > 1.05 > found[-1]


def test_estimate_is_one_power_iteration_from_the_kept_vector() -> None:
    layer = normalised(5, 7).double()
    weight = layer.parametrizations["weight"].original.detach()  # type: ignore[union-attr,index]
    u = layer.parametrizations["weight"][0].u.clone()  # type: ignore[union-attr,index]
    right = u @ weight / (u @ weight).norm()
    left = weight @ right / (weight @ right).norm()
    torch.testing.assert_close(layer.weight, weight / (left @ weight @ right))
    keep_iterations(layer)
    torch.testing.assert_close(layer.parametrizations["weight"][0].u, left)  # type: ignore[union-attr,index]


def test_looking_at_a_weight_changes_nothing() -> None:
    layer = normalised(6, 4)
    layer.train()
    first = layer.weight.detach().clone()
    layer(torch.randn(3, 6))
    assert torch.equal(layer.weight, first)
    keep_iterations(layer)
    assert not torch.equal(layer.weight, first)


def test_layer_of_zeros_stays_one() -> None:
    assert torch.equal(normalised(3, 2, scale=0.0).weight, torch.zeros(2, 3))


def test_slope_through_the_estimate_is_right_to_the_second_order() -> None:
    iteration = OneIteration(torch.zeros(4, 3, dtype=torch.double))
    weight = torch.randn(4, 3, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(iteration, (weight,))
    assert torch.autograd.gradgradcheck(iteration, (weight,))


def test_slope_of_a_normalised_mlp_is_at_most_one() -> None:
    config = JointConfig(
        trunk="mlp", width=16, depth=3, dense="spectral_norm", initialisation="default"
    )
    network = joint_network(config, 4, 2).double()
    for _ in range(300):
        keep_iterations(network)
    context = network.encode({"features": torch.randn(50, 4, dtype=torch.double)})
    slopes = network.action_gradient(context, torch.randn(50, 8, 2, dtype=torch.double))
    assert 0.01 < torch.linalg.vector_norm(slopes, dim=-1).max() <= 1.001


@pytest.mark.parametrize("trunk", ["resnet", "resnet_original", "mlp", "dense_resnet"])
def test_penalty_can_be_descended(trunk: str) -> None:
    depth = 6
    config = JointConfig(trunk=trunk, width=8, depth=depth, dense="spectral_norm")  # type: ignore[arg-type]
    network = joint_network(config, 4, 2).double()
    observed = {"features": torch.randn(5, 4, dtype=torch.double)}
    actions = torch.randn(5, 3, 2, dtype=torch.double)

    def penalty() -> Tensor:
        slopes = network.action_gradient(network.encode(observed), actions)
        return gradient_penalty(slopes, margin=0.0)

    weight = network.value.projection.parametrizations["weight"].original  # type: ignore[union-attr,index]
    before = penalty()
    (slope,) = torch.autograd.grad(before, weight)
    step = 1e-6 * slope / slope.norm()
    with torch.no_grad():
        weight.add_(step)
        up = penalty()
        weight.sub_(2 * step)
        down = penalty()
    assert float((up - down) / 2e-6) == pytest.approx(float(slope.norm()), rel=1e-3)


def test_iterations_move_in_training_and_only_there(
    make_spec: MakeSpec, make_windows: MakeWindows, generator: torch.Generator
) -> None:
    config = EBMConfig(
        network="joint",
        joint=JointConfig(width=16, depth=2, dense="spectral_norm"),
        optimiser="langevin",
        langevin=LangevinConfig(samples=8, iterations=3),
    )
    policy = made(config, make_spec())
    windows = make_windows()
    policy.fit(windows)
    batch = policy.encode(windows).batch(torch.arange(8))

    def stand() -> list[Tensor]:
        return [value for name, value in policy.state_dict().items() if name.endswith(".u")]

    before = copy.deepcopy(stand())
    assert len(before) == 4
    policy.validate(batch, generator)
    policy.eval()
    policy.loss(batch, generator)
    assert all(torch.equal(a, b) for a, b in zip(stand(), before, strict=True))
    policy.train()
    policy.loss(batch, generator)[0].backward()
    assert not any(torch.equal(a, b) for a, b in zip(stand()[:-1], before[:-1], strict=True))


def test_trained_energy_keeps_its_layers_bounded(
    make_spec: MakeSpec, make_windows: MakeWindows
) -> None:
    config = EBMConfig(network="joint", joint=JointConfig(width=16, depth=2, dense="spectral_norm"))
    policy = trained(made(config, make_spec()), make_windows(), steps=60)
    assert isinstance(policy, EBM)
    dense = [layer for layer in policy.network.modules() if isinstance(layer, nn.Linear)]
    assert len(dense) == 4
    assert all(largest(layer.weight) < 1.1 for layer in dense)


@pytest.mark.parametrize("micro_batch", [1, 3, 7])
def test_iterations_move_once_per_update_into_however_many_parts_it_is_cut(
    make_spec: MakeSpec, make_windows: MakeWindows, tmp_path: Path, micro_batch: int
) -> None:
    found = []
    for size in (None, micro_batch):
        torch.manual_seed(0)
        config = MSEConfig(width=16, depth=2, dense="spectral_norm")
        policy = made(config, make_spec())
        windows = make_windows()
        policy.fit(windows)
        policy.train()
        training = TrainConfig(data=tmp_path, out=tmp_path, batch_size=8, micro_batch=size)
        cpu = torch.device("cpu")
        learner = Learner(training, policy, policy, policy.encode(windows), cpu)
        before = copy.deepcopy(iterations(policy))
        learner.update(0.0, lambda record: None)
        assert not torch.equal(iterations(policy)[0], before[0])
        found.append(iterations(policy))
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def iterations(policy: nn.Module) -> list[Tensor]:
    return [value for name, value in policy.state_dict().items() if name.endswith(".u")]
