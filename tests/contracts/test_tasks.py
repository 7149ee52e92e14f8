"""Every task is held to the contract of tasks, without a simulator; and what its row in the table promises."""

from __future__ import annotations

import numpy as np
import pytest
from rows import suites

from ibc_gym.contracts import Robot, Task
from ibc_gym.loading import load
from ibc_gym.records import RobotLimits, Target
from ibc_gym.registry import make_task
from ibc_gym.tables import ORACLES, TASKS, WORKCELLS
from ibc_gym.testing import IdealRobot, TaskContract


class Tasks(TaskContract):
    row: str

    def make(self) -> Task:
        return make_task(self.row)

    def robot(self) -> Robot:
        if self.row != "particle":
            return super().robot()
        limits = RobotLimits(control_period=0.05, lower=(0.0, 0.0), upper=(1.0, 1.0))
        return IdealRobot(limits, Target(joints=np.full(2, 0.5)))


globals().update(suites(Tasks, TASKS))


@pytest.mark.parametrize("name", TASKS)
def test_table_names_the_task_as_it_names_itself(name: str) -> None:
    task = make_task(name)
    assert task.name == name
    assert set(task.workcells) & set(WORKCELLS)
    assert task.config == task.Config()


@pytest.mark.parametrize("name", TASKS)
def test_actions_of_our_own_tasks_are_labelled(name: str) -> None:
    assert make_task(name).action_names


@pytest.mark.parametrize("name", TASKS)
def test_unknown_task_option_is_answered_with_the_known_ones(name: str) -> None:
    with pytest.raises(ValueError, match="Known: "):
        make_task(name, no_such_option=1)


@pytest.mark.parametrize("name", TASKS)
def test_every_task_has_a_demonstrator(name: str) -> None:
    assert callable(load(ORACLES, name, "oracle"))
