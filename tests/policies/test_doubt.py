"""A policy that does not know says so."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import pytest
import torch
from gymnasium import spaces
from small_policies import CONFIGS, SMALL, MakeSpec, MakeWindows, made, trained

from ibc_gym.contracts import PolicySpec
from ibc_gym.errors import ConfigError
from ibc_gym.policies.base import WindowPolicy
from ibc_gym.policies.doubt import POINTS, doubts, evenly_spread
from ibc_gym.policies.ebm import EBMConfig
from ibc_gym.policies.mdn import MDNConfig
from ibc_gym.policies.mse import MSEConfig
from ibc_gym.policies.nearest import Nearest, NearestConfig
from ibc_gym.policies.optimisers.box import Box, Search
from ibc_gym.records import Windows
from ibc_gym.uncertain import Uncertain, doubts_in_words, in_words

BOX = Box(torch.tensor([-1.0, -1.0]), torch.tensor([1.0, 1.0]))
HOW: tuple[Literal["std", "sqrt_std"], ...] = ("std", "sqrt_std")
SPEC = PolicySpec(
    task="two branches",
    observation_space=spaces.Dict({"state": spaces.Box(-20, 20, (1,), np.float32)}),
    action_space=spaces.Box(-2, 2, (1,), np.float32),
    control_period=0.1,
)


def of(energy: Any, chosen: tuple[float, float], temperature: float = 1.0) -> dict[str, float]:
    points = (BOX.low + evenly_spread(2) * (BOX.high - BOX.low))[None]
    taken = torch.tensor([[chosen]])
    even = Search(points, energy(points))
    said = doubts(Search(taken, energy(taken)), even, even, BOX, temperature=temperature)
    return {name: float(values[0]) for name, values in said.items()}


def test_where_all_actions_are_as_good_everything_is_in_question() -> None:
    said = of(lambda a: 0 * a[..., 0], (0.0, 0.0))
    assert said["entropy"] == pytest.approx(math.log(POINTS))
    assert said["spread"] == pytest.approx(1)
    assert said["gap"] == 0
    assert said["deviation"] == pytest.approx(1 / math.sqrt(12), rel=0.02)  # of a uniform density


@pytest.mark.parametrize("width", [0.2, 0.4])
def test_entropy_is_that_of_the_density_that_the_energy_stands_for(width: float) -> None:
    said = of(lambda a: a.square().sum(dim=-1) / (2 * width**2), (0.0, 0.0))
    normal = math.log(2 * math.pi * math.e * width**2) - math.log(
        4
    )  # relative to the box of area 4
    assert math.log(said["spread"]) == pytest.approx(normal, abs=0.15)


def test_gap_is_what_another_action_costs_more_and_nothing_where_there_are_two() -> None:
    def one(a: torch.Tensor) -> torch.Tensor:
        return 10 * a.abs().amax(dim=-1)

    def two(a: torch.Tensor) -> torch.Tensor:
        return 10 * (a[..., 0].abs() - 0.5).abs() + 10 * a[..., 1].abs()

    assert of(one, (0.0, 0.0))["gap"] == pytest.approx(2, abs=0.5)  # 10 times a tenth of the width
    assert of(one, (0.0, 0.0), temperature=4.0)["gap"] == pytest.approx(0.5, abs=0.2)
    assert of(two, (0.5, 0.0))["gap"] == pytest.approx(0, abs=1)
    assert of(one, (0.9, 0.9))["gap"] < -5  # the better one was not taken


def test_points_are_spread_evenly_and_always_the_same() -> None:
    points = evenly_spread(3)
    assert torch.equal(points, evenly_spread(3))
    for octant in range(8):
        corner = torch.tensor([octant & 1, octant >> 1 & 1, octant >> 2]).bool()
        assert abs(int(((points > 0.5) == corner).all(dim=1).sum()) - POINTS // 8) <= 4


def two_branches() -> Windows:
    """Left of 0 the action is 1 or -1, right of it always 0."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (600, 1)).astype(np.float32)
    action = np.where(x < 0, rng.choice([-1.0, 1.0], x.shape), 0.0).astype(np.float32)
    return Windows(
        frames={"state": x},
        index=np.arange(600)[:, None],
        action=action,
        episode=np.zeros(600, np.int64),
    )


