"""Worlds that differ from their description: what is drawn, and what becomes of the scene."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rows import Row, of_every_row

from ibc_gym.envs.randomisation import (
    Randomisation,
    SensingRandomisation,
    standing_as_varied,
    varied,
)
from ibc_gym.errors import ConfigError
from ibc_gym.registry import make_env, make_oracle, make_task, make_vec_env
from ibc_gym.rollout import rollout

pytestmark = pytest.mark.slow

EVERYTHING = Randomisation(
    camera_position=0.02,
    camera_rotation=0.03,
    light_direction=0.4,
    light_brightness=0.3,
    colours=0.3,
    textures=True,
    friction=0.5,
    mass=0.5,
    size=0.05,
    observation_noise=0.002,
    action_noise=0.001,
    latency=2,
    lag=0.04,
)
SCENE: Any = make_task("push").scene  # type: ignore[attr-defined]  # tabletop tasks have one
SWITCHES: dict[str, Any] = {name: getattr(EVERYTHING, name) for name in vars(EVERYTHING)}


def test_nothing_is_drawn_by_default() -> None:
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    assert Randomisation().draw(SCENE, rng) == {}
    assert rng.bit_generator.state == before
    assert varied(SCENE, {}) == SCENE


@given(seed=st.integers(0, 2**32))
def test_what_is_drawn_lies_within_what_was_asked_for(seed: int) -> None:
    drawn = EVERYTHING.draw(SCENE, np.random.default_rng(seed))
    most = {
        "camera.front.shift": 0.02,
        "camera.front.turn": 0.03,
        "light.turn": 0.4,
        "latency": 2,
        "observation_noise": 0.002,
        "action_noise": 0.001,
    }
    for name, value in drawn.items():
        for prefix, bound in most.items():
            if name.startswith(prefix):
                assert abs(value) <= bound, name
        if name.startswith(("friction", "mass")):
            assert 1 / 1.5 <= value <= 1.5, name
        if name.startswith("size"):
            assert 0.95 <= value <= 1.05, name
    assert 0.7 <= drawn["light.brightness"] <= 1.3
    assert drawn["latency"] in (0, 1, 2)


@pytest.mark.parametrize("left_out", SWITCHES)
def test_switching_one_thing_off_leaves_the_draws_of_the_others_alone(left_out: str) -> None:
    off = replace(EVERYTHING, **{left_out: type(SWITCHES[left_out])()})
    whole = EVERYTHING.draw(SCENE, np.random.default_rng(3))
    part = off.draw(SCENE, np.random.default_rng(3))
    assert part.items() < whole.items()


def test_everything_that_was_drawn_changes_the_scene_or_what_is_sensed() -> None:
    drawn = EVERYTHING.draw(SCENE, np.random.default_rng(5))
    for name in drawn:
        if name in ("observation_noise", "action_noise", "latency", "friction.workspace"):
            continue
        rest = {other: value for other, value in drawn.items() if other != name}
        assert varied(SCENE, rest) != varied(SCENE, drawn), name


def test_larger_things_stand_on_the_table() -> None:
    task: Any = make_task("push")
    layout = task.layout(np.random.default_rng(0))
    taller = standing_as_varied(layout, {"size.block": 1.05})
    assert taller["block"].position[2] == pytest.approx(0.021)
    assert taller["block"].position[:2] == pytest.approx(layout["block"].position[:2])


@pytest.mark.parametrize(
    "wrong", [{"friction": -1.0}, {"latency": -1}, {"size": 0.9}, {"size": 0.5}]
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        Randomisation(**wrong)


def test_a_lag_of_a_whole_control_period_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"randomisation\.lag is 0\.1 s.*less than 0\.1 s"):
        make_task("push", randomisation=Randomisation(lag=0.1))
    with pytest.raises(ConfigError, match=r"lag is 0\.1 s"):
        varied(SCENE, {"arm.lag": 0.1})


def everything_for(row: Row) -> SensingRandomisation:
    """As much of everything as the task has."""
    config: Any = row.make_task().config
    have = {field.name for field in fields(config.randomisation)}
    values = {name: value for name, value in SWITCHES.items() if name in have}
    most = config.randomisation.most
    bounded = {name: min(value, most.get(name, value)) for name, value in values.items()}
    made: SensingRandomisation = type(config.randomisation)(**bounded)
    return made


@of_every_row
def test_varied_worlds_are_told_reproduced_and_left_again(row: Row) -> None:
    with row.make_env(randomisation=everything_for(row)) as env, row.make_env() as plain:
        usual = plain.reset(seed=4)[0]["state"]
        action = np.full(env.action_space.shape, 0.01, np.float32)
        first, info = env.reset(seed=4)
        assert len(info["variation"]) > 5
        assert any(name.startswith(("friction.", "mass.")) for name in info["variation"])
        assert not np.array_equal(first["state"], usual)  # it is at least seen with noise
        path = [env.step(action)[0]["state"] for _ in range(3)]
        other = env.reset(seed=5)[1]["variation"]
        assert all(other[name] != value for name, value in info["variation"].items() if value % 1)
        again, told = env.reset(seed=4)
        assert told["variation"] == info["variation"]
        assert np.array_equal(first["state"], again["state"])
        for state in path:
            assert np.array_equal(env.step(action)[0]["state"], state)


MODERATE: dict[str, Any] = {
    "friction": 0.2,
    "mass": 0.2,
    "size": 0.03,
    "observation_noise": 0.0002,
    "action_noise": 0.0002,
}


@pytest.mark.parametrize(
    "task, workcell",
    [
        ("push", "mujoco"),
        ("push", "pybullet"),
        ("push-red-green", "mujoco"),
        pytest.param("push-red-green", "pybullet", marks=pytest.mark.slow),
        pytest.param("push-multimodal", "pybullet", marks=pytest.mark.slow),
        pytest.param("insert", "mujoco", marks=pytest.mark.slow),
    ],
)
def test_demonstrators_still_succeed_in_worlds_that_differ_a_little(
    task: str, workcell: str
) -> None:
    options: dict[str, Any] = {"workcell": workcell, "randomisation": MODERATE}
    envs = make_vec_env(task, 3, autoreset_mode="disabled", **options)
    ran = rollout(envs, make_oracle(task, envs), range(3)).episodes
    envs.close()
    assert sum(episode.success for episode in ran) >= 2


LOOKS: dict[str, Any] = SWITCHES | {"light_brightness": 0.8, "colours": 1.0, "size": 0.3}
"""So much that small pictures show it."""
SEEN = (
    "camera_position",
    "camera_rotation",
    "light_direction",
    "light_brightness",
    "colours",
    "textures",
    "size",
)
FELT = ("friction", "mass", "size", "action_noise")


@pytest.mark.parametrize("workcell", ["mujoco", "pybullet"])
def test_everything_that_can_be_seen_reaches_the_picture(workcell: str) -> None:
    options: dict[str, Any] = {"workcell": workcell, "observation": "image", "image_size": (60, 80)}
    with make_env("push", **options) as plain:
        usual = plain.reset(seed=3)[0]["image"].astype(int)
    for name in SEEN:
        with make_env("push", randomisation={name: LOOKS[name]}, **options) as env:
            seen = env.reset(seed=3)[0]["image"].astype(int)
        assert np.abs(seen - usual).max() > 8, name


@pytest.mark.parametrize("workcell", ["mujoco", "pybullet"])
def test_everything_that_can_be_felt_reaches_the_block(workcell: str) -> None:
    with make_env("push", workcell=workcell) as plain:
        observation, _ = plain.reset(seed=2)
        oracle, actions = make_oracle("push", plain), []
        oracle.reset(np.ones(1, np.bool_), [2])
        for _ in range(30):
            actions.append(oracle.act({"state": observation["state"][None]})[0])
            observation = plain.step(actions[-1])[0]
        begun, usual = plain.reset(seed=2)[0]["state"][:3], observation["state"][:3]
    assert np.abs(usual - begun).max() > 0.01  # it was pushed
    for name in FELT:
        with make_env("push", workcell=workcell, randomisation={name: SWITCHES[name]}) as env:
            env.reset(seed=2)
            for action in actions:
                pushed = env.step(action)[0]["state"][:3]
        assert np.abs(pushed - usual).max() > 1e-5, name


@pytest.mark.parametrize("workcell", ["mujoco", "pybullet"])
def test_disturbed_episode_goes_on_bit_for_bit_from_a_snapshot(workcell: str) -> None:
    rng = np.random.default_rng(0)
    actions = rng.uniform(-0.02, 0.02, (8, 2)).astype(np.float32)
    with (
        make_env("push", workcell=workcell, randomisation=EVERYTHING) as env,
        make_env("push", workcell=workcell, randomisation=EVERYTHING) as other,
    ):
        env.reset(seed=9)
        for action in actions[:4]:
            shown = env.step(action)[0]
        saved = env.unwrapped.save()  # type: ignore[attr-defined]
        rest = [env.step(action)[0]["state"] for action in actions[4:]]
        other.reset(seed=1)
        observation, _ = other.unwrapped.restore(saved)  # type: ignore[attr-defined]
        assert np.array_equal(observation["state"], shown["state"])
        for action, state in zip(actions[4:], rest, strict=True):
            assert np.array_equal(other.step(action)[0]["state"], state)


def test_layout_is_the_same_with_and_without_randomisation() -> None:
    plain, random = make_task("push"), make_task("push", randomisation={"friction": 0.5})
    layouts = [task.sample(np.random.default_rng(2)).layout for task in (plain, random)]
    for name in layouts[0]:
        assert np.array_equal(layouts[0][name].position, layouts[1][name].position)
