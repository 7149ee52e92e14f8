"""What is made by name takes the options that its config has, in the types that its config says."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ibc_gym.errors import ConfigError
from ibc_gym.loading import load
from ibc_gym.registry import make_env, make_task, make_vec_env
from ibc_gym.tables import TASKS


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("value", [2.5, "two", None, True, [2], 2.0])
def test_option_of_another_type_is_refused_with_field_value_and_type(task: str, value: Any) -> None:
    for make in (make_task, make_env, lambda name, **given: make_vec_env(name, 2, **given)):
        with pytest.raises(ConfigError, match=r"Config\.horizon is") as caught:
            make(task, horizon=value)
        assert f"{value!r}, which is no int" in str(caught.value)


@pytest.mark.parametrize("task", TASKS)
def test_whole_number_will_do_for_a_real_one_and_numpys_for_pythons(task: str) -> None:
    made = make_task(task, horizon=np.int64(7), goal_tolerance=np.float32(0.0625))
    assert (made.config.horizon, made.config.goal_tolerance) == (7, 0.0625)
    assert type(made.config.horizon) is int
    with pytest.raises(ConfigError, match="must be positive"):
        make_task(task, goal_tolerance=0)


@pytest.mark.parametrize("size", [[90, 120], (90, 120)])
def test_list_will_do_for_a_tuple(size: Any) -> None:
    assert make_task("push", image_size=size).config.image_size == (90, 120)
    with pytest.raises(ConfigError, match=r"image_size is \[90\], which is no tuple\[int, int\]"):
        make_task("push", image_size=[90])


@pytest.mark.parametrize("task", TASKS)
def test_config_taken_apart_makes_the_same_task(task: str) -> None:
    config = load(TASKS, task, "task").Config(horizon=7)
    assert make_task(task, **dataclasses.asdict(config)).config == config


def test_options_of_many_environments_reach_them_all() -> None:
    envs = make_vec_env("particle", 3, dimensions=3, workcell="particle", observation="state")
    assert envs.single_action_space.shape == (3,)
    envs.close()
    with pytest.raises(ConfigError, match="dimensions"):
        make_vec_env("particle", 3, dimension=3)


@pytest.mark.parametrize("make", [make_env, lambda task: make_vec_env(task, 2)])
def test_task_that_is_no_name_is_told(make: Any) -> None:
    for task in (None, 3, Path("push")):
        with pytest.raises(ConfigError, match=r"asked for by its name .*push"):
            make(task)
