"""What a data set says of itself comes back exactly, and two that differ say how."""

from __future__ import annotations

import json
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st

from ibc_gym.data.metadata import Metadata, check_node_name, describe, node_name, plain
from ibc_gym.errors import SpecMismatch
from ibc_gym.registry import make_env, make_vec_env


def fields(**changes: Any) -> dict[str, Any]:
    return {
        "task": "tiny",
        "workcell": "none",
        "observation_space": spaces.Dict({"state": spaces.Box(-9, 9, (2,), np.float32)}),
        "action_space": spaces.Box(
            np.array([-0.1, 0], np.float32), np.array([0.3, np.inf], np.float32)
        ),
        "control_period": 0.1,
        "config": {"tolerance": 0.02},
        "feature_names": {"state": ("x", "y")},
        "demonstrator": "human",
        "versions": {"python": "3.11"},
        "source": {"file": "a.npz"},
        **changes,
    }


def test_json_brings_it_back() -> None:
    metadata = Metadata(**fields())
    text = json.dumps(metadata.to_json(), allow_nan=False)
    back = Metadata.from_json(json.loads(text))
    assert back.to_json() == metadata.to_json()
    assert back.action_space == metadata.action_space
    assert back.observation_space == metadata.observation_space
    assert back.feature_names == {"state": ("x", "y")}
    assert metadata.difference(back) is None


def test_fields_of_a_later_version_are_passed_over() -> None:
    numbers = {**Metadata(**fields()).to_json(), "operator_mood": "good"}
    assert Metadata.from_json(numbers).task == "tiny"


def test_who_demonstrated_where_is_no_difference() -> None:
    other = Metadata(**fields(demonstrator="oracle", workcell="mujoco", versions={}, config={}))
    assert Metadata(**fields()).difference(other) is None


def test_a_setting_that_did_not_exist_when_data_were_recorded_was_off() -> None:
    def making(**world: Any) -> str:
        return Metadata(**fields(config={"tolerance": 0.02, "world": world})).making

    assert making(mass=0.1) == making(mass=0.1, lag=0.0, textures=False)
    assert making() == Metadata(**fields()).making
    assert making(mass=0.1) != making(mass=0.1, lag=0.04)
    assert making(mass=0.1) != making(mass=0.2)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"control_period": 0.0}, "control period is 0.0 s"),
        ({"control_period": float("nan")}, "control period is nan s"),
        ({"observation_space": spaces.Dict({"n": spaces.Discrete(3)})}, "Discrete space"),
        (
            {"observation_space": spaces.Dict({"a/b": spaces.Box(0, 1, (1,), np.float32)})},
            "'a/b' cannot name an array",
        ),
    ],
)
def test_what_cannot_be_recorded_is_refused(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(SpecMismatch, match=complaint):
        Metadata(**fields(**changes))


def test_one_environment_and_many_are_described_alike() -> None:
    one = make_env("particle", dimensions=3)
    many = make_vec_env("particle", 2, dimensions=3)
    described = [describe(envs, task="particle").to_json() for envs in (one, many)]
    assert described[0] == described[1]
    assert described[0]["config"]["dimensions"] == 3
    assert described[0]["control_period"] == pytest.approx(0.05)
    assert len(described[0]["feature_names"]["state"]) == 12


def test_environment_that_shows_no_dictionary_is_refused() -> None:
    with pytest.raises(SpecMismatch, match="make_env"):
        describe(gymnasium.make("Pendulum-v1"), task="gym:Pendulum-v1")


class Periodless(gymnasium.Env[Any, Any]):
    observation_space = spaces.Dict({"state": spaces.Box(0, 1, (1,), np.float32)})
    action_space = spaces.Box(0, 1, (1,), np.float32)


def test_environment_without_a_control_period_asks_for_it() -> None:
    with pytest.raises(SpecMismatch, match="how long a control period"):
        describe(Periodless(), task="mine")
    assert describe(Periodless(), task="mine", control_period=0.2).control_period == 0.2


@given(st.text())
def test_any_name_has_a_nearest_one_for_the_disk(name: str) -> None:
    check_node_name(node_name(name))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.lists(inner).map(tuple)
            | st.dictionaries(st.text(), inner)
            | st.lists(st.floats()).map(np.array)
        ),
        max_leaves=8,
    )
)
def test_anything_made_plain_is_strict_json(value: Any) -> None:
    made = plain(value)
    assert json.loads(json.dumps(made, allow_nan=False)) == made
