"""The policy that ranks candidates: the energy chooses, among what the mixture names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from small_policies import made, trained

from ibc_gym.contracts import PolicySpec
from ibc_gym.errors import ConfigError
from ibc_gym.policies.mixture import Mixture
from ibc_gym.policies.networks.factory import LateFusionConfig
from ibc_gym.policies.ranking import Ranking, RankingConfig
from ibc_gym.records import Windows

pytestmark = pytest.mark.slow

SIZE = 24
"""Dimensions of the action: too many to be searched."""
SPEC = PolicySpec(
    task="switch",
    observation_space=spaces.Dict({"state": spaces.Box(-1, 1, (1,), np.float32)}),
    action_space=spaces.Box(-1, 1, (SIZE,), np.float32),
    control_period=0.1,
)
CORNER = np.where(np.arange(SIZE) % 2, 0.8, -0.8).astype(np.float32)
CONFIG = RankingConfig(
    history=1, late_fusion=LateFusionConfig(width=64, depth=2, value_width=64), components=4
)


def switch(count: int = 4000) -> Windows:
    """One of two opposite corners of the box, by the sign of x; about 0, either."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (count, 1)).astype(np.float32)
    sign = np.where(np.abs(x) < 0.1, rng.choice([-1.0, 1.0], x.shape), np.sign(x))
    return Windows(
        frames={"state": x},
        index=np.arange(count)[:, None],
        action=(sign * CORNER).astype(np.float32),
        episode=np.arange(count),
    )


@pytest.fixture(scope="module")
def learned() -> Ranking:
    policy = trained(made(CONFIG, SPEC), switch(), steps=400)
    assert isinstance(policy, Ranking)
    return policy


def acted(policy: Ranking, x: np.ndarray, **changes: Any) -> np.ndarray:
    policy._ranking = replace(CONFIG, **changes)
    policy.reset(np.ones(len(x), dtype=np.bool_), list(range(len(x))))
    return policy.act({"state": x})


def test_the_energy_alone_takes_the_corner_that_is_meant(learned: Ranking) -> None:
    x = np.concatenate([np.linspace(-1, -0.15, 40), np.linspace(0.15, 1, 40)])
    x = x[:, None].astype(np.float32)
    chosen = acted(learned, x, least_share=0.01)
    assert np.abs(chosen - np.sign(x) * CORNER).max() < 0.1


def test_where_both_are_right_it_takes_one_and_no_average(learned: Ranking) -> None:
    x = np.linspace(-0.05, 0.05, 30, dtype=np.float32)[:, None]
    chosen = acted(learned, x, least_share=0.01)
    away = np.minimum(np.abs(chosen - CORNER).max(axis=1), np.abs(chosen + CORNER).max(axis=1))
    assert away.max() < 0.15


def test_candidates_are_the_mixtures_means_and_the_least_energetic_is_taken(
    learned: Ranking,
) -> None:
    x = np.array([[-0.7], [0.7]], dtype=np.float32)
    chosen = acted(learned, x, least_share=0.0)
    candidates = learned.candidates()
    assert candidates.shape == (2, CONFIG.components, SIZE)
    energies = learned.energies(candidates)
    least = candidates[np.arange(2), energies.argmin(axis=1)]
    np.testing.assert_allclose(chosen, least, atol=1e-6)


def test_drawn_are_the_candidates_by_their_weight(learned: Ranking) -> None:
    x = np.zeros((400, 1), np.float32)
    chosen = acted(learned, x, pick="sample", acting_temperature=0.5, jitter=0.0)
    candidates = learned.candidates()
    energies = torch.from_numpy(learned.energies(candidates)[0])
    likely = mixture_of(learned, x[:1]).log_weights[0].exp() >= CONFIG.least_share
    assert 1 < likely.sum() < CONFIG.components
    away = np.linalg.norm(candidates[0] - chosen[:, None], axis=2)
    assert away.min(axis=1).max() < 1e-5
    shares = np.bincount(away.argmin(axis=1), minlength=CONFIG.components) / 400
    expected = torch.softmax(-energies.masked_fill(~likely, torch.inf) / 0.5, dim=0)
    np.testing.assert_allclose(shares, expected, atol=0.1)
    assert not shares[~likely].any()


def doubts_about(learned: Ranking, mixture: Mixture, patch: pytest.MonkeyPatch) -> Any:
    """What it doubts where the mixture is this one, and all of its candidates are as good as another."""
    patch.setattr(learned, "_mixture", lambda encoded: mixture)
    patch.setattr(
        learned, "_energies", lambda context, mixture, actions: torch.zeros(actions.shape[:2])
    )
    acted(learned, np.zeros((1, 1), np.float32))
    return learned.uncertainty()


