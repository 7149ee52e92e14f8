"""What is taken of an optimiser's last candidates, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ibc_gym.errors import ConfigError
from ibc_gym.policies.ebm import EBMConfig
from ibc_gym.policies.noise import SharedNoise
from ibc_gym.policies.optimisers.autoregressive import AutoregressiveDFOConfig
from ibc_gym.policies.optimisers.box import Search
from ibc_gym.policies.optimisers.dfo import DFOConfig
from ibc_gym.policies.optimisers.langevin import LangevinConfig
from ibc_gym.policies.optimisers.pick import PickConfig, pick
from ibc_gym.policies.ranking import RankingConfig

CONFIGS: tuple[Any, ...] = (DFOConfig, AutoregressiveDFOConfig, LangevinConfig)


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("distance", [-0.1, float("nan"), float("inf")])
def test_a_distance_that_is_none_is_refused(config: Any, distance: float) -> None:
    with pytest.raises(ConfigError, match=rf"{config.__name__}\.pick_within"):
        config(pick="sample", pick_within=distance)


@pytest.mark.parametrize("config", [DFOConfig, AutoregressiveDFOConfig, EBMConfig, RankingConfig])
@pytest.mark.parametrize("temperature", [-1.0, 0.0, 1e-40])
def test_temperature_by_which_energies_overflow_is_refused(config: Any, temperature: float) -> None:
    with pytest.raises(ConfigError, match=rf"{config.__name__}\.temperature is {temperature}"):
        config(temperature=temperature)


@given(seed=st.integers(0, 99), temperature=st.floats(1e-12, 1e12))
def test_the_temperature_of_a_draw_says_nothing_to_the_least_energetic(
    seed: int, temperature: float
) -> None:
    generator = torch.Generator().manual_seed(seed)
    found = Search(
        torch.randn(3, 8, 2, generator=generator), torch.randn(3, 8, generator=generator)
    )
    noise = SharedNoise(generator, torch.device("cpu"))
    assert pick(found, noise, PickConfig(), temperature).equal(found.least())


def test_cold_draws_take_the_least_and_hot_ones_everything() -> None:
    generator = torch.Generator().manual_seed(0)
    candidates = torch.arange(4.0).reshape(1, 4, 1).expand(4000, 4, 1)
    found = Search(candidates, torch.tensor([0.0, 1.0, 2.0, 3.0]).expand(4000, 4))
    noise = SharedNoise(generator, torch.device("cpu"))
    cold, hot = (
        torch.bincount(
            pick(found, noise, PickConfig(pick="sample"), temperature)[:, 0].long(), minlength=4
        )
        / 4000
        for temperature in (0.01, 100.0)
    )
    assert cold.tolist() == [1, 0, 0, 0]
    assert (hot - 0.25).abs().max() < 0.03
