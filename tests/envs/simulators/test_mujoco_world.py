"""The world of a MuJoCo scene: contacts are watched at every physics step, where the scene asks for it."""

from __future__ import annotations

import numpy as np
import pytest

from ibc_gym.envs.simulators.mujoco_world import MujocoWorld
from ibc_gym.envs.tasks.insert import Insert
from ibc_gym.envs.tasks.push import Push
from ibc_gym.records import Float64

DROPPED = 0.0205
"""Height of the block's centre, half a millimetre over the table [m]."""


def dropping(world: MujocoWorld) -> MujocoWorld:
    block = slice(world.model.nq - 7, world.model.nq)
    world.data.qpos[block] = (0.375, -0.09, DROPPED, 1, 0, 0, 0)
    return world


def depths(steps: int) -> Float64:
    """The deepest contact of every physics step of a small fall, as MuJoCo has it."""
    world, found = dropping(MujocoWorld(Insert().scene)), []
    for _ in range(steps):
        world.step(1)
        found.append(-world.data.contact.dist.min() if world.data.ncon else 0.0)
    return np.array(found)


def test_penetration_is_the_deepest_of_all_steps_and_not_of_the_last() -> None:
    each = depths(100)
    world = dropping(MujocoWorld(Insert().scene))
    world.step(100)
    assert world.penetration == each.max() > 2 * max(each[-1], 0.0)


def test_penetration_is_part_of_the_state() -> None:
    world = dropping(MujocoWorld(Insert().scene))
    world.step(100)
    saved, deep = world.save(), world.penetration
    world.reset()
    assert world.penetration == 0.0
    world.restore(saved)
    assert world.penetration == deep > 0


@pytest.mark.parametrize("task", [Insert(), Push()], ids=lambda task: task.name)
def test_only_a_scene_that_asks_for_it_is_watched(task: Insert | Push) -> None:
    world = dropping(MujocoWorld(task.scene))
    world.step(100)
    assert (world.penetration > 0) is task.scene.watch_contacts
