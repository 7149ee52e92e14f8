"""A person who records at a real table, where nobody measures: verdicts, questions, and time that passes by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from hall import IDLE, PUSH, Hall, ask, finding
from hands import ScriptedConsole

from ibc_gym import loading, tables
from ibc_gym.contracts import Scene, Workcell
from ibc_gym.envs.simulators.mujoco_sim import make_workcell
from ibc_gym.envs.tasks.reach import Reach
from ibc_gym.hardware.table.persons_table import PersonsTable
from ibc_gym.hardware.teleop import device
from ibc_gym.records import Layout


class Mute:
    """A scene that neither measures nor judges."""

    def arrange(self, layout: Layout) -> None: ...

    def poses(self) -> Layout | None:
        return None

    def verdict(self) -> bool | None:
        return None


class RealTable:
    """The table as if it were real: a simulated arm, a person who arranges and judges, nothing that measures."""

    console: ClassVar[ScriptedConsole]
    scene: ClassVar[Callable[[], Scene]] = lambda: PersonsTable(
        RealTable.console, ("block", "target")
    )

    @classmethod
    def make(cls, task: Any, *, cameras: bool) -> Workcell:
        cell = make_workcell(task, cameras=cameras)
        return replace(cell, name="table", scene=cls.scene(), simulation=None, variable=None)


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch) -> type[RealTable]:
    monkeypatch.setitem(tables.WORKCELLS, "table", "a table")
    monkeypatch.setattr(Reach, "workcells", ("mujoco", "table"))
    monkeypatch.setattr(loading, "attribute", finding("a table", RealTable.make))
    return RealTable


SMALL = {"observation": "image", "workcell": "table"}


class TestRealTable:
    def test_persons_verdict_is_the_success_that_is_stored(
        self, hall: Hall, real: type[RealTable]
    ) -> None:
        real.console = ScriptedConsole("enter", "enter", "enter", "n")
        script = [IDLE, PUSH, PUSH, ask(device.SUCCESS), IDLE, PUSH, ask(device.FAILURE)]
        script += [IDLE, PUSH, ask(device.NEXT)]
        summary = hall.record(script, episodes=3, **SMALL)
        assert [episode.success for episode in hall.data] == [True, False, False]
        assert [bool(e.steps["success"][-1]) for e in hall.data] == [True, False, False]
        assert summary.successes == 1 and not real.console.answers
        assert hall.data.metadata.workcell == "table"
        assert sorted(hall.data.metadata.observation_space.spaces) == ["image", "robot"]

    def test_person_is_asked_at_the_horizon(self, hall: Hall, real: type[RealTable]) -> None:
        real.console = ScriptedConsole("enter", "y")
        hall.record([IDLE, PUSH], episodes=1, options={"horizon": 3}, **SMALL)
        assert hall.data[0].success is True and hall.data[0].length == 3

    def test_real_time_waits_for_nobody_and_is_not_slept_away(
        self, hall: Hall, real: type[RealTable]
    ) -> None:
        real.console = ScriptedConsole("enter", "y")
        hall.record([IDLE, IDLE, IDLE, PUSH], episodes=1, options={"horizon": 4}, **SMALL)
        assert hall.clock.now == 0.0
        assert not hall.data[0].steps["action"][:2].any()
        assert hall.data[0].steps["action"][2:].any(axis=1).all()


def test_scene_that_nobody_judges_has_its_verdict_asked_from_the_hand(
    hall: Hall, real: type[RealTable], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(real, "scene", Mute)
    script = [IDLE, PUSH, ask(device.NEXT), IDLE, IDLE, ask(device.SUCCESS)]
    script += [IDLE, PUSH, ask(device.NEXT), IDLE, ask(device.DISCARD)]
    summary = hall.record(script, episodes=2, **SMALL)
    assert [episode.success for episode in hall.data] == [True]
    assert summary.discarded == 1
    assert any("Was that a success?" in line for line in hall.said)
