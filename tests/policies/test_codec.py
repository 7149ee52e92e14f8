from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, get_args

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st
from small_policies import MakeSpec, MakeWindows
from trials import trials

from ibc_gym.contracts import CanonicalFrame, PolicySpec
from ibc_gym.errors import ConfigError, SpecMismatch
from ibc_gym.policies.codec import Codec, Fit
from ibc_gym.policies.inputs import ActionNormalisation, InputConfig
from ibc_gym.records import Windows


def simple(actions: np.ndarray, states: np.ndarray, bound: float) -> tuple[PolicySpec, Windows]:
    size, count = actions.shape[1], len(actions)
    spec = PolicySpec(
        task="toy",
        observation_space=spaces.Dict({"state": spaces.Box(-np.inf, np.inf, states.shape[1:])}),
        action_space=spaces.Box(-bound, bound, (size,), np.float32),
        control_period=0.1,
    )
    windows = Windows(
        frames={"state": states},
        index=np.stack([np.arange(count)] * 2, axis=1),
        action=actions,
        episode=np.zeros(count, np.int64),
    )
    return spec, windows


@settings(max_examples=trials(25), deadline=None)
@given(
    data=st.data(),
    count=st.integers(1, 12),
    size=st.integers(1, 5),
    how=st.sampled_from(get_args(ActionNormalisation)),
    knee=st.none() | st.floats(0.01, 2),
)
def test_actions_come_back_from_any_normalisation(
    data: st.DataObject, count: int, size: int, how: ActionNormalisation, knee: float | None
) -> None:
    numbers = st.floats(-2, 2, width=32)
    actions = data.draw(hnp.arrays("float32", (count, size), elements=numbers))
    states = data.draw(hnp.arrays("float32", (count, 3), elements=numbers))
    spec, windows = simple(actions, states, bound=2)
    codec = Codec(InputConfig(action_normalisation=how, action_knee=knee), spec, None)
    codec.fit(windows)
    seen = {"state": windows.observation("state")}
    normalised = codec.actions_in(actions, seen)
    np.testing.assert_allclose(codec.actions_out(normalised, seen), actions, atol=1e-4)
    fit = codec.fit_result
    assert (fit.low <= fit.high).all()
    assert (normalised >= fit.low - 1e-3).all() and (normalised <= fit.high + 1e-3).all()
    corners = codec.actions_out(np.stack([fit.low, fit.high]), {"state": seen["state"][:1]})
    assert all(spec.action_space.contains(corner) for corner in corners)
    assert np.isfinite(codec.features(seen)).all()


def test_published_box_is_a_tenth_wider_than_min_max_actions(
    make_spec: MakeSpec, make_windows: MakeWindows
) -> None:
    codec = Codec(InputConfig(), make_spec(), None)
    codec.fit(make_windows())
    np.testing.assert_allclose(codec.fit_result.low, [-1.1, -1.1], atol=1e-5)
    np.testing.assert_allclose(codec.fit_result.high, [1.1, 1.1], atol=1e-5)


