"""Axes none of which is special: whatever is exchanged is exchanged alike in what is seen and what is done."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st

from ibc_gym.contracts import PolicySpec
from ibc_gym.errors import ConfigError, SpecMismatch
from ibc_gym.normalise import min_max, standardise
from ibc_gym.policies.augmentation import augmented
from ibc_gym.policies.axes import exchanged, fitted_alike, images
from ibc_gym.policies.codec import Codec
from ibc_gym.policies.inputs import InputConfig
from ibc_gym.policies.mse import MSE, MSEConfig
from ibc_gym.records import Windows

AXES = 3
CENTRES = (0.5, 0.0)
"""Of a position and a velocity."""


def spec_of(
    low: Any = 0.0,
    high: Any = 1.0,
    state: int = 2 * AXES,
    within: tuple[Any, Any] = (-np.inf, np.inf),
) -> PolicySpec:
    """A point that is told where to go."""
    least, most = (np.broadcast_to(np.float32(each), (state,)).copy() for each in within)
    return PolicySpec(
        task="point",
        observation_space=spaces.Dict({"state": spaces.Box(least, most)}),
        action_space=spaces.Box(
            np.broadcast_to(np.float32(low), (AXES,)).copy(),
            np.broadcast_to(np.float32(high), (AXES,)).copy(),
        ),
        control_period=0.1,
    )


@pytest.fixture
def windows() -> Windows:
    """It is somewhere, moves somehow, and is told to go to where its position and velocity say."""
    random, count = np.random.default_rng(0), 40
    place = random.uniform(0, 1, (count, AXES)) * [1, 0.5, 0.2]
    speed = random.normal((0, 1, 2), 1, (count, AXES))
    return Windows(
        frames={"state": np.concatenate([place, speed], axis=1).astype(np.float32)},
        index=np.stack([np.arange(count)] * 2, axis=1),
        action=np.clip(0.8 * place + 0.1, 0, 1).astype(np.float32),
        episode=np.zeros(count, np.int64),
    )


def codec_of(windows: Windows, **config: Any) -> Codec:
    codec = Codec(InputConfig(axis_centres=CENTRES, **config), spec_of(), None)
    codec.fit(windows)
    return codec


@pytest.mark.parametrize("normalisation", ("min_max", "standardise"))
def test_every_axis_has_the_same_units_and_centres_become_zero(
    windows: Windows, normalisation: Any
) -> None:
    fit = codec_of(windows, action_normalisation=normalisation).fit_result
    np.testing.assert_allclose(fit.inputs["state"].offset, [0.5] * AXES + [0.0] * AXES, atol=1e-6)
    np.testing.assert_allclose(fit.action.offset, [0.5] * AXES, atol=1e-6)
    for scale in (fit.inputs["state"].scale[:AXES], fit.inputs["state"].scale[AXES:]):
        assert len(set(scale.tolist())) == 1
    assert len(set(fit.action.scale.tolist())) == 1
    for corner in (fit.low, fit.high):
        assert corner.shape == (AXES,)
        assert len(set(corner.tolist())) == 1
    np.testing.assert_allclose(fit.low, -fit.high, atol=1e-6)


def test_units_are_those_of_all_images_of_the_data(windows: Windows) -> None:
    place = windows.frames["state"][:, :AXES].astype(np.float64)
    found = codec_of(windows).fit_result
    assert found.inputs["state"].scale[0] == pytest.approx(
        np.sqrt(((place - 0.5) ** 2).mean()), rel=1e-5
    )
    assert found.action.scale[0] == pytest.approx(np.abs(windows.action - 0.5).max(), rel=1e-5)


@given(
    seed=st.integers(0, 2**31),
    count=st.integers(1, 7),
    size=st.integers(1, 5),
    vectors=st.integers(1, 4),
    horizon=st.integers(1, 3),
)
def test_observation_and_action_move_together(
    seed: int, count: int, size: int, vectors: int, horizon: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    places = torch.randn(count, vectors, size, generator=generator)
    features = places.reshape(count, -1)
    action = places[:, :1].expand(-1, horizon, -1).reshape(count, -1)
    before = {"features": features, "action": action, "other": features}
    found = exchanged(before, size, generator)
    there = found["features"].reshape(count, vectors, size)
    # Whatever is the same vector remains the same, and no length or angle between vectors has changed.
    for step in range(horizon):
        torch.testing.assert_close(
            found["action"].reshape(count, horizon, size)[:, step], there[:, 0]
        )
    torch.testing.assert_close(there @ there.mT, places @ places.mT)
    torch.testing.assert_close(
        there.abs().sort(dim=2).values, places.abs().sort(dim=2).values, rtol=0, atol=0
    )
    assert found["other"] is features
    torch.testing.assert_close(before["action"], action, rtol=0, atol=0)


def test_all_orders_and_signs_come_about_as_often(generator: torch.Generator) -> None:
    vectors = torch.tensor([[1.0, 2.0, 3.0]]).repeat(48_000, 1)
    found = exchanged({"features": vectors, "action": vectors}, 3, generator)["action"]
    kinds, counts = found.unique(dim=0, return_counts=True)
    assert len(kinds) == 48  # 3! 2³
    assert counts.min() > 850
    assert counts.max() < 1150


def test_an_image_is_what_the_task_would_give_of_the_other_axes(
    windows: Windows, generator: torch.Generator
) -> None:
    """Back in metres: the vectors of the data, in another order and turned round about their centres."""
    codec = codec_of(windows)
    seen = {"state": windows.observation("state")}
    batch = {
        "features": torch.from_numpy(codec.features(seen)),
        "action": torch.from_numpy(codec.chunks_in(windows, seen)),
    }
    found = augmented(batch, codec, generator)
    fit = codec.fit_result
    states = fit.inputs["state"].invert(found["features"].numpy().reshape(-1, 2, 2 * AXES))
    place, speed = states[:, -1, :AXES], states[:, -1, AXES:]
    action = fit.action.invert(found["action"].numpy())
    was = windows.frames["state"]
    moved = 0
    for row in range(len(was)):
        candidates = was[row, AXES:]
        for axis in range(AXES):
            source = np.abs(np.abs(candidates) - np.abs(speed[row, axis])).argmin()
            sign = np.sign(candidates[source] * speed[row, axis])
            moved += source != axis or sign < 0
            before = was[row, source] - 0.5
            assert place[row, axis] - 0.5 == pytest.approx(sign * before, abs=1e-5)
            told = windows.action[row, source] - 0.5
            assert action[row, axis] - 0.5 == pytest.approx(sign * told, abs=1e-5)
    assert moved > len(was)


def test_axes_are_exchanged_in_training_alone(windows: Windows, generator: torch.Generator) -> None:
    policy = MSE(MSEConfig(axis_centres=CENTRES, width=8, depth=2), spec_of())
    policy.fit(windows)
    batch = policy.encode(windows).batch(torch.arange(8))
    assert not torch.equal(policy._augmented(batch, generator)["action"], batch["action"])
    policy.eval()
    assert policy._augmented(batch, generator) is batch


def test_fit_of_one_axis_is_that_of_its_images() -> None:
    values = np.random.default_rng(0).normal(0.3, 1, (50, 1)).astype(np.float32)
    both = images(values, [0.1])
    assert both.shape == (100, 1)
    for fit in (standardise, min_max):
        alike, plain = fitted_alike(fit, values, [0.1]), fit(both)
        np.testing.assert_array_equal(alike.scale, plain.scale)
        np.testing.assert_allclose(alike.offset, [0.1], atol=1e-6)


@pytest.mark.parametrize(
    "config",
    (
        {"frame": "particle"},
        {"inputs": ("state", "robot")},
        {"action_normalisation": "isotropic"},
    ),
)
def test_what_cannot_be_exchanged_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="axis_centres"):
        InputConfig(axis_centres=CENTRES, **config)


def test_states_that_are_other_vectors_are_refused() -> None:
    with pytest.raises(
        SpecMismatch, match=r"has 5 numbers\. Give the middle of each, or no number"
    ):
        Codec(InputConfig(axis_centres=CENTRES), spec_of(state=5), None)


@pytest.mark.parametrize("limits", ({"high": [1.0, 1.0, 2.0]}, {"low": [0.0, -1.0, 0.0]}))
def test_axes_with_limits_of_their_own_are_refused(limits: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="not the same along all axes"):
        Codec(InputConfig(axis_centres=CENTRES), spec_of(**limits), None)


def test_centres_are_those_of_the_limits_where_there_are_some() -> None:
    low, high = [0.0] * AXES + [-9.0] * AXES, [1.0] * AXES + [9.0] * AXES
    Codec(InputConfig(axis_centres=CENTRES), spec_of(within=(low, high)), None)
    for wrong in (CENTRES[::-1], (0.0, 0.0), (0.5,)):
        with pytest.raises(SpecMismatch, match=r"Give 0\.5 0, the middles of its limits, or no"):
            Codec(InputConfig(axis_centres=wrong), spec_of(within=(low, high)), None)
    free = [np.inf] * AXES
    half = ([0.0] * AXES + [-np.inf] * AXES, [1.0] * AXES + free)
    Codec(
        InputConfig(axis_centres=CENTRES), spec_of(within=half), None
    )  # velocities have no limits
    with pytest.raises(SpecMismatch, match=r"middles elsewhere\. Give the middle of each"):
        Codec(InputConfig(axis_centres=(0.0, 0.0)), spec_of(within=half), None)
    with pytest.raises(ConfigError, match="have no limits"):
        Codec(InputConfig(axis_centres=CENTRES), spec_of(low=-np.inf, high=np.inf), None)
    uneven = [1.0, 1.0, 2.0, *free]
    with pytest.raises(ConfigError, match="not the same along all axes"):
        Codec(InputConfig(axis_centres=CENTRES), spec_of(within=(half[0], uneven)), None)
