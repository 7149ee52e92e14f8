"""Wherever a task can run in both simulators, they agree on everything that is geometry."""

from __future__ import annotations

from hypothesis.strategies import SearchStrategy
from rows import ROWS, suites

from ibc_gym.contracts import Workcell
from ibc_gym.records import Start
from ibc_gym.registry import make_task, make_workcell
from ibc_gym.testing import AgreementContract, strategies

BOTH = ("mujoco", "pybullet")
TASKS = sorted(
    {row.task for row in ROWS if set(BOTH) <= {r.workcell for r in ROWS if r.task == row.task}}
)


class Agreement(AgreementContract):
    row: str

    def make(self) -> tuple[Workcell, Workcell]:
        task = make_task(self.row)
        one, other = (make_workcell(workcell, task, cameras=True) for workcell in BOTH)
        return one, other

    def starts(self) -> SearchStrategy[Start]:
        return strategies.starts(make_task(self.row))


globals().update(suites(Agreement, TASKS))


def test_tasks_run_in_both() -> None:
    assert {"push", "reach"} <= set(TASKS)
