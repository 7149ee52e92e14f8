"""The insertion task: what is drawn, what is partly and fully in, and how deep things get in each other."""

from __future__ import annotations

from dataclasses import replace
from math import cos, hypot, pi, sin
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tabletop_toys import table

from ibc_gym import geometry
from ibc_gym.env import Env
from ibc_gym.envs.randomisation import Randomisation, varied
from ibc_gym.envs.tasks.insert import DEPTH, MOUTH, Insert, InsertConfig, fixture_size
from ibc_gym.errors import ConfigError
from ibc_gym.records import Progress, Situation, Variation
from ibc_gym.registry import make_env, make_oracle

TASK = Insert()
SEAT = (0.375, 0.21, 1.6)
HALF = 0.02
CLEARANCES = [0.005, 0.002, 0.001, 0.0005]


def seen(
    along: float,
    across: float = 0.0,
    yaw: float = 0.0,
    task: Insert = TASK,
    variation: Variation | None = None,
) -> Progress:
    """What is measured of a block at this place and yaw in the slot's frame."""
    c, s = cos(SEAT[2]), sin(SEAT[2])
    x, y = SEAT[0] + c * along - s * across, SEAT[1] + s * along + c * across
    situation = table(block=(x, y, SEAT[2] + yaw), target=SEAT)
    return task.measure(replace(situation, variation=variation or {}), None)


@given(st.integers(0, 2**32 - 1))
def test_block_and_fixture_begin_apart_and_on_the_board(seed: int) -> None:
    layout = TASK.sample(np.random.default_rng(seed)).layout
    block, target = layout["block"].position, layout["target"].position
    assert abs(block[0] - 0.375) <= 0.09 and abs(block[1] + 0.09) <= 0.07
    assert abs(target[0] - 0.375) <= 0.03 and abs(target[1] - 0.21) <= 0.02
    assert abs(geometry.yaw_of(layout["target"].quaternion) - pi / 2) <= pi / 18 + 1e-9
    assert target[1] + MOUTH - block[1] > 0.1


@pytest.mark.parametrize("clearance", CLEARANCES)
@pytest.mark.parametrize(
    "along, score",
    [
        (-0.2, 0.0),
        (MOUTH - HALF - 1e-4, 0.0),
        (MOUTH - HALF + 1e-4, 0.5),
        (-1.1e-3, 0.5),
        (-0.9e-3, 1.0),
        (0.0, 1.0),
    ],
)
def test_partly_in_is_half_and_fully_in_is_all(
    clearance: float, along: float, score: float
) -> None:
    task = Insert(InsertConfig(clearance=clearance))
    progress = seen(along, task=task)
    assert progress["score"] == task.reward(progress) == score
    assert task.success(progress) is task.terminated(progress) is (score == 1.0)
    inside = max(along + HALF - MOUTH, 0.0)
    assert progress["depth_inside"] == pytest.approx(inside, abs=1e-9)
    assert progress["goal_distance"] == pytest.approx(abs(along), abs=1e-9)


@pytest.mark.parametrize("quarter", [-2, -1, 0, 1, 2, 3])
def test_any_side_of_the_block_may_go_first(quarter: int) -> None:
    assert TASK.success(seen(0.0, yaw=quarter * pi / 2))


@pytest.mark.parametrize("across", [-0.05, -0.003, 0.003, 0.05])
def test_block_beside_the_slot_is_not_in(across: float) -> None:
    assert seen(0.0, across)["score"] == 0.0


def test_crooked_block_is_as_far_in_as_its_last_front_corner() -> None:
    yaw = 0.02
    straight, crooked = seen(-0.01), seen(-0.01, yaw=yaw)
    fallen_back = HALF * (1 - cos(yaw) + sin(yaw))
    assert straight["depth_inside"] - crooked["depth_inside"] == pytest.approx(fallen_back)


@given(st.floats(-0.3, 0.05), st.floats(-0.1, 0.1), st.floats(-pi, pi), st.floats(-pi, pi))
def test_score_does_not_depend_on_where_the_fixture_stands(
    along: float, across: float, yaw: float, axis: float
) -> None:
    here = seen(along, across, yaw)
    assume(abs(along + 0.001) > 1e-6 and (not here["depth_inside"] or here["depth_inside"] > 1e-6))
    c, s = cos(axis), sin(axis)
    block = (0.3 + c * along - s * across, s * along + c * across, axis + yaw)
    there = TASK.measure(table(block=block, target=(0.3, 0.0, axis)), None)
    assert there["depth_inside"] == pytest.approx(here["depth_inside"], abs=1e-8)
    assert there["goal_distance"] == pytest.approx(hypot(along, across), abs=1e-9)


@pytest.mark.parametrize(
    "options", [{"clearance": 0.0}, {"clearance": 0.05}, {"image_size": (240, 320)}]
)
def test_senseless_settings_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        InsertConfig(**options)


@pytest.mark.parametrize("clearance", CLEARANCES)
def test_fixture_is_wider_than_the_block_by_the_clearance(clearance: float) -> None:
    fixture = next(
        body for body in Insert(InsertConfig(clearance=clearance)).bodies() if body.name == "target"
    )
    end, *sides = fixture.shapes
    inner = [abs(side.position[1]) - side.size[1] / 2 for side in sides]
    assert sum(inner) == pytest.approx(2 * HALF + clearance)
    assert end.position[0] - end.size[0] / 2 == pytest.approx(HALF)
    assert all(side.size[0] == DEPTH for side in sides)