def test_standardised_actions_have_no_mean_and_unit_deviation(
    make_spec: MakeSpec, make_windows: MakeWindows
) -> None:
    windows = make_windows()
    codec = Codec(InputConfig(action_normalisation="standardise"), make_spec(), None)
    codec.fit(windows)
    said = codec.actions_in(windows.action, {"state": windows.observation("state")})
    np.testing.assert_allclose(said.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(said.std(axis=0), 1, rtol=1e-3)


def test_box_ends_where_the_action_space_does(make_windows: MakeWindows) -> None:
    windows = make_windows()
    spec, _ = simple(windows.action, windows.frames["state"], bound=1.0)
    windows.action[:] = np.clip(windows.action, -1, 1)
    windows.action[0], windows.action[1] = 1.0, -1.0
    codec = Codec(InputConfig(), spec, None)
    codec.fit(windows)
    np.testing.assert_allclose(codec.fit_result.high, [1.0, 1.0], atol=1e-6)


def test_isotropic_actions_share_one_scale_and_a_symmetric_box(
    make_spec: MakeSpec, make_windows: MakeWindows
) -> None:
    windows = make_windows()
    codec = Codec(InputConfig(action_normalisation="isotropic"), make_spec(), None)
    codec.fit(windows)
    fit = codec.fit_result
    assert fit.action.offset.tolist() == [0, 0]
    assert fit.action.scale.tolist() == [float(np.abs(windows.action).max())] * 2
    np.testing.assert_allclose([fit.low, fit.high], [[-1.1, -1.1], [1.1, 1.1]], rtol=1e-5)


def test_features_are_standardised_frames_side_by_side(
    make_spec: MakeSpec, make_windows: MakeWindows
) -> None:
    windows = make_windows()
    codec = Codec(InputConfig(inputs=("state", "robot")), make_spec(), None)
    codec.fit(windows)
    seen = {name: windows.observation(name) for name in ("state", "robot")}
    features = codec.features(seen)
    assert features.shape == (300, codec.feature_size) == (300, 2 * 3 + 2 * 2)
    np.testing.assert_allclose(features.mean(axis=0), 0, atol=0.02)
    np.testing.assert_allclose(features.std(axis=0), 1, atol=0.02)
    np.testing.assert_array_equal(features[5, 3:6], features[6, 0:3])  # newest last


def test_frame_replaces_the_state_and_turns_actions_both_ways(
    make_spec: MakeSpec, make_windows: MakeWindows, turned: CanonicalFrame
) -> None:
    windows = make_windows()
    config = InputConfig(frame="toy", action_normalisation="isotropic")
    codec = Codec(config, make_spec(), turned)
    codec.fit(windows)
    seen = {"state": windows.observation("state")}
    assert codec.feature_size == 4
    assert codec.fit_result.inputs["state"].offset[[1, 3]].tolist() == [0, 0]
    features = codec.features(seen)
    np.testing.assert_allclose(np.square(features[:, [1, 3]]).mean(axis=0), 1, rtol=1e-4)
    np.testing.assert_allclose(features[:, [0, 2]].std(axis=0), 1, rtol=1e-4)
    normalised = codec.actions_in(windows.action, seen)
    swapped = windows.frames["state"][:, 0].astype(np.float32) < 0
    scale = codec.fit_result.action.scale[0]
    np.testing.assert_allclose(
        normalised[swapped] * scale, windows.action[swapped][:, ::-1], rtol=1e-5
    )
    np.testing.assert_allclose(codec.actions_out(normalised, seen), windows.action, atol=1e-5)


def test_what_was_fitted_survives_json_exactly(
    make_spec: MakeSpec, make_windows: MakeWindows
) -> None:
    codec = Codec(InputConfig(inputs=("state", "robot")), make_spec(), None)
    codec.fit(make_windows())
    again = Fit.from_json(json.loads(json.dumps(codec.fit_result.to_json())))
    assert again.to_json() == codec.fit_result.to_json()
    np.testing.assert_array_equal(again.low, codec.fit_result.low)


def test_nan_in_the_data_is_named(make_spec: MakeSpec, make_windows: MakeWindows) -> None:
    windows = make_windows()
    windows.frames["state"][17, 2] = np.nan
    with pytest.raises(SpecMismatch, match=r"'state' is nan in frame 17, element \(2,\)"):
        Codec(InputConfig(), make_spec(), None).fit(windows)
    windows = make_windows()
    windows.action[4, 1] = np.inf
    with pytest.raises(SpecMismatch, match="'action' is inf in window 4"):
        Codec(InputConfig(), make_spec(), None).fit(windows)


def test_windows_of_another_kind_are_refused(
    make_spec: MakeSpec, make_windows: MakeWindows
) -> None:
    codec = Codec(InputConfig(), make_spec(), None)
    with pytest.raises(SpecMismatch, match="history is 2"):
        codec.fit(make_windows(history=3))
    with pytest.raises(SpecMismatch, match="actions have shape"):
        codec.fit(make_windows(actions=4))
    windows = make_windows()
    other = replace(windows, frames={"robot": windows.frames["robot"]})
    with pytest.raises(SpecMismatch, match="data hold robot"):
        codec.fit(other)
    with pytest.raises(SpecMismatch, match="no training windows"):
        codec.fit(make_windows(count=0))


def test_what_is_no_number_is_refused(make_spec: MakeSpec, make_windows: MakeWindows) -> None:
    windows = make_windows()
    named = replace(windows, frames={"state": windows.frames["state"].astype("<U8")})
    with pytest.raises(SpecMismatch, match="'state' holds <U8, but must hold numbers"):
        Codec(InputConfig(), make_spec(), None).fit(named)


def test_inputs_that_the_spaces_lack_are_refused(make_spec: MakeSpec) -> None:
    with pytest.raises(SpecMismatch, match="'image'"):
        Codec(InputConfig(inputs=("image",)), make_spec(), None)


def test_frame_and_config_must_agree(make_spec: MakeSpec, turned: CanonicalFrame) -> None:
    with pytest.raises(ConfigError):
        Codec(InputConfig(), make_spec(), turned)
    with pytest.raises(ConfigError):
        Codec(InputConfig(frame="toy"), make_spec(), None)


def test_nothing_is_normalised_before_the_fit(make_spec: MakeSpec) -> None:
    with pytest.raises(ConfigError, match="fit"):
        _ = Codec(InputConfig(), make_spec(), None).fit_result


@pytest.mark.parametrize(
    "bad",
    (
        {"inputs": ()},
        {"inputs": ("state", "state")},
        {"history": 0},
        {"frame": "push", "inputs": ("robot",)},
        {"mirror": True},
        {"mirror": True, "frame": "push"},
        {"boundary_buffer": -0.1},
        {"observation_noise": -0.1},
        {"action_knee": 0.0},
        {"image_size": (0, 5)},
        {"image_crop": (0.5, 0, 0.5, 1)},
        {"image_crop": (0, 0.2, 1, 1.1)},
        {"image_shift": -1},
    ),
)
def test_senseless_configs_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        InputConfig(**bad)


@pytest.mark.parametrize("size", [(97, 20), (20, 129), (4000, 4000)])
def test_pictures_are_not_blown_up_to_what_fills_the_memory(
    size: tuple[int, int], make_spec: MakeSpec
) -> None:
    spec = make_spec((24, 32, 3))
    Codec(InputConfig(inputs=("image",), image_size=(96, 128)), spec, None)
    with pytest.raises(
        ConfigError, match=r"image_size is .* of 'image' has 24 x 32: .* At most 4 times"
    ):
        Codec(InputConfig(inputs=("image",), image_size=size), spec, None)
