"""The learned density: it is one, its draws follow it, and an energy trained with it is unbiased."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from small_policies import MakeSpec, MakeWindows, branches, made, trained

from ibc_gym.errors import ConfigError
from ibc_gym.policies.ebm import EBM, EBMConfig
from ibc_gym.policies.mixture import Mixture
from ibc_gym.policies.negatives import NegativesConfig
from ibc_gym.policies.networks.factory import LateFusionConfig
from ibc_gym.policies.noise import RowNoise, SharedNoise
from ibc_gym.policies.optimisers.box import Box
from ibc_gym.policies.optimisers.dfo import DFOConfig
from ibc_gym.policies.optimisers.langevin import LangevinConfig
from ibc_gym.policies.proposal import Density, Normals, ProposalConfig

pytestmark = pytest.mark.slow

BOX = Box(torch.tensor([-1.0, -0.5]), torch.tensor([1.0, 1.5]))


def mixture() -> Mixture:
    torch.manual_seed(1)
    return Mixture(
        log_weights=torch.log_softmax(torch.randn(2, 3), dim=1),
        means=torch.randn(2, 3, 2) * 0.3,
        log_scales=torch.log(torch.rand(2, 3, 2) * 0.2 + 0.1),
    )


def density(share: float) -> Density:
    return Density(Normals(mixture()), BOX, share)


@pytest.mark.parametrize("share", (0.0, 0.3))
def test_density_integrates_to_one(share: float) -> None:
    line = torch.linspace(-4, 4, 401)
    grid = torch.cartesian_prod(line, line)
    area = (8 / 400) ** 2
    inside = density(share).log_density(grid.expand(2, -1, -1)).exp().sum(dim=1) * area
    assert inside.tolist() == pytest.approx([1, 1], abs=0.01)


def test_constant_dimension_leaves_the_density_to_what_is_learned() -> None:
    """As wide as a component at least: demonstrations lie in a plane, where a wall of no width would have all of it."""
    flat = Box(torch.tensor([-1.0, 0.3]), torch.tensor([1.0, 0.3]))
    one = Mixture(
        log_weights=torch.zeros(1, 1),
        means=torch.tensor([[[0.2, 0.3]]]),
        log_scales=torch.tensor([[[0.1, 0.01]]]).log(),
    )
    found = Density(Normals(one), flat, 0.1)
    at = torch.tensor([[[0.2, 0.3], [0.9, 0.3], [0.9, 0.4]]])
    near, far, off = found.log_density(at)[0].exp().tolist()
    assert far == pytest.approx(0.1 / (2 * 0.01), rel=1e-5)
    assert near == pytest.approx(0.9 / (2 * math.pi * 0.1 * 0.01) + far, rel=1e-4)
    assert off == pytest.approx(0, abs=1e-6)


def test_draws_follow_the_density() -> None:
    known = density(0.3)
    drawn = known.sample(SharedNoise(torch.Generator().manual_seed(0), torch.device("cpu")), 40_000)
    normals = mixture()
    weights = normals.log_weights.exp()[..., None]
    middle = torch.tensor([0.0, 0.5])
    mean = 0.7 * (weights * normals.means).sum(dim=1) + 0.3 * middle
    torch.testing.assert_close(drawn.mean(dim=1), mean, atol=0.02, rtol=0)
    # E_q[1 / q] over a set is its area, if q is positive there: 4 is that of the box.
    inside = ((drawn >= BOX.low) & (drawn <= BOX.high)).all(dim=-1)
    area = (inside * torch.exp(-known.log_density(drawn))).mean(dim=1)
    assert area.tolist() == pytest.approx([4, 4], rel=0.05)


def test_uniform_share_bounds_the_density_from_below_in_the_box_alone() -> None:
    known = density(0.2)
    far = torch.tensor([[[0.99, 1.49], [30.0, 30.0]]]).expand(2, -1, -1)
    logs = known.log_density(far)
    assert torch.isfinite(logs).all()
    assert (logs[:, 0] >= math.log(0.2 / 4) - 1e-5).all() and (logs[:, 1] < -100).all()


def test_a_row_with_its_own_generator_draws_the_same_in_any_batch() -> None:
    known, normals = density(0.3), mixture()
    generators = [torch.Generator().manual_seed(seed) for seed in (4, 5)]
    both = known.sample(RowNoise(generators, torch.device("cpu")), 9)
    second = Density(
        Normals(
            Mixture(
                log_weights=normals.log_weights[1:],
                means=normals.means[1:],
                log_scales=normals.log_scales[1:],
            )
        ),
        BOX,
        0.3,
    ).sample(RowNoise([torch.Generator().manual_seed(5)], torch.device("cpu")), 9)
    assert torch.equal(both[1], second[0])


def test_energy_trained_by_ranking_nce_alone_keeps_branches_and_their_weights() -> None:
    spec, windows = branches()
    config = EBMConfig(
        history=1,
        late_fusion=LateFusionConfig(width=64, depth=2, value_width=64),
        negatives=NegativesConfig(uniform=0, anchored=0, proposal=16),
        proposal=ProposalConfig(components=4, width=32, uniform_share=0.2),
    )
    policy = trained(made(config, spec), windows, steps=500, learning_rate=2e-3)
    assert isinstance(policy, EBM)
    x = np.linspace(-0.9, 0.9, 100, dtype=np.float32)[:, None]
    policy.reset(np.ones(100, bool), range(100))
    chosen = policy.act({"state": x})
    answer = 0.5 + 0.3 * x
    distance = np.minimum(np.abs(chosen - answer), np.abs(chosen + answer))
    assert np.quantile(distance, 0.9) < 0.15
    grid = np.linspace(-1, 1, 200, dtype=np.float32)
    weight = np.exp(-policy.energies(np.tile(grid[:, None], (100, 1, 1))))
    above = weight[:, 100:].sum(1) / weight.sum(1)
    assert float(np.median(above)) == pytest.approx(0.75, abs=0.12)


@pytest.mark.parametrize("starts, near", [(True, True), (False, False)])
@pytest.mark.parametrize("optimiser", ("dfo", "langevin"))
def test_search_of_few_candidates_is_near_where_it_begins_at_the_proposal(
    optimiser: Any, starts: bool, near: bool
) -> None:
    spec, windows = branches()
    config = EBMConfig(
        history=1,
        late_fusion=LateFusionConfig(width=32, depth=2, value_width=32),
        optimiser=optimiser,
        negatives=NegativesConfig(uniform=16, anchored=0, langevin=0),
        dfo=DFOConfig(samples=8, iterations=1),
        langevin=LangevinConfig(samples=8, iterations=1, step_initial=0.0, step_final=0.0),
        proposal=ProposalConfig(components=4, width=32, starts=starts, uniform_share=0.0),
    )
    policy = trained(made(config, spec), windows, steps=300)
    policy.reset(np.ones(100, bool), range(100))
    x = np.linspace(-0.9, 0.9, 100, dtype=np.float32)[:, None]
    chosen, answer = policy.act({"state": x}), 0.5 + 0.3 * x
    distance = np.minimum(np.abs(chosen - answer), np.abs(chosen + answer))
    assert bool(np.quantile(distance, 0.9) < 0.06) == near


def test_proposal_leaves_the_energys_encoder_alone(
    make_spec: MakeSpec, make_windows: MakeWindows
) -> None:
    config = EBMConfig(
        negatives=NegativesConfig(uniform=4, anchored=0, proposal=0),
        proposal=ProposalConfig(starts=True),
    )
    policy, windows = made(config, make_spec()), make_windows()
    policy.fit(windows)
    batch = policy.encode(windows).batch(torch.arange(16))
    plain = made(EBMConfig(negatives=NegativesConfig(uniform=4, anchored=0)), make_spec())
    plain.fit(windows)
    for each in (policy, plain):
        each.loss(batch, torch.Generator().manual_seed(0))[0].backward()
    own = dict(policy.named_parameters())
    for name, parameter in plain.named_parameters():
        assert torch.equal(own[name].grad, parameter.grad)  # type: ignore[arg-type]
    assert own["proposal.head.weight"].grad is not None


@pytest.mark.parametrize(
    "bad", ({"components": 0}, {"depth": 3}, {"uniform_share": 1.0}, {"uniform_share": -0.1})
)
def test_senseless_settings_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        ProposalConfig(**bad)
