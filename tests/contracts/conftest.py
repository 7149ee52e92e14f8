"""Every row of the tables, for suites that hold all of them to the contracts.

A new row in the registry is covered without a line of test.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from ibc_gym.contracts import Task, Workcell
from ibc_gym.env import Env
from ibc_gym.records import Progress, Situation
from ibc_gym.registry import TASKS, WORKCELLS, load, make_env, make_task, make_workcell


@dataclass(frozen=True)
class Row:
    """A task in one of its workcells."""

    task: str
    workcell: str

    def make_env(self, **options: Any) -> Env:
        env = make_env(self.task, workcell=self.workcell, **options)
        assert isinstance(env, Env)
        return env

    def make_workcell(self, *, cameras: bool = False) -> Workcell:
        return make_workcell(self.workcell, make_task(self.task), cameras=cameras)


ROWS = [
    Row(task, workcell)
    for task in TASKS
    for workcell in load(TASKS, task, "task").workcells
    if workcell in WORKCELLS
]


@dataclass(frozen=True)
class Episode:
    """Some steps of a task under random actions."""

    situations: list[Situation]
    progress: list[Progress]


@pytest.fixture(scope="module", params=ROWS, ids=lambda row: f"{row.task}@{row.workcell}")
def row(request: pytest.FixtureRequest) -> Row:
    found: Row = request.param
    return found


@pytest.fixture
def task(row: Row) -> Task:
    return make_task(row.task)


@pytest.fixture(scope="module")
def env(row: Row) -> Iterator[Env]:
    """One environment for all tests of a module; each begins with its own reset."""
    with row.make_env() as made:
        yield made


@pytest.fixture(scope="module")
def workcell(row: Row) -> Iterator[Workcell]:
    """One workcell, without cameras, for all tests of a module."""
    made = row.make_workcell()
    yield made
    made.close()


@pytest.fixture(scope="module")
def episode(row: Row, workcell: Workcell) -> Episode:
    task, rng = make_task(row.task), np.random.default_rng(7)
    start = task.sample(rng)
    workcell.robot.reset(start.home)
    workcell.scene.arrange(start.layout)
    situations: list[Situation] = []
    progress: list[Progress] = []
    for step in range(12):
        state = workcell.robot.observe()
        situations.append(Situation(robot=state, poses=workcell.scene.poses(), step=step))
        progress.append(task.measure(situations[-1], progress[-1] if progress else None))
        space = task.action_space
        action = rng.uniform(space.low, space.high).astype(np.float32)
        workcell.robot.command(task.target(action, state.target))
        workcell.robot.advance()
    return Episode(situations=situations, progress=progress)
