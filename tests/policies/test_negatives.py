from __future__ import annotations

import pytest
import torch

from ibc_gym.errors import ConfigError
from ibc_gym.policies.negatives import NegativesConfig, anchored
from ibc_gym.policies.noise import SharedNoise


def noise() -> SharedNoise:
    return SharedNoise(torch.Generator().manual_seed(0), torch.device("cpu"))


def test_anchored_examples_scatter_around_a_point_that_is_not_the_demonstration() -> None:
    demonstrated = torch.tensor([[0.4, -0.2]]).expand(500, -1)
    examples = anchored(demonstrated, 400, noise(), (0.1, 0.1))
    assert examples.shape == (500, 400, 2)
    within = examples.std(dim=1)
    assert within.mean().item() == pytest.approx(0.1, rel=0.05)
    anchors = examples.mean(dim=1)
    assert (anchors - demonstrated).std(dim=0).tolist() == pytest.approx([0.1, 0.1], rel=0.15)


def test_demonstration_is_no_nearer_to_the_anchor_than_its_counter_examples() -> None:
    # That makes them exchangeable a priori, which is why plain energies need no density correction.
    demonstrated = torch.zeros(4000, 1)
    examples = anchored(demonstrated, 64, noise(), (0.02, 0.5))
    centre = examples.mean(dim=1, keepdim=True)
    rank = ((examples - centre).abs() < (demonstrated[:, None] - centre).abs()).float().mean()
    assert rank.item() == pytest.approx(0.5, abs=0.03)


def test_scales_are_drawn_log_uniformly_between_the_bounds() -> None:
    examples = anchored(torch.zeros(2000, 1), 300, noise(), (0.02, 0.5))
    deviation = examples.std(dim=1)[:, 0]
    assert deviation.min() > 0.015 and deviation.max() < 0.6
    assert deviation.log().mean().exp().item() == pytest.approx((0.02 * 0.5) ** 0.5, rel=0.05)


def test_counts_follow_the_optimiser_where_they_are_not_said() -> None:
    dfo = NegativesConfig().resolved("dfo")
    assert (dfo.uniform, dfo.anchored, dfo.langevin) == (16, 16, 0)
    langevin = NegativesConfig().resolved("langevin")
    assert (langevin.uniform, langevin.anchored, langevin.langevin) == (0, 0, 8)
    mixed = NegativesConfig(uniform=4, dfo=3).resolved("langevin")
    assert (mixed.pooled, mixed.anchored) == (15, 0)


def test_no_counter_examples_at_all_are_refused() -> None:
    with pytest.raises(ConfigError, match="without counter-examples"):
        NegativesConfig(uniform=0, anchored=0).resolved("dfo")
    with pytest.raises(ConfigError, match="negative"):
        NegativesConfig(uniform=-1)
