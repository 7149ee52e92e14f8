"""Every row of the tables as a suite of `ibc_gym.testing`: a new row is held to the contracts without a line of test."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest
from trials import trials

from ibc_gym.contracts import Task, Workcell
from ibc_gym.env import Env
from ibc_gym.loading import load
from ibc_gym.registry import make_env, make_task, make_workcell
from ibc_gym.tables import REAL_TIME, TASKS, WORKCELLS

EXAMPLES = 5
"""How many examples each property is tried on in each row; there are many rows."""


@dataclass(frozen=True)
class Row:
    """A task in one of its workcells."""

    task: str
    workcell: str

    def __str__(self) -> str:
        return f"{self.task}@{self.workcell}"

    def make_env(self, **options: Any) -> Env:
        env = make_env(self.task, workcell=self.workcell, **options)
        assert isinstance(env, Env)
        return env

    def make_task(self, **options: Any) -> Task:
        return make_task(self.task, **options)

    def make_workcell(self, *, cameras: bool = False) -> Workcell:
        task = self.make_task(**(self.small_pictures() if cameras else {}))
        return make_workcell(self.workcell, task, cameras=cameras)

    def small_pictures(self) -> dict[str, Any]:
        """Options for pictures of half the size, where the task has a choice: they are drawn in a quarter of the time."""
        size = getattr(self.make_task().config, "image_size", None)
        return {} if size is None else {"image_size": (size[0] // 2, size[1] // 2)}


ROWS = [
    Row(task, workcell)
    for task in TASKS
    for workcell in load(TASKS, task, "task").workcells
    if workcell in WORKCELLS and workcell not in REAL_TIME
]


QUICK = ("insert", "particle", "push", "reach")
"""Tasks that stand for all in `make fast`, one of them, "push", in PyBullet, which takes three times as long."""


def is_slow(row: Any) -> bool:
    """Whether `make fast` leaves a row out, or a task."""
    if isinstance(row, Row):
        return row.task not in QUICK or (row.workcell == "pybullet" and row.task != "push")
    return row in TASKS and row not in QUICK


def marks(row: Any) -> list[pytest.MarkDecorator]:
    """What pytest is told of a row."""
    return [pytest.mark.slow] if is_slow(row) else []


of_every_row = pytest.mark.parametrize(
    "row", [pytest.param(row, id=str(row), marks=marks(row)) for row in ROWS]
)
"""A test of every row."""


def suites(base: type, rows: Iterable[Any] = ROWS) -> dict[str, type]:
    """A test class for every row, by its name: `globals().update(suites(Robots))`; each has its row as an attribute."""
    found = {}
    for row in rows:
        name = "Test" + base.__name__ + "_" + re.sub(r"\W+", "_", str(row)).strip("_")
        held = {
            "row": row,
            "examples": trials(EXAMPLES),
            "pytestmark": marks(row),
            "__module__": base.__module__,
        }
        found[name] = type(name, (base,), held)
    return found
