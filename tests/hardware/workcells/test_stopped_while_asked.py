"""A stop that comes before the arm goes home, while a person is asked or a moment later: nothing is sent that moves it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from arm_bench import Bench, tip
from arm_bench import bench as make_bench

from ibc_gym.errors import RobotFault
from ibc_gym.hardware.arm.robot import XArm
from ibc_gym.hardware.safety import SafeRobot
from ibc_gym.hardware.table.console import Answers, Meanwhile
from ibc_gym.hardware.workcells.real import AttendedArm

pytestmark = pytest.mark.realtime


class Console:
    """A person who does something before the arm is let go."""

    def __init__(self, first: Callable[[], None]) -> None:
        self.first = first

    def say(self, sentence: str) -> None:
        """Nobody reads."""

    def ask(self, question: str, answers: Answers, meanwhile: Meanwhile = None) -> str:
        self.first()
        return "enter"

    def pressed(self) -> tuple[str, ...]:
        return ()


@pytest.fixture(scope="module")
def shared() -> Iterator[Bench]:
    with make_bench() as made:
        yield made


@pytest.fixture
def arm(shared: Bench) -> Iterator[AttendedArm]:
    shared.clean()
    with AttendedArm(shared.config) as made:
        made.reset(tip(0.4, 0.1))
        yield made


def moves_nothing(shared: Bench, robot: SafeRobot, why: str) -> None:
    shared.rig.heard()
    with pytest.raises(RobotFault, match=why):
        robot.reset(tip(0.4, -0.1))
    assert len(shared.targets()) == 0
    assert shared.still()


def test_stop_for_good_while_the_person_is_asked(shared: Bench, arm: AttendedArm) -> None:
    robot = SafeRobot(arm)

    def stop() -> None:
        robot.stop_for_good("You stopped the arm by q.")
        shared.rig.heard()

    arm.console = Console(stop)
    moves_nothing(shared, robot, "stopped")
    assert "by q" in str(robot.fault)
    with pytest.raises(RobotFault, match="by q"):
        robot.reset()
    arm.console = None
    robot.recover()
    robot.reset()


def test_plain_stop_while_the_person_is_asked(shared: Bench, arm: AttendedArm) -> None:
    robot = SafeRobot(arm)

    def stop() -> None:
        arm.stop()
        shared.rig.heard()

    arm.console = Console(stop)
    moves_nothing(shared, robot, "stopped on its way")


@pytest.mark.parametrize("standing", [True, False])
def test_stop_between_the_refusal_and_the_way_home(
    shared: Bench, arm: AttendedArm, monkeypatch: pytest.MonkeyPatch, standing: bool
) -> None:
    robot, reset = SafeRobot(arm), XArm.reset
    if standing:
        robot.stop()

    def late(self: XArm, *home: object) -> None:
        robot.stop_for_good("You stopped the arm by Esc.")
        shared.rig.heard()
        reset(self, *home)  # type: ignore[arg-type]

    monkeypatch.setattr(XArm, "reset", late)
    moves_nothing(shared, robot, "by Esc")
