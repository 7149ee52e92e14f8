"""Counter-examples near the demonstration: at the distances that are asked for, and without a bias."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from trials import trials

from ibc_gym.policies.anchored import Scales, anchored, reflected
from ibc_gym.policies.noise import SharedNoise
from ibc_gym.policies.optimisers.box import Box

UNIT = Box(torch.tensor([-1.0]), torch.tensor([1.0]))


def noise(seed: int = 0) -> SharedNoise:
    return SharedNoise(torch.Generator().manual_seed(seed), torch.device("cpu"))


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


def test_with_a_deviation_each_one_row_has_all_distances() -> None:
    examples = anchored(torch.zeros(400, 1), 4000, noise(), (0.001, 0.5), scales="each")
    spread = (examples - examples.median(dim=1, keepdim=True).values).abs()[..., 0]
    near, far = spread.quantile(0.2, dim=1), spread.quantile(0.95, dim=1)
    assert (far / near).median() > 100
    alike = anchored(torch.zeros(400, 1), 4000, noise(), (0.001, 0.5))
    spread = (alike - alike.mean(dim=1, keepdim=True)).abs()[..., 0]
    assert (spread.quantile(0.95, dim=1) / spread.quantile(0.2, dim=1)).max() < 12


def test_deviation_may_be_a_share_of_the_box_along_each_dimension() -> None:
    unit = torch.tensor([2.0, 0.5])
    examples = anchored(torch.zeros(300, 2), 300, noise(), (0.1, 0.1), unit=unit)
    within = examples.std(dim=1).mean(dim=0)
    assert within.tolist() == pytest.approx([0.2, 0.05], rel=0.05)


@settings(max_examples=trials(30), deadline=None)
@given(
    value=st.floats(-50, 50, width=32),
    low=st.floats(-5, 5, width=32),
    side=st.sampled_from([0.0, 0.125, 1.0, 2.25]),
)
def test_reflection_ends_in_the_box_and_leaves_alone_what_is_inside(
    value: float, low: float, side: float
) -> None:
    box = Box(torch.tensor([low]), torch.tensor([low + side]))
    folded = reflected(torch.tensor([value]), box)
    assert box.low <= folded <= box.high
    if low <= value <= low + side:
        assert float(folded) == pytest.approx(value, abs=1e-5)


def test_reflection_goes_back_as_far_as_the_step_went_beyond() -> None:
    actions = torch.tensor([[-1.3], [1.2], [3.1], [-7.5]])
    assert reflected(actions, UNIT)[:, 0].tolist() == pytest.approx([-0.7, 0.8, -0.9, 0.5])


Draw = Callable[[Tensor, SharedNoise], Tensor]
"""Counter-examples (B, N, 1) for demonstrations (B, 1)."""


def bias(draw: Draw, *, rows: int = 60_000) -> float:
    """How far from zero, in standard errors, the slope of InfoNCE is at -E = log p, in the worst of four directions.

    In the direction g it is E[g(demonstration)] - E[sum of softmax_i(log p) g(a_i)]: zero for every g if and only if
    log p minimises the loss over these counter-examples. Here p(a) is in proportion to exp(1.5 a - a²) in [-1, 1], so
    that much of it lies at an edge.
    """
    generator = torch.Generator().manual_seed(5)
    grid = torch.linspace(-1, 1, 20_001)
    chosen = torch.multinomial(log_p(grid).exp(), rows, True, generator=generator)
    demonstrated = grid[chosen][:, None]
    candidates = torch.cat([demonstrated[..., None], draw(demonstrated, noise(6))], dim=1)[..., 0]
    weights = torch.softmax(log_p(candidates), dim=1)
    worst = 0.0
    for g in (torch.sin, torch.square, lambda a: (a.abs() > 0.8).float(), torch.abs):
        apart = g(candidates[:, 0]) - (weights * g(candidates)).sum(dim=1)
        worst = max(worst, float(apart.mean().abs() / (apart.std() / rows**0.5)))
    return worst


def log_p(actions: Tensor) -> Tensor:
    inside = actions.abs() <= 1
    return torch.where(inside, 1.5 * actions - actions**2, torch.full_like(actions, -40.0))


@pytest.mark.parametrize("within", [None, UNIT])
@pytest.mark.parametrize("scales", ["one", "each"])
@pytest.mark.parametrize("scale", [(0.3, 0.3), (0.005, 1.5)])
def test_log_density_minimises_the_loss_over_anchored_examples(
    scale: tuple[float, float], scales: Scales, within: Box | None
) -> None:
    assert bias(lambda a, n: anchored(a, 7, n, scale, scales=scales, within=within)) < 4


def around_the_demonstration(demonstrated: Tensor, drawn: SharedNoise) -> Tensor:
    """No anchor: the demonstration is in the middle of the others."""
    return demonstrated[:, None] + 0.3 * drawn.normal(len(demonstrated), 7, 1)


def clipped(demonstrated: Tensor, drawn: SharedNoise) -> Tensor:
    anchor = (demonstrated[:, None] + 0.5 * drawn.normal(len(demonstrated), 1, 1)).clamp(-1, 1)
    return (anchor + 0.5 * drawn.normal(len(demonstrated), 7, 1)).clamp(-1, 1)


def rejected(demonstrated: Tensor, drawn: SharedNoise) -> Tensor:
    """Every step is drawn again until it ends inside."""
    anchor = redrawn(demonstrated[:, None], drawn)
    return redrawn(anchor.expand(-1, 7, -1), drawn)


def redrawn(start: Tensor, drawn: SharedNoise) -> Tensor:
    tries = start[..., None] + 0.5 * drawn.normal(*start.shape, 24)
    first = (tries.abs() <= 1).float().argmax(dim=-1, keepdim=True)
    return tries.gather(-1, first)[..., 0]


@pytest.mark.parametrize("draw", [around_the_demonstration, clipped, rejected])
def test_it_does_not_without_an_anchor_or_where_steps_are_clipped_or_rejected_at_the_edges(
    draw: Draw,
) -> None:
    assert bias(draw) > 8


@pytest.mark.parametrize("scales", ["one", "each"])
def test_steps_between_two_places_are_as_likely_there_as_back(scales: Scales) -> None:
    # From the anchor's side: K(a | b) = K(b | a), for two bins near an edge and far from it.
    def into(start: float, end: float) -> float:
        count = 0
        for seed in range(4):
            here = torch.full((100_000, 1), start)
            step = anchored(here, 1, noise(seed), (0.1, 0.8), scales=scales, within=UNIT)
            count += int(((step[:, 0, 0] - end).abs() < 0.05).sum())
        return count / 400_000

    assert into(0.93, 0.4) == pytest.approx(into(0.4, 0.93), rel=0.04)
