"""Every row's workcell is held to the contracts of scenes, of simulations, and of what joins robot, scene and cameras."""

from __future__ import annotations

from hypothesis.strategies import SearchStrategy
from rows import Row, suites

from ibc_gym.contracts import Workcell
from ibc_gym.records import Start
from ibc_gym.testing import WorkcellContract, strategies


class Workcells(WorkcellContract):
    row: Row

    def make(self) -> Workcell:
        return self.row.make_workcell(cameras=True)

    def starts(self) -> SearchStrategy[Start]:
        return strategies.starts(self.row.make_task())


globals().update(suites(Workcells))
