"""The flow is a density in the box: it integrates to one, its draws follow it, and it learns what it is shown."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_policies import branches, made, trained
from trials import trials

from ibc_gym.errors import ConfigError
from ibc_gym.policies.ebm import EBM, EBMConfig
from ibc_gym.policies.losses import ranking_nce
from ibc_gym.policies.negatives import NegativesConfig
from ibc_gym.policies.networks.factory import LateFusionConfig
from ibc_gym.policies.noise import RowNoise, SharedNoise
from ibc_gym.policies.optimisers.box import Box
from ibc_gym.policies.proposal import Density, Proposal, ProposalConfig

pytestmark = pytest.mark.slow

CPU = torch.device("cpu")
LINE = Box(torch.tensor([-1.1]), torch.tensor([0.9]))
PLANE = Box(torch.tensor([-1.0, -0.5]), torch.tensor([1.0, 1.5]))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def network(actions: int, share: float = 0.0, *, shaken: float = 0.0) -> Proposal:
    """A flow given observations of two numbers; shaken, its splines are no longer the identity."""
    torch.manual_seed(2)
    config = ProposalConfig(kind="flow", width=16, depth=2, pieces=8, uniform_share=share)
    proposal = Proposal(config, 2, actions)
    with torch.no_grad():
        for name in ("head.head", "head.shift"):
            weights = proposal.get_parameter(name)
            weights.add_(shaken * torch.randn_like(weights))
    return proposal


def grid(box: Box, points: int) -> tuple[torch.Tensor, float]:
    """Centres of cells that fill the box (points^A, A), and the volume of one."""
    axes = [
        low + (torch.arange(points) + 0.5) / points * (high - low)
        for low, high in zip(box.low, box.high, strict=True)
    ]
    centres = torch.cartesian_prod(*axes).reshape(-1, len(axes))
    return centres, float((box.high - box.low).prod()) / len(centres)


def fitted(
    actions: torch.Tensor, observed: torch.Tensor, box: Box, share: float, steps: int = 400
) -> Density:
    """A flow by maximum likelihood, asked at observations (0, 0) and (1, 0)."""
    proposal = network(actions.shape[1], share)
    optimiser = torch.optim.Adam(proposal.parameters(), lr=5e-3)
    drawn = generator()
    for _ in range(steps):
        rows = torch.randint(len(actions), (256,), generator=drawn)
        density: Density = proposal(observed[rows], box)
        loss = -density.log_density(actions[rows][:, None]).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        known: Density = proposal(torch.tensor([[0.0, 0.0], [1.0, 0.0]]), box)
    return known


@pytest.mark.parametrize("share", (0.0, 0.3))
@pytest.mark.parametrize("box, points", [(LINE, 4000), (PLANE, 300)])
def test_density_integrates_to_one_over_the_box(box: Box, points: int, share: float) -> None:
    proposal = network(len(box.low), share, shaken=1.0)
    centres, volume = grid(box, points)
    with torch.no_grad():
        density = proposal(torch.randn(2, 2), box).log_density(centres.expand(2, -1, -1)).exp()
    assert density.std(dim=1).min() > 0.05  # it is not the uniform one
    assert (density.sum(dim=1) * volume).tolist() == pytest.approx([1, 1], abs=0.01)


def test_draws_follow_the_density_cell_by_cell() -> None:
    with torch.no_grad():
        density: Density = network(2, 0.1, shaken=1.0)(torch.randn(1, 2), PLANE)
        drawn = density.sample(SharedNoise(generator(), CPU), 200_000)[0]
        centres, volume = grid(PLANE, 320)
        cell = density.log_density(centres[None]).exp()[0] * volume
    expected = cell.reshape(8, 40, 8, 40).sum(dim=(1, 3))
    bins = ((drawn - PLANE.low) / (PLANE.high - PLANE.low) * 8).long().clamp(0, 7)
    found = torch.zeros(8, 8).index_put_((bins[:, 0], bins[:, 1]), torch.tensor(1 / 200_000), True)
    torch.testing.assert_close(found, expected, atol=2e-3, rtol=0)


def test_draws_lie_in_the_box_and_beyond_it_the_density_is_that_of_its_edge() -> None:
    with torch.no_grad():
        density: Density = network(2, shaken=3.0)(torch.randn(3, 2), PLANE)
        drawn = density.sample(SharedNoise(generator(), CPU), 500)
        assert ((drawn >= PLANE.low) & (drawn <= PLANE.high)).all()
        beyond = torch.tensor([[[7.0, 0.2]]]).expand(3, -1, -1)
        edge = torch.tensor([[[1.0, 0.2]]]).expand(3, -1, -1)
        assert torch.equal(density.log_density(beyond), density.log_density(edge))


def test_a_row_with_its_own_generator_draws_the_same_in_any_batch() -> None:
    proposal, observed = network(2, 0.2, shaken=1.0), torch.randn(2, 2)
    with torch.no_grad():
        both = proposal(observed, PLANE).sample(RowNoise([generator(4), generator(5)], CPU), 9)
        alone = proposal(observed[1:], PLANE).sample(RowNoise([generator(5)], CPU), 9)
    torch.testing.assert_close(both[1], alone[0])


@settings(max_examples=trials(15), deadline=None)
@given(
    size=st.integers(1, 5),
    samples=st.integers(1, 6),
    low=st.floats(-5, 5),
    side=st.sampled_from([0.0, 1e-3, 0.5, 2.2, 40.0]),
    shaken=st.sampled_from([0.0, 1.0, 10.0]),
    kind=st.sampled_from(["flow", "mixture"]),
    dtype=st.sampled_from([torch.float32, torch.float64, torch.bfloat16]),
)
def test_any_box_is_drawn_from_and_has_a_finite_density(
    size: int,
    samples: int,
    low: float,
    side: float,
    shaken: float,
    kind: Literal["flow", "mixture"],
    dtype: torch.dtype,
) -> None:
    box = Box(torch.full((size,), low), torch.full((size,), low + side))
    torch.manual_seed(3)
    proposal = Proposal(ProposalConfig(kind=kind, width=8, pieces=4, components=3), 2, size)
    with torch.no_grad():
        for weights in proposal.head.parameters():
            weights.add_(shaken * torch.randn_like(weights))
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
            density: Density = proposal(torch.randn(3, 2), box)
            drawn = density.sample(SharedNoise(generator(), CPU), samples)
            asked = drawn.double() if dtype == torch.float64 else drawn
            found = density.log_density(asked)
    assert drawn.shape == (3, samples, size)
    assert found.shape == (3, samples) and torch.isfinite(found).all()
    if kind == "flow":
        assert ((drawn >= box.low) & (drawn <= box.high)).all()


def test_untrained_flow_is_uniform() -> None:
    with torch.no_grad():
        found = network(2)(torch.randn(1, 2), PLANE).log_density(grid(PLANE, 20)[0][None])
    torch.testing.assert_close(found, torch.full_like(found, -math.log(4)), atol=0.01, rtol=0)


def test_flow_learns_a_known_density_of_two_modes_in_one_dimension() -> None:
    # 0.25 N(-0.6, 0.1²) + 0.75 N(0.3, 0.05²) at observation 0; mirrored weights at observation 1.
    drawn = generator(1)
    observed = (torch.rand(6000, 1, generator=drawn) < 0.5).float()
    left = torch.rand(6000, 1, generator=drawn) < torch.where(observed > 0, 0.75, 0.25)
    noise = torch.randn(6000, 1, generator=drawn)
    actions = torch.where(left, -0.6 + 0.1 * noise, 0.3 + 0.05 * noise)
    density = fitted(actions, torch.cat([observed, 0 * observed], dim=1), LINE, share=0.02)
    centres, volume = grid(LINE, 1000)
    with torch.no_grad():
        found = density.log_density(centres.expand(2, -1, -1)).exp()
    a = centres[:, 0]
    first, second = (
        torch.exp(-0.5 * ((a - mean) / width) ** 2) / width / math.sqrt(2 * math.pi)
        for mean, width in ((-0.6, 0.1), (0.3, 0.05))
    )
    for row, weight in enumerate((0.25, 0.75)):
        truth = 0.98 * (weight * first + (1 - weight) * second) + 0.02 / 2
        apart = float(0.5 * (found[row] - truth).abs().sum() * volume)  # total variation
        assert apart < 0.1
        assert float(found[row][a < -0.15].sum() * volume) == pytest.approx(weight, abs=0.04)


def test_flow_learns_that_dimensions_hang_together() -> None:
    # A ring has no mixture of few independent normals; independent dimensions would fill its middle.
    drawn = generator(1)
    angle = 2 * math.pi * torch.rand(6000, generator=drawn)
    ring = torch.stack([0.6 * angle.cos(), 0.5 + 0.6 * angle.sin()], dim=1)
    ring = ring + 0.05 * torch.randn(6000, 2, generator=drawn)
    density = fitted(ring, torch.zeros(6000, 2), PLANE, share=0.02)
    sample = density.sample(SharedNoise(generator(), CPU), 4000)[0] - torch.tensor([0.0, 0.5])
    radius = sample.norm(dim=1)
    assert float((radius < 0.4).float().mean()) < 0.06
    assert float(((radius - 0.6).abs() < 0.15).float().mean()) > 0.85
    with torch.no_grad():
        held_out = density.log_density(ring[:500][None].expand(2, -1, -1))[0].mean()
    truth = -math.log(2 * math.pi * 0.6 * 0.05 * math.sqrt(2 * math.pi * math.e))
    assert float(held_out) == pytest.approx(truth, abs=0.35)  # independent dimensions: 0.9 less


def test_gradients_are_finite_however_far_the_weights_have_gone() -> None:
    for shaken in (0.0, 1.0, 30.0):
        proposal = network(2, 0.1, shaken=shaken)
        actions = torch.rand(64, 5, 2, generator=generator()) * 2 - torch.tensor([1.0, 0.5])
        corners = torch.cartesian_prod(torch.tensor([-1.0, 1.0]), torch.tensor([-0.5, 1.5]))
        actions[0, :4] = corners
        density: Density = proposal(torch.randn(64, 2), PLANE)
        (-density.log_density(actions).mean()).backward()
        for name, weights in proposal.named_parameters():
            assert weights.grad is not None and torch.isfinite(weights.grad).all(), name


def test_ranking_nce_with_its_draws_recovers_a_log_density() -> None:
    # p(a) ∝ exp(-8 (a - 0.2)²) in the box: -E = log p + const whatever q is, here a crooked flow.
    with torch.no_grad():
        density: Density = network(1, 0.1, shaken=1.5)(torch.randn(1, 2), LINE)
    drawn = generator()
    centres, _ = grid(LINE, 4001)
    weights = torch.exp(-8 * (centres[:, 0] - 0.2) ** 2)
    coefficients = torch.zeros(2, requires_grad=True)
    plain = torch.zeros(2, requires_grad=True)
    optimiser = torch.optim.Adam([coefficients, plain], lr=0.2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, 300)
    first = torch.zeros(256, dtype=torch.long)
    for _ in range(300):
        positive = centres[torch.multinomial(weights, 256, True, generator=drawn)]
        negative = density.sample(SharedNoise(drawn, CPU), 256 * 16).reshape(256, 16)
        candidates = torch.cat([positive, negative], dim=1)
        with torch.no_grad():
            log_q = density.log_density(candidates.reshape(1, -1, 1)).reshape(256, 17)
        bowl = torch.stack([candidates, candidates**2])
        loss = ranking_nce(torch.einsum("c,cbn->bn", coefficients, bowl), log_q, first)
        loss = loss + ranking_nce(torch.einsum("c,cbn->bn", plain, bowl), 0 * log_q, first)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    assert coefficients.tolist() == pytest.approx([-3.2, 8.0], abs=0.8)
    assert plain.tolist() != pytest.approx([-3.2, 8.0], abs=1.5)  # uncorrected, it is off


def test_energy_trained_by_ranking_nce_against_a_flow_keeps_branches_and_their_weights() -> None:
    spec, windows = branches()
    config = EBMConfig(
        history=1,
        late_fusion=LateFusionConfig(width=64, depth=2, value_width=64),
        negatives=NegativesConfig(uniform=0, anchored=0, proposal=16),
        proposal=ProposalConfig(kind="flow", width=32, uniform_share=0.2, starts=True),
    )
    policy = trained(made(config, spec), windows, steps=500, learning_rate=2e-3)
    assert isinstance(policy, EBM)
    asked = np.linspace(-0.9, 0.9, 100, dtype=np.float32)[:, None]
    policy.reset(np.ones(100, bool), range(100))
    chosen, answer = policy.act({"state": asked}), 0.5 + 0.3 * asked
    distance = np.minimum(np.abs(chosen - answer), np.abs(chosen + answer))
    assert np.quantile(distance, 0.9) < 0.15
    line = np.linspace(-1, 1, 200, dtype=np.float32)
    weight = np.exp(-policy.energies(np.tile(line[:, None], (100, 1, 1))))
    above = weight[:, 100:].sum(1) / weight.sum(1)
    assert float(np.median(above)) == pytest.approx(0.75, abs=0.12)


@pytest.mark.parametrize("pieces", (1, 100))
def test_senseless_numbers_of_pieces_are_refused(pieces: int) -> None:
    with pytest.raises(ConfigError, match="pieces"):
        ProposalConfig(kind="flow", pieces=pieces)
