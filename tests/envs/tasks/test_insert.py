"""The insertion task: what is drawn, what is partly and fully in, and how deep things get in each other."""

from __future__ import annotations

from math import cos, hypot, pi, sin
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tabletop_toys import table

from ibc_gym import geometry
from ibc_gym.env import Env
from ibc_gym.envs.tasks.insert import DEPTH, MOUTH, Insert, InsertConfig
from ibc_gym.errors import ConfigError
from ibc_gym.records import Progress, Situation
from ibc_gym.registry import make_env, make_oracle

TASK = Insert()
SEAT = (0.375, 0.21, 1.6)
HALF = 0.02
CLEARANCES = [0.005, 0.002, 0.001, 0.0005]


def seen(along: float, across: float = 0.0, yaw: float = 0.0, task: Insert = TASK) -> Progress:
    """What is measured of a block at this place and yaw in the slot's frame."""
    c, s = cos(SEAT[2]), sin(SEAT[2])
    x, y = SEAT[0] + c * along - s * across, SEAT[1] + s * along + c * across
    return task.measure(table(block=(x, y, SEAT[2] + yaw), target=SEAT), None)


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