def said_at(policy: WindowPolicy, x: float) -> dict[str, float]:
    policy.reset(np.ones(20, np.bool_), list(range(20)))
    policy.act({"state": np.full((20, 1), x, np.float32)})
    return {name: float(values.mean()) for name, values in policy.uncertainty().items()}


@pytest.mark.slow
def test_implicit_policy_is_unsure_where_people_differed_and_lost_where_nobody_was() -> None:
    config = EBMConfig(history=1, late_fusion=SMALL)
    policy = trained(made(config, SPEC), two_branches(), steps=400, learning_rate=5e-3)
    one, two, outside = (said_at(policy, x) for x in (0.6, -0.6, 12.0))
    assert two["gap"] < 0.5 * one["gap"]
    assert two["entropy"] > one["entropy"]
    assert outside["gap"] < 0.5 * one["gap"]
    assert max(one["novelty"], two["novelty"]) < 2 < 10 < outside["novelty"]


@pytest.mark.slow
def test_mixture_is_unsure_where_people_differed_but_only_novelty_knows_that_nobody_was_there() -> (
    None
):
    config = MDNConfig(
        history=1, width=32, depth=2, dropout=0.0, components=4, mean_spread=1.0, scale_floor=0.05
    )
    policy = trained(made(config, SPEC), two_branches(), steps=400, learning_rate=5e-3)
    one, two, outside = (said_at(policy, x) for x in (0.6, -0.6, 12.0))
    assert one["entropy"] < 0.1 < 0.5 < two["entropy"]
    assert one["deviation"] < 0.1 < 0.3 < two["deviation"]
    assert max(one["novelty"], two["novelty"]) < 2 < 10 < outside["novelty"]


def test_table_says_how_far_away_it_looked(make_spec: MakeSpec, make_windows: MakeWindows) -> None:
    policy, windows = Nearest(NearestConfig(history=1), make_spec()), make_windows(history=1)
    policy.fit(windows)
    policy.reset(np.ones(2, np.bool_), [0, 1])
    seen = windows.frames["state"][:2].copy()
    seen[1] += 5
    policy.act({"state": seen})
    near, far = policy.uncertainty()["distance"]
    assert near == 0
    assert far > 5


@pytest.mark.parametrize("name", ["joint", "langevin", "autoregressive", "pixels", "mdn", "mse"])
def test_every_policy_says_finite_numbers_for_every_row(
    name: str, make_spec: MakeSpec, make_windows: MakeWindows
) -> None:
    config = CONFIGS[name]
    picture = (24, 32, 3) if config.image_inputs else None
    policy, windows = (
        made(config, make_spec(picture)),
        make_windows(history=config.history, picture=picture),
    )
    with pytest.raises(ConfigError, match="act"):
        policy.uncertainty()
    policy.fit(windows)
    assert isinstance(policy, Uncertain)
    policy.reset(np.ones(3, np.bool_), [1, 2, 3])
    policy.act({key: frames[:3] for key, frames in windows.frames.items()})
    said = policy.uncertainty()
    assert all(values.shape == (3,) and np.isfinite(values).all() for values in said.values())
    assert {"gap", "entropy"} <= said.keys() or name in ("mdn", "mse")
    assert "novelty" in in_words(policy)


def test_feature_divided_by_the_root_of_its_deviation_counts_in_deviations() -> None:
    windows = two_branches()
    windows.frames["state"][:] = 9 * np.asarray(windows.frames["state"], np.float32)
    policies = [
        made(MSEConfig(history=1, width=8, depth=2, feature_scale=how), SPEC) for how in HOW
    ]
    for policy in policies:
        policy.fit(windows)
    first, second = (said_at(policy, 12.0)["novelty"] for policy in policies)
    assert first == pytest.approx(second, rel=1e-4)


def test_line_tells_the_gap_first_and_nothing_of_what_says_nothing() -> None:
    assert (
        doubts_in_words({"novelty": 1.234, "deviation": 0.2, "gap": 3.21}) == "gap 3.2, novelty 1.2"
    )
    assert doubts_in_words({"deviation": 0.2}) == "deviation 0.2"
    assert in_words(object()) == ""


def test_more_dimensions_than_there_are_evenly_spread_points_for_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"of 21202 numbers is too large.*for up to 21201"):
        evenly_spread(21_202)