@pytest.mark.parametrize(
    ("shares", "entropy", "gap"), [((1, 0), 0.0, 20.0), ((0.5, 0.5), np.log(2), 0.0)]
)
def test_doubt_is_between_the_candidates_that_are_likely(
    learned: Ranking,
    shares: tuple[float, float],
    entropy: float,
    gap: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    corners = torch.stack([torch.full((SIZE,), each) for each in (-0.8, 0.8, -0.1, 0.1)])
    mixture = Mixture(
        log_weights=torch.tensor([[*shares, 0.0, 0.0]]).log(),
        means=corners[None],
        log_scales=torch.zeros(1, 4, SIZE),
    )
    said = doubts_about(learned, mixture, monkeypatch)
    np.testing.assert_allclose(said["entropy"], entropy, atol=1e-6)
    np.testing.assert_allclose(said["gap"], gap, atol=1e-6)
    np.testing.assert_allclose(said["spread"], np.exp(entropy) / 4, atol=1e-6)


def test_where_all_candidates_agree_nothing_else_is_in_question(
    learned: Ranking, monkeypatch: pytest.MonkeyPatch
) -> None:
    close = torch.tensor([0.0, 0.01, 0.02, 0.03])[:, None].expand(-1, SIZE)
    mixture = Mixture(
        log_weights=torch.full((1, 4), 0.25).log(),
        means=close[None],
        log_scales=torch.zeros(1, 4, SIZE),
    )
    said = doubts_about(learned, mixture, monkeypatch)
    np.testing.assert_allclose(said["gap"], 20.0, atol=1e-6)


def test_what_is_drawn_is_moved_as_in_training(learned: Ranking) -> None:
    x = np.full((400, 1), 0.7, np.float32)
    still = acted(learned, x, pick="sample", acting_temperature=1e-3, jitter=0.0)
    moved = acted(learned, x, pick="sample", acting_temperature=1e-3, jitter=0.05)
    scale = learned.fitted()["action"]["scale"]
    assert np.ptp(still, axis=0).max() < 1e-5
    np.testing.assert_allclose(moved.std(axis=0) / scale, 0.05, rtol=0.3)


def test_a_temperature_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="acting_temperature"):
        replace(CONFIG, acting_temperature=0.0)


def test_a_prior_of_great_weight_leaves_the_choice_to_the_mixture(learned: Ranking) -> None:
    x = np.linspace(-1, 1, 20, dtype=np.float32)[:, None]
    chosen = acted(learned, x, prior=1e6)
    mixture = mixture_of(learned, x)
    candidates = learned.box.clip(mixture.means)
    densest = mixture.log_densities(candidates).argmax(dim=1)
    likely = candidates[torch.arange(20), densest].numpy()
    fitted = learned.fitted()["action"]
    np.testing.assert_allclose(chosen, likely * fitted["scale"] + fitted["offset"], atol=1e-5)


def test_with_a_prior_the_energy_is_the_networks_less_the_mixtures_log_density(
    learned: Ranking,
) -> None:
    x = np.array([[-0.5], [0.5]], dtype=np.float32)
    actions = np.random.default_rng(0).uniform(-1, 1, (2, 5, SIZE)).astype(np.float32)
    acted(learned, x)
    alone = learned.energies(actions)
    acted(learned, x, prior=0.5)
    together = learned.energies(actions)
    normalised = learned.codec.fit_result.action.apply(actions)
    density = mixture_of(learned, x).log_densities(torch.from_numpy(normalised))
    np.testing.assert_allclose(together, alone - 0.5 * density.numpy(), rtol=1e-4, atol=1e-3)


def test_what_is_left_to_the_energy_is_learned_beside_the_prior() -> None:
    learned = trained(made(replace(CONFIG, prior=1.0), SPEC), switch(), steps=400)
    assert isinstance(learned, Ranking)
    chosen = acted(learned, np.array([[-0.6], [0.6]], np.float32), prior=1.0, least_share=0.0)
    assert np.abs(chosen - np.stack([-CORNER, CORNER])).max() < 0.1


def mixture_of(policy: Ranking, x: np.ndarray) -> Mixture:
    windows = Windows(
        frames={"state": x},
        index=np.arange(len(x))[:, None],
        action=np.zeros((len(x), SIZE), np.float32),
        episode=np.arange(len(x)),
    )
    batch = policy.encode(windows).batch(torch.arange(len(x)))
    with torch.no_grad():
        return policy._mixture(policy._context_of(policy._prepared(batch)))


def test_the_demonstration_is_never_its_own_counter_example() -> None:
    """With every candidate masked the contrast is 0, however the energies lie."""
    policy = made(replace(CONFIG, same=1e6), SPEC)
    policy = trained(policy, switch(200), steps=1)
    data = policy.encode(switch(200))

    _, parts = policy.loss(data.batch(torch.arange(64)), torch.Generator().manual_seed(0))
    assert float(parts["info_nce"]) == 0.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"components": 0},
        {"jitter": -0.1},
        {"same": -1.0},
        {"prior": float("nan")},
        {"least_share": 0.25},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        replace(CONFIG, **wrong)
