"""Noise and delay between what is and what a policy sees and does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st

from ibc_gym.disturbance import Disturbance

SPACE = spaces.Dict({"state": spaces.Box(-1.0, 1.0, (2,), np.float32)})
ACTIONS = spaces.Box(-0.1, 0.1, (2,), np.float32)


def seen(disturbance: Disturbance, values: list[float]) -> list[Any]:
    rng = np.random.default_rng(0)
    return [
        disturbance.show(
            {"state": np.full(2, value, np.float32)}, {"capture_time": value}, SPACE, rng
        )
        for value in values
    ]


@given(late=st.integers(0, 5), steps=st.integers(1, 12))
def test_what_is_seen_is_as_old_as_the_latency_says(late: int, steps: int) -> None:
    times = [0.1 * step for step in range(steps)]
    shown = seen(Disturbance({"latency": float(late)}), times)
    for step, (observation, taken) in enumerate(shown):
        expected = times[max(0, step - late)]
        assert taken == {"capture_time": expected}
        assert observation["state"] == pytest.approx(expected)


def test_without_a_variation_nothing_is_touched_and_nothing_is_drawn() -> None:
    disturbance, rng = Disturbance(), np.random.default_rng(1)
    before = rng.bit_generator.state
    action = np.array([0.05, 0.0], np.float32)
    observation = {"state": np.zeros(2, np.float32)}
    assert disturbance.act(action, ACTIONS, rng) is action
    assert disturbance.show(observation, {}, SPACE, rng)[0]["state"] is observation["state"]
    assert rng.bit_generator.state == before
    assert not disturbance.on


def test_noise_has_the_deviation_that_was_drawn() -> None:
    wide = spaces.Dict({"state": spaces.Box(-9.0, 9.0, (20_000,), np.float32)})
    observation = {"state": np.zeros(20_000, np.float32)}
    shown, _ = Disturbance({"observation_noise": 0.01}).show(
        observation, {}, wide, np.random.default_rng(2)
    )
    assert shown["state"].std() == pytest.approx(0.01, rel=0.05)
    assert shown["state"].dtype == np.float32
    assert not observation["state"].any()


def test_noise_keeps_observations_and_actions_in_their_spaces() -> None:
    disturbance = Disturbance({"observation_noise": 50.0, "action_noise": 50.0})
    for observation, _ in seen(disturbance, [0.0, 0.5, 1.0]):
        assert SPACE.contains(observation)
    assert ACTIONS.contains(
        disturbance.act(np.zeros(2, np.float32), ACTIONS, np.random.default_rng(3))
    )


def test_pictures_are_late_but_have_no_noise() -> None:
    space = spaces.Dict({"image": spaces.Box(0, 255, (4, 4, 3), np.uint8)})
    picture = np.full((4, 4, 3), 7, np.uint8)
    shown, _ = Disturbance({"observation_noise": 1.0, "latency": 1.0}).show(
        {"image": picture}, {}, space, np.random.default_rng(4)
    )
    assert shown["image"] is picture
