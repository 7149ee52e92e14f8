"""What the implicit policy is trained by: every loss, every kind of counter-example, penalties."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from small_policies import SMALL, Fitted, MakeSpec, MakeWindows, made, trained
from torch import Tensor
from torch.func import functional_call

from ibc_gym.errors import ConfigError
from ibc_gym.policies.ebm import EBMConfig
from ibc_gym.policies.losses import GradientPenaltyConfig, gradient_penalty
from ibc_gym.policies.negatives import NegativesConfig
from ibc_gym.policies.networks.factory import JointConfig
from ibc_gym.policies.noise import SharedNoise
from ibc_gym.policies.optimisers.dfo import DFOConfig
from ibc_gym.policies.optimisers.langevin import LangevinConfig

WALK = LangevinConfig(samples=8, iterations=3, noise=0.0)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("loss", ["info_nce", "cd", "clipped_cd", "soft_clipped_cd", "cd_kl"])
def test_every_loss_pulls_the_demonstration_below_its_counter_examples(
    loss: Any, make_spec: MakeSpec, make_windows: MakeWindows
) -> None:
    windows = make_windows()
    windows.action[:] = [0.5, 0.1]
    windows.action[::2] += np.array([0.3, -0.2], np.float32)
    config = EBMConfig(
        late_fusion=SMALL,
        loss=loss,
        negatives=NegativesConfig(uniform=8, langevin=4, anchored=0),
        langevin=replace(WALK, noise=1.0),
        gradient_penalty=GradientPenaltyConfig(weight=1.0),
    )
    policy = trained(made(config, make_spec()), windows, steps=60)
    batch = policy.encode(windows).batch(torch.arange(64))
    policy.eval()
    total, parts = policy.loss(batch, generator())
    assert torch.isfinite(total)
    assert parts["energy_gap"] > 0.01
    assert loss in parts


def test_gradient_of_cd_kl_is_autograds_through_the_chain_written_out(fitted: Fitted) -> None:
    config = EBMConfig(
        late_fusion=SMALL,
        loss="cd_kl",
        negatives=NegativesConfig(langevin=4, uniform=0, anchored=0),
        gradient_penalty=GradientPenaltyConfig(weight=0.0),
        langevin=WALK,
    )
    policy, batch = fitted(config)
    policy.double()
    batch = {name: values.double() for name, values in batch.items()}
    weights = dict(policy.network.named_parameters())
    total, parts = policy.loss(batch, generator(4))
    found = torch.autograd.grad(total, list(weights.values()))

    # As the loss does: draw the starts, walk three steps with autograd, judge the ends by frozen weights.
    low, high = policy.box.low, policy.box.high
    actions = low + torch.rand((8, 4, 2), generator=generator(4)) * (high - low)
    context = policy.network.encode(batch)
    for k in range(3):
        actions = actions if actions.requires_grad else actions.requires_grad_()
        energy = policy.network(context, actions).sum()
        (slope,) = torch.autograd.grad(energy, actions, create_graph=True)
        size = (0.1 - 1e-5) * (1 - k / 2) ** 2 + 1e-5
        reach = 0.1 * (high - low) / 2
        actions = torch.clamp(actions - torch.clamp(0.5 * size * slope, -reach, reach), low, high)
    frozen = {name: value.detach() for name, value in weights.items()}
    judged = functional_call(policy.network, frozen, (context.detach(), actions))
    apart = (actions[:, :, None] - actions[:, None]).square().sum(dim=-1)
    kl = judged.mean() + torch.exp(-0.1 * apart).mean()
    ends = actions.detach()
    cd = (policy.network(context, batch["action"][:, None]) - policy.network(context, ends)).mean()
    expected = torch.autograd.grad(kl + cd, list(weights.values()))
    assert float(parts["chain_divergence"]) == pytest.approx(float(kl.detach()), abs=1e-9)
    only_cd = torch.autograd.grad(
        (policy.network(policy.network.encode(batch), batch["action"][:, None])).mean()
        - policy.network(policy.network.encode(batch), ends).mean(),
        list(weights.values()),
    )
    assert any(not torch.allclose(a, b) for a, b in zip(expected, only_cd, strict=True))
    for mine, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-6, rtol=0)


@pytest.mark.parametrize("points", ("end", "all"))
@pytest.mark.parametrize("include_positive", (True, False))
@pytest.mark.parametrize("norm", ("l1", "l2", "linf"))
def test_penalty_is_on_the_points_that_it_is_said_to_be_on(
    fitted: Fitted, points: Any, include_positive: bool, norm: Any
) -> None:
    config = EBMConfig(
        late_fusion=SMALL,
        negatives=NegativesConfig(langevin=4, uniform=0, anchored=0),
        gradient_penalty=GradientPenaltyConfig(
            points=points, include_positive=include_positive, norm=norm, margin=0.0
        ),
        langevin=WALK,
    )
    policy, batch = fitted(config)
    _, parts = policy.loss(batch, generator(4))
    context = policy.network.encode(batch).detach()
    low, high = policy.box.low, policy.box.high
    actions = low + torch.rand((8, 4, 2), generator=generator(4)) * (high - low)
    path = [actions]
    for k in range(3):
        slope = policy.network.action_gradient(context, path[-1]).detach()
        size = (0.1 - 1e-5) * (1 - k / 2) ** 2 + 1e-5
        reach = 0.1 * (high - low) / 2
        moved = path[-1] - torch.clamp(0.5 * size * slope, -reach, reach)
        path.append(torch.clamp(moved, low, high))
    expected = path if points == "all" else path[-1:]
    expected = [batch["action"][:, None], *expected] if include_positive else expected
    slopes = policy.network.action_gradient(context, torch.cat(expected, dim=1))
    penalty = gradient_penalty(slopes, margin=0.0, norm=norm)
    torch.testing.assert_close(parts["gradient_penalty"], penalty.detach())


def test_chains_walk_without_dropout_and_training_goes_on_with_it(
    fitted: Fitted, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = EBMConfig(
        network="joint",
        joint=JointConfig(trunk="mlp", width=16, depth=2, dropout=0.5),
        optimiser="langevin",
        negatives=NegativesConfig(langevin=4, uniform=0, anchored=0),
        gradient_penalty=GradientPenaltyConfig(weight=0.0),
        langevin=WALK,
    )
    policy, batch = fitted(config)
    policy.train()
    training: list[bool] = []
    slope = policy.network.action_gradient

    def watched(*given: Any, **named: Any) -> torch.Tensor:
        training.append(policy.network.value.training)
        return slope(*given, **named)

    monkeypatch.setattr(policy.network, "action_gradient", watched)
    policy.loss(batch, generator(4))
    assert training == [False] * WALK.iterations
    assert policy.network.value.training


def test_penalty_leaves_counter_examples_beside_the_demonstration_alone(
    fitted: Fitted, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = EBMConfig(
        late_fusion=SMALL,
        negatives=NegativesConfig(uniform=5, anchored=3),
        gradient_penalty=GradientPenaltyConfig(weight=1.0, include_positive=False),
    )
    policy, batch = fitted(config)
    judged: list[Tensor] = []
    slope = policy.network.action_gradient

    def watched(context: Tensor, actions: Tensor, **named: Any) -> Tensor:
        judged.append(actions)
        return slope(context, actions, **named)

    monkeypatch.setattr(policy.network, "action_gradient", watched)
    policy.loss(batch, generator())
    assert [each.shape for each in judged] == [(8, 5, 2)]


def test_loss_is_as_warm_as_its_temperature(fitted: Fitted) -> None:
    config = EBMConfig(late_fusion=SMALL, negatives=NegativesConfig(uniform=16, anchored=0))
    losses = []
    for temperature, factor in ((0.25, 1.0), (1.0, 4.0)):
        policy, batch = fitted(replace(config, temperature=temperature))
        with torch.no_grad():  # energies by that factor
            for parameter in policy.network.value.head.parameters():
                parameter.mul_(factor)
        losses.append(policy.loss(batch, generator())[1]["info_nce"].item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


@pytest.mark.parametrize("again", [False, True])
def test_candidates_of_a_search_are_resampled_once_more_if_the_config_says_so(
    fitted: Fitted, again: bool
) -> None:
    config = EBMConfig(
        late_fusion=SMALL,
        negatives=NegativesConfig(dfo=64, uniform=0, anchored=0),
        dfo=DFOConfig(iterations=1, resample_last=again),
    )
    policy, batch = fitted(config)
    context, noise = policy.network.encode(batch), SharedNoise(generator(), torch.device("cpu"))
    found = policy._counter_examples(context, batch, noise, None).groups["info_nce"]
    kept = [len(row.unique(dim=0)) for row in found]
    assert max(kept) < 60 if again else min(kept) == 64, "drawn with replacement, some twice"


def test_proposal_learns_by_its_own_loss_and_not_by_that_of_the_energy(fitted: Fitted) -> None:
    config = EBMConfig(
        late_fusion=SMALL, negatives=NegativesConfig(uniform=4, anchored=0, proposal=8)
    )
    policy, batch = fitted(config)
    assert policy.proposal is not None
    weights = list(policy.proposal.parameters())
    total, _ = policy.loss(batch, generator())
    found = torch.autograd.grad(total, weights)
    density = policy._proposed(policy.network.encode(batch))
    assert density is not None
    own = -density.log_density(batch["action"][:, None]).mean()
    for one, other in zip(found, torch.autograd.grad(own, weights), strict=True):
        torch.testing.assert_close(one, other)


def test_chains_that_act_are_clipped_as_those_that_train(fitted: Fitted) -> None:
    """With a step of at most a thousandth, three of them end where they began."""
    walk = LangevinConfig(samples=4, iterations=3, noise=0.0, inference_noise=0.0)
    ends = []
    for clip in (1e-3, None):
        config = EBMConfig(
            late_fusion=SMALL,
            optimiser="langevin",
            negatives=NegativesConfig(langevin=4, uniform=0, anchored=0),
            langevin=replace(walk, step_initial=1e3, delta_clip=clip),
        )
        policy, batch = fitted(config)
        policy.eval()
        noise = SharedNoise(generator(7), torch.device("cpu"))
        context = policy.network.encode(batch)
        ends.append(policy._search(context, noise, validating=False).candidates)
    start = policy.box.sample(SharedNoise(generator(7), torch.device("cpu")), len(context), 4)
    reach = 3 * 1e-3 * (policy.box.high - policy.box.low) / 2
    assert ((ends[0] - start).abs() <= reach + 1e-6).all()
    assert ((ends[1] - start).abs() > 10 * reach).any()


def test_counter_examples_of_a_mixture_are_those_of_its_kinds(fitted: Fitted) -> None:
    config = EBMConfig(
        late_fusion=SMALL,
        negatives=NegativesConfig(
            total=40,
            fraction_dfo=0.25,
            fraction_langevin=0.25,
            fraction_anchored=0.2,
            fraction_proposal=0.1,
        ),
        langevin=WALK,
        dfo=DFOConfig(iterations=4, temperature=1e-3),
    )
    policy, batch = fitted(config)
    seen: list[Tensor] = []
    forward = policy.network.forward

    def spy(context: Tensor, actions: Tensor) -> Tensor:
        if torch.is_grad_enabled():
            seen.append(actions)
        return forward(context, actions)

    policy.network.forward = spy  # type: ignore[method-assign]
    _, parts = policy.loss(batch, generator())
    (candidates,) = seen
    assert candidates.shape == (8, 41, 2)
    assert torch.equal(candidates[:, 0], batch["action"])
    assert {"info_nce", "info_nce_anchored", "ranking_nce", "proposal"} <= set(parts)
    energies = policy.network(policy.network.encode(batch), candidates)
    uniform, dfo = energies[:, 1:9], energies[:, 19:29]  # 8 uniform, 10 Langevin, 10 DFO
    assert (dfo.mean(dim=1) < uniform.mean(dim=1)).all()


@pytest.mark.parametrize(
    "bad, words",
    [
        ({"loss": "cd_kl"}, r"cd_kl.*set negatives\.langevin"),
        (
            {"gradient_penalty": GradientPenaltyConfig(points="all", weight=1.0)},
            r"points='all'.*set negatives\.langevin",
        ),
        (
            {
                "loss": "cd_kl",
                "optimiser": "langevin",
                "network": "joint",
                "joint": JointConfig(activation="swish"),
            },
            "swish",
        ),
        (
            {
                "negatives": NegativesConfig(uniform=0),
                "gradient_penalty": GradientPenaltyConfig(weight=1.0, include_positive=False),
            },
            r"no other point.*Set include_positive=True",
        ),
        ({"temperature": 0.0}, "temperature"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(bad: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        EBMConfig(**bad)


@pytest.mark.parametrize(
    "negatives, penalty",
    [
        (NegativesConfig(uniform=1), GradientPenaltyConfig(weight=1.0, include_positive=False)),
        (NegativesConfig(uniform=0), GradientPenaltyConfig(weight=1.0)),
        (NegativesConfig(uniform=0), GradientPenaltyConfig(include_positive=False)),
    ],
)
def test_penalty_that_has_a_point_or_no_weight_is_taken(
    negatives: NegativesConfig, penalty: GradientPenaltyConfig
) -> None:
    assert EBMConfig(negatives=negatives, gradient_penalty=penalty).gradient_penalty is penalty