def sized(clearance: float, seed: int = 0, most: float = 0.3) -> tuple[Insert, Variation]:
    """A task with blocks of another size, and one that was drawn."""
    randomisation = Randomisation(size=most)
    task = Insert(InsertConfig(clearance=clearance, randomisation=randomisation))
    return task, task.sample(np.random.default_rng(seed)).variation


@given(seed=st.integers(0, 2**32 - 1), clearance=st.sampled_from(CLEARANCES))
def test_slot_is_as_much_wider_than_a_block_of_any_size(seed: int, clearance: float) -> None:
    task, drawn = sized(clearance, seed)
    bodies = {body.name: body for body in varied(task.scene, drawn).bodies}
    side = bodies["block"].shapes[0].size[0]
    assert side == pytest.approx(2 * HALF * drawn["size.block"])
    _, *walls = bodies["target"].shapes
    inner = sum(abs(wall.position[1]) - wall.size[1] / 2 for wall in walls)
    assert inner - side == pytest.approx(clearance, abs=1e-9)


@given(seed=st.integers(0, 2**32 - 1), clearance=st.sampled_from([0.02, *CLEARANCES]))
def test_block_of_any_size_is_judged_by_its_own_sides(seed: int, clearance: float) -> None:
    task, drawn = sized(clearance, seed)
    end, *walls = {body.name: body for body in varied(task.scene, drawn).bodies}["target"].shapes
    half = HALF * drawn["size.block"]
    seated = end.position[0] - end.size[0] / 2 - half
    parked = walls[0].position[0] - walls[0].size[0] / 2 - half
    for along, score in ((seated, 1.0), (seated - 0.0011, 0.5), (parked + 1e-4, 0.5)):
        assert seen(along, task=task, variation=drawn)["score"] == score
    assert seen(parked - 1e-4, task=task, variation=drawn)["score"] == 0.0
    aside = clearance / 2 + 0.001
    if clearance < 0.001:  # a block that would stand in the wall is not in
        assert seen(seated, aside, task=task, variation=drawn)["score"] == 0.0


def test_without_sizes_no_fixture_is_drawn_and_no_number_is_another() -> None:
    task = Insert(InsertConfig(randomisation=Randomisation(mass=0.3)))
    assert set(task.sample(np.random.default_rng(0)).variation) == {"mass.block"}
    assert fixture_size(1.0, 0.0007) == 1.0
    usual = {"size.block": 1.0, "size.target": 1.0}
    for along in (-0.1, -0.03, -0.0009, 0.0):
        assert seen(along, 0.0003, 0.01) == seen(along, 0.0003, 0.01, variation=usual)


@pytest.mark.parametrize(
    "workcell, seed, size",
    [
        ("mujoco", 0, 0.1),
        ("mujoco", 4, 0.05),
        pytest.param("pybullet", 1, 0.05, marks=pytest.mark.slow),
    ],
)
def test_blocks_of_other_sizes_are_slid_in(workcell: str, seed: int, size: float) -> None:
    with make_env("insert", workcell=workcell, randomisation={"size": size}) as env:
        observation, begun = env.reset(seed=seed)
        assert abs(begun["variation"]["size.block"] - 1) * 2 * HALF > 0.001  # over the clearance
        oracle = make_oracle("insert", env)
        oracle.reset(np.ones(1, np.bool_), [seed])
        over = cut = False
        while not (over or cut):
            action = oracle.act({"state": observation["state"][None]})[0]
            observation, _, over, cut, info = env.step(action)
        assert info["is_success"]
        assert info["worst_penetration"] < (0.15e-3 if workcell == "mujoco" else 0.2e-3)


@pytest.mark.parametrize("workcell, limit", [("mujoco", 0.15e-3), ("pybullet", 0.2e-3)])
def test_walls_hold_and_what_is_told_of_penetration_covers_what_poses_show(
    workcell: str, limit: float
) -> None:
    """Poses show the overlap of block and end wall; the simulator, which looks at every step, saw as much at least."""
    env = make_env("insert", workcell=workcell)
    assert isinstance(env, Env)
    oracle = make_oracle("insert", env)
    observation, _ = env.reset(seed=3)
    oracle.reset(np.ones(1, np.bool_), [3])
    told, over = 0.0, False
    while not over:
        action = oracle.act({"state": observation["state"][None]})[0]
        observation, _, over, cut, info = env.step(action)
        assert info["worst_penetration"] >= told and not cut
        told = info["worst_penetration"]
    assert told < limit
    cell = env.workcell
    assert cell.contacts is not None
    for _ in range(5):  # press on, against the end of the slot
        cell.robot.command(TASK.target(action, cell.robot.observe().target))
        cell.robot.advance()
        robot, poses = cell.robot.observe(), cell.scene.poses()
        overlap = TASK.measure(Situation(robot=robot, poses=poses, step=0), None)["depth_inside"]
        assert overlap - DEPTH <= cell.contacts.penetration + 2e-5
    env.close()
