"""Particles in worlds that differ: what is drawn, what becomes of it, and that they stay within their space."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibc_gym.envs.simulators.particle_drawing import BLACK, BLUE, GREEN, RED, WHITE, Look
from ibc_gym.envs.simulators.particle_dynamics import advance
from ibc_gym.envs.simulators.particle_vector import ParticleVectorEnv
from ibc_gym.envs.tasks.particle import POSITION_HIGH, POSITION_LOW
from ibc_gym.envs.tasks.particle_randomisation import ParticleRandomisation
from ibc_gym.errors import ConfigError
from ibc_gym.registry import make_env, make_task, make_vec_env

EVERYTHING = ParticleRandomisation(
    colours=0.3,
    size=0.5,
    friction=0.05,
    mass=0.1,
    observation_noise=0.002,
    action_noise=0.001,
    latency=2,
)
SWITCHES: dict[str, Any] = {
    field.name: getattr(EVERYTHING, field.name) for field in fields(EVERYTHING)
}
ACTION = np.array([0.9, 0.2], np.float32)


def test_nothing_is_drawn_by_default() -> None:
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    assert ParticleRandomisation().draw(rng) == {}
    assert rng.bit_generator.state == before


@given(seed=st.integers(0, 2**32))
def test_what_is_drawn_lies_within_what_was_asked_for(seed: int) -> None:
    drawn = EVERYTHING.draw(np.random.default_rng(seed))
    assert 1 / 1.1 <= drawn["mass.point"] <= 1.1
    assert 1 / 1.05 <= drawn["friction.point"] <= 1.05
    assert 0.5 <= drawn["size.marks"] <= 1.5
    assert 0 <= drawn["colour.share"] <= 0.3
    assert 0 <= drawn["observation_noise"] <= 0.002
    assert 0 <= drawn["action_noise"] <= 0.001
    assert drawn["latency"] in (0, 1, 2)


@pytest.mark.parametrize("left_out", SWITCHES)
def test_switching_one_thing_off_leaves_the_draws_of_the_others_alone(left_out: str) -> None:
    off = replace(EVERYTHING, **{left_out: 0})
    whole = EVERYTHING.draw(np.random.default_rng(3))
    part = off.draw(np.random.default_rng(3))
    assert part.items() < whole.items()


@pytest.mark.parametrize(
    "wrong", [{"mass": 0.2}, {"friction": 0.1}, {"size": -0.1}, {"latency": -1}, {"colours": 2.0}]
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=f"ParticleRandomisation.{next(iter(wrong))}"):
        ParticleRandomisation(**wrong)


def test_there_is_no_camera_to_randomise() -> None:
    with pytest.raises(ConfigError, match="camera_position"):
        make_task("particle", randomisation={"camera_position": 0.1})


@pytest.mark.parametrize("mass", [1 / 1.1, 1.1])
@pytest.mark.parametrize("friction", [1 / 1.05, 1.05])
def test_no_set_points_lead_out_of_the_space_in_any_world(mass: float, friction: float) -> None:
    """The worst are 1 wherever the response to a single one is positive, and 0 elsewhere: the motion is linear."""
    position, velocity = np.zeros(1), np.zeros(1)
    response = []
    for period in range(400):
        set_point = np.full(1, float(period == 0))
        position, velocity = advance(position, velocity, set_point, mass=mass, friction=friction)
        response.append(float(position[0]))
    assert abs(response[-1]) < 1e-12
    assert sum(part for part in response if part > 0) < POSITION_HIGH
    assert sum(part for part in response if part < 0) > POSITION_LOW


def test_start_is_the_same_with_and_without_randomisation() -> None:
    plain, varied = make_task("particle"), make_task("particle", randomisation={"mass": 0.1})
    one, other = (task.sample(np.random.default_rng(2)) for task in (plain, varied))
    for start in (one, other):
        assert start.home is not None and start.home.joints is not None
    np.testing.assert_array_equal(one.home.joints, other.home.joints)  # type: ignore[union-attr]
    for name, pose in one.layout.items():
        assert np.array_equal(pose.position, other.layout[name].position)


def test_varied_worlds_are_told_reproduced_and_left_again() -> None:
    with make_env("particle", randomisation=EVERYTHING, observation="state+image") as env:
        first, info = env.reset(seed=4)
        path = [env.step(ACTION)[0] for _ in range(5)]
        assert info["variation"]["mass.point"] != 1.0
        env.reset(seed=5)
        again, told = env.reset(seed=4)
        assert told["variation"] == info["variation"]
        for before, now in zip(
            [first, *path], [again, *(env.step(ACTION)[0] for _ in range(5))], strict=True
        ):
            assert all(np.array_equal(before[name], now[name]) for name in before)


@pytest.mark.parametrize(
    "name", ["friction", "mass", "action_noise", "observation_noise", "latency"]
)
def test_everything_that_can_be_felt_reaches_what_is_observed(name: str) -> None:
    def last(randomisation: dict[str, Any]) -> Any:
        with make_env("particle", randomisation=randomisation) as env:
            env.reset(seed=2)
            return [env.step(ACTION)[0]["state"] for _ in range(10)][-1]

    usual = last({})
    felt = last({name: SWITCHES[name]})
    assert np.abs(felt - usual).max() > 1e-5


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("name, most", [("colours", 1.0), ("size", 0.5)])
def test_everything_that_can_be_seen_reaches_the_picture(
    name: str, most: float, dimensions: int
) -> None:
    def pictures(randomisation: dict[str, float]) -> Any:
        taken = []
        options: dict[str, Any] = {"observation": "image", "dimensions": dimensions}
        with make_env("particle", randomisation=randomisation, **options) as env:
            for seed in range(4):
                env.reset(seed=seed)
                env.step(np.full(dimensions, 0.7, np.float32))
                taken.append(env.step(np.full(dimensions, 0.3, np.float32))[0]["image"].astype(int))
        return np.stack(taken)

    assert np.abs(pictures({}) - pictures({name: most})).max() > 8


def test_usual_look_is_the_published_one() -> None:
    look = Look.of({})
    assert (look.paper, look.point, look.set_point, look.marks) == (WHITE, BLACK, RED, 1.0)
    assert look.goals == (GREEN, BLUE)


def test_disturbed_episode_goes_on_bit_for_bit_from_a_snapshot() -> None:
    actions = np.random.default_rng(0).random((8, 2), dtype=np.float32)
    with (
        make_env("particle", randomisation=EVERYTHING) as env,
        make_env("particle", randomisation=EVERYTHING) as other,
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


def test_many_varied_particles_are_each_the_single_one_with_its_seed() -> None:
    envs = make_vec_env("particle", 3, randomisation=EVERYTHING)
    together = [envs.reset(seed=7)[0]["state"]]
    together += [envs.step(np.tile(ACTION, (3, 1)))[0]["state"] for _ in range(6)]
    envs.close()
    for row, seed in enumerate((7, 8, 9)):
        with make_env("particle", randomisation=EVERYTHING) as env:
            alone = [env.reset(seed=seed)[0]["state"]]
            alone += [env.step(ACTION)[0]["state"] for _ in range(6)]
        assert np.array_equal([each[row] for each in together], alone)


def test_particles_stepped_as_arrays_have_one_world() -> None:
    assert isinstance(make_vec_env("particle", 2), ParticleVectorEnv)
    with pytest.raises(ConfigError, match="randomisation"):
        ParticleVectorEnv(2, randomisation=EVERYTHING)
