"""The library's short cuts against the plain reference of the benchmarks: the same numbers, by autograd."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from benchmarks.reference import implicit as reference
from ibc_gym.policies.losses import gradient_penalty, info_nce
from ibc_gym.policies.networks.energy import EnergyNetwork
from ibc_gym.policies.networks.factory import JointConfig, joint_network
from ibc_gym.policies.noise import SharedNoise
from ibc_gym.policies.optimisers.box import Box
from ibc_gym.policies.optimisers.dfo import DFOConfig, search
from ibc_gym.policies.optimisers.langevin import LangevinConfig, clips, training_chain, walk

FEATURES, ACTIONS, ROWS, SAMPLES = 6, 3, 5, 7
BOX = Box(torch.tensor([-1.0, -0.5, -1.2]), torch.tensor([1.0, 0.7, 1.2]))
Pair = tuple[EnergyNetwork, reference.JointResNet]


@pytest.fixture(params=[2, 4, 16])
def pair(request: pytest.FixtureRequest) -> Pair:
    """The library's network and the reference's, with the same weights."""
    torch.manual_seed(0)
    depth: int = request.param
    config = JointConfig(width=32, depth=depth, initialisation="default")
    ours = joint_network(config, FEATURES, ACTIONS)
    plain = reference.JointResNet(FEATURES + ACTIONS, 32, depth)
    weights = ours.value.state_dict()
    plain.load_state_dict({name: weights[name] for name in plain.state_dict()})
    return ours, plain


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


OBSERVED = drawn(ROWS, FEATURES)
CANDIDATES = BOX.clip(drawn(ROWS, SAMPLES, ACTIONS))


def context(ours: EnergyNetwork) -> Tensor:
    return ours.encode({"features": OBSERVED})


def relative(ours: Tensor, plain: Tensor) -> float:
    return float((ours - plain).detach().abs().max() / plain.detach().abs().max())


def test_energies_are_the_same(pair: Pair) -> None:
    ours, plain = pair
    assert relative(ours(context(ours), CANDIDATES), plain(OBSERVED, CANDIDATES)) < 1e-6


def test_slopes_are_those_of_autograd(pair: Pair) -> None:
    ours, plain = pair
    found = ours.action_gradient(context(ours), CANDIDATES)
    assert relative(found, reference.slope(plain, OBSERVED, CANDIDATES)) < 1e-6


def test_three_steps_of_a_chain_lead_to_the_same_place(pair: Pair) -> None:
    ours, plain = pair
    chain = training_chain(LangevinConfig(iterations=3))
    seeded = torch.Generator().manual_seed(2)
    noises = [torch.randn(ROWS, SAMPLES, ACTIONS, generator=seeded) for _ in range(3)]
    known = context(ours)
    ends = walk(
        lambda actions: ours.action_gradient(known, actions),
        CANDIDATES,
        BOX,
        SharedNoise(torch.Generator().manual_seed(2), torch.device("cpu")),
        chain,
        limits=clips(LangevinConfig()),
    )
    expected = reference.langevin(plain, OBSERVED, CANDIDATES, noises, low=BOX.low, high=BOX.high)
    assert (ends - expected).abs().max() < 1e-5
    assert (ends - CANDIDATES).abs().max() > 1e-2, "the chains did not move"


def test_the_loss_with_its_penalty_and_all_gradients_are_the_same(pair: Pair) -> None:
    ours, plain = pair
    demonstrated, negatives = CANDIDATES[:, 0], CANDIDATES[:, 1:]
    known = context(ours)
    first = torch.zeros(ROWS, dtype=torch.long)
    loss = info_nce(ours(known, CANDIDATES), first)
    loss = loss + gradient_penalty(10 * ours.action_gradient(known, CANDIDATES))
    norms = 10 * reference.slope(plain, OBSERVED, CANDIDATES, keep=True).abs().amax(dim=-1)
    expected = reference.info_nce(plain, OBSERVED, demonstrated, negatives)
    expected = expected + torch.relu(norms - 1).square().mean()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    loss.backward()
    expected.backward()
    theirs = {name: weight.grad for name, weight in plain.named_parameters()}
    largest = max(float(grad.abs().max()) for grad in theirs.values() if grad is not None)
    for name, weight in ours.value.named_parameters():
        wanted = theirs[name]
        assert weight.grad is not None and wanted is not None
        assert float((weight.grad - wanted).abs().max()) < 1e-6 * largest, name


def test_the_penalised_loss_of_the_reference_is_its_parts(pair: Pair) -> None:
    _, plain = pair
    steep = torch.relu(reference.slope(plain, OBSERVED, CANDIDATES).abs().amax(dim=-1) - 1).square()
    both = reference.langevin_loss(plain, OBSERVED, CANDIDATES[:, 0], CANDIDATES[:, 1:])
    alone = reference.info_nce(plain, OBSERVED, CANDIDATES[:, 0], CANDIDATES[:, 1:])
    assert both.item() == pytest.approx((alone + steep.mean()).item(), rel=1e-5)


def test_the_derivative_free_optimiser_takes_the_same_action(pair: Pair) -> None:
    ours, plain = pair
    known = context(ours)
    config = DFOConfig(samples=SAMPLES, iterations=3, keep_best=False)
    found = search(
        lambda actions: ours.judge(known, actions),
        BOX,
        SharedNoise(torch.Generator().manual_seed(3), torch.device("cpu")),
        config,
        rows=ROWS,
        samples=SAMPLES,
        start=CANDIDATES,
    ).least()
    seeded = torch.Generator().manual_seed(3)
    chances, noises = [], []
    for _ in range(2):
        chances.append(torch.rand(ROWS, SAMPLES, generator=seeded))
        noises.append(torch.randn(ROWS, SAMPLES, ACTIONS, generator=seeded))
    expected = reference.dfo(
        plain, OBSERVED, CANDIDATES, chances, noises, low=BOX.low, high=BOX.high
    )
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
