"""The table of demonstrations: what was done where it looked most like now, to the last bit."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st
from small_policies import MakeSpec, MakeWindows
from trials import trials

from ibc_gym.contracts import CanonicalFrame, PolicySpec
from ibc_gym.errors import ConfigError, SpecMismatch, TrainingDiverged
from ibc_gym.policies.nearest import Nearest, NearestConfig
from ibc_gym.records import Windows

PICTURE = (12, 16, 3)


def fitted(spec: PolicySpec, windows: Windows, **options: Any) -> Nearest:
    torch.manual_seed(0)
    policy = Nearest(NearestConfig(history=windows.index.shape[1], **options), spec)
    policy.fit(windows)
    return policy


def begin(policy: Nearest, rows: int) -> Nearest:
    policy.reset(np.ones(rows, bool), range(rows))
    return policy


@pytest.mark.parametrize("inputs", [("state",), ("state", "robot"), ("image",), ("image", "robot")])
@pytest.mark.parametrize("unit_variance", [True, False])
def test_stored_observation_gives_exactly_the_stored_action(
    make_spec: MakeSpec, make_windows: MakeWindows, inputs: tuple[str, ...], unit_variance: bool
) -> None:
    windows = make_windows(history=1, picture=PICTURE)
    policy = fitted(
        make_spec(PICTURE), windows, inputs=inputs, unit_variance=unit_variance, projection=16
    )
    seen = {name: frames[:50] for name, frames in windows.frames.items()}
    np.testing.assert_array_equal(begin(policy, 50).act(seen), windows.action[:50])


def test_stored_episode_is_played_back(make_spec: MakeSpec, make_windows: MakeWindows) -> None:
    windows = make_windows(history=3)
    policy = begin(fitted(make_spec(), windows), 1)
    for step in range(40):
        seen = {name: frames[step : step + 1] for name, frames in windows.frames.items()}
        np.testing.assert_array_equal(policy.act(seen)[0], windows.action[step])


@settings(max_examples=trials(15), deadline=None)
@given(
    st.integers(1, 30),
    st.integers(1, 5),
    st.integers(1, 3),
    st.booleans(),
    st.integers(0, 1000),
)
def test_answer_is_that_of_a_search_by_hand(
    rows: int, size: int, actions: int, unit_variance: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    spec = PolicySpec(
        task="any",
        observation_space=spaces.Dict({"state": spaces.Box(-99, 99, (size,), np.float32)}),
        action_space=spaces.Box(-1, 1, (actions,), np.float32),
        control_period=0.1,
    )
    state = (rng.normal(size=(rows, size)) * 10.0 ** rng.integers(-2, 2, size)).astype(np.float32)
    windows = Windows(
        frames={"state": state},
        index=np.arange(rows)[:, None],
        action=rng.uniform(-1, 1, (rows, actions)).astype(np.float32),
        episode=np.zeros(rows, np.int64),
    )
    policy = begin(fitted(spec, windows, unit_variance=unit_variance), 4)
    asked = rng.normal(size=(4, size)).astype(np.float32)
    scale = np.maximum(state.std(axis=0), 1e-4) if unit_variance else 1.0
    away = np.linalg.norm((asked[:, None] - state[None]) / scale, axis=2)
    acted = policy.act({"state": asked})
    for row in range(4):
        allowed = windows.action[away[row] <= away[row].min() * (1 + 1e-4) + 1e-7]
        assert any(np.array_equal(acted[row], action) for action in allowed)


def test_search_in_pieces_finds_the_same(
    make_spec: MakeSpec, make_windows: MakeWindows, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows = make_windows()
    policy = fitted(make_spec(), windows)
    keys = torch.randn(40, policy.keys.shape[1])
    whole = policy._nearest_rows(keys)
    monkeypatch.setattr("ibc_gym.policies.nearest._DISTANCES", 1000)
    assert torch.equal(policy._nearest_rows(keys), whole)


def test_pictures_are_compared_by_a_projection_that_keeps_their_order(
    make_spec: MakeSpec, make_windows: MakeWindows
) -> None:
    windows = make_windows(history=1, picture=PICTURE)
    policy = begin(fitted(make_spec(PICTURE), windows, inputs=("image",)), 20)
    assert policy.keys.shape == (300, 128)
    noisy = windows.frames["image"][:20].astype(int) + np.random.default_rng(1).integers(
        -20, 21, (20, *PICTURE)
    )
    acted = policy.act({"image": np.clip(noisy, 0, 255).astype(np.uint8)})
    np.testing.assert_array_equal(acted, windows.action[:20])


def test_nothing_is_left_to_be_descended(
    make_spec: MakeSpec, make_windows: MakeWindows, generator: torch.Generator
) -> None:
    windows = make_windows()
    policy = fitted(make_spec(), windows)
    assert list(policy.parameters()) == []
    data = policy.encode(windows)
    loss, parts = policy.loss(data.batch(torch.arange(300)), generator)
    assert float(loss) == float(parts["mse"]) == 0
    others = policy.encode(make_windows(seed=1)).batch(torch.arange(300))
    found = policy.validate(others, generator)
    assert found["action_error"] > 0 and found["distance"] > 0
    assert found["loss"] == pytest.approx(float(policy.loss(others, generator)[0]))


def test_table_comes_back_from_state_and_json(
    make_spec: MakeSpec, make_windows: MakeWindows
) -> None:
    windows = make_windows(history=2, picture=PICTURE)
    policy = fitted(
        make_spec(PICTURE), windows, inputs=("image", "state"), unit_variance=False, projection=8
    )
    torch.manual_seed(5)  # other projections, until the state is read
    twin = Nearest(policy.config, policy.spec)
    twin.load_fitted(json.loads(json.dumps(policy.fitted())))
    twin.load_state_dict(policy.state_dict())
    seen = {
        name: frames[:9] for name, frames in make_windows(seed=3, picture=PICTURE).frames.items()
    }
    np.testing.assert_array_equal(begin(twin, 9).act(seen), begin(policy, 9).act(seen))


def test_fitting_anew_forgets_what_was_there(
    make_spec: MakeSpec, make_windows: MakeWindows
) -> None:
    policy = fitted(make_spec(), make_windows(count=300))
    other = make_windows(count=7, seed=2)
    policy.fit(other)
    assert len(policy.keys) == len(policy.actions) == policy.fitted()["table"] == 7


def test_answer_in_a_frame_is_turned_to_where_the_robot_is(
    make_spec: MakeSpec, make_windows: MakeWindows, turned: CanonicalFrame
) -> None:
    windows = make_windows(count=1)
    windows.action[:] = turned.into(
        np.array([[0.8, -0.4]], np.float32), windows.observation("state").astype(np.float32)
    )
    config = NearestConfig(frame="toy", action_normalisation="isotropic")
    policy = Nearest(config, make_spec(), turned)
    policy.fit(windows)
    state = np.array([[0.5, 0, 0], [-0.5, 0, 0]], np.float32)
    np.testing.assert_allclose(
        begin(policy, 2).act({"state": state}), [[0.8, -0.4], [-0.4, 0.8]], atol=1e-6
    )


def test_empty_table_and_one_of_another_policy_are_refused(
    make_spec: MakeSpec, make_windows: MakeWindows
) -> None:
    windows = make_windows()
    policy = begin(Nearest(NearestConfig(), make_spec()), 1)
    seen = {name: frames[:1] for name, frames in windows.frames.items()}
    with pytest.raises(ConfigError, match="no normalisers"):
        policy.act(seen)
    whole = dict(fitted(make_spec(), windows).fitted())
    policy.load_fitted({**whole, "table": 0})
    with pytest.raises(ConfigError, match="table is empty"):
        policy.act(seen)
    with pytest.raises(SpecMismatch, match="not those of a table"):
        policy.load_fitted({key: value for key, value in whole.items() if key != "table"})


def test_number_that_is_none_in_the_table_stops_with_its_name(
    make_spec: MakeSpec, make_windows: MakeWindows
) -> None:
    windows = make_windows()
    policy = begin(fitted(make_spec(), windows), 1)
    policy.keys[3, 1] = torch.nan
    with pytest.raises(TrainingDiverged, match=r"distance to the table .* 'keys'"):
        policy.act({name: frames[:1] for name, frames in windows.frames.items()})


def test_projection_to_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="projection"):
        NearestConfig(projection=0)
