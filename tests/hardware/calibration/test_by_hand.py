"""A person brings the tip to a point again and again: what they press is done, and the arm stands whatever they do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from ibc_gym import geometry
from ibc_gym.contracts import Workcell
from ibc_gym.errors import ConfigError, Declined, RobotFault
from ibc_gym.hardware.calibration.by_hand import THERE, touch_by_hand
from ibc_gym.hardware.calibration.collecting import Setting
from ibc_gym.hardware.calibration.tool_point import solve_tool_point
from ibc_gym.hardware.table.console import Answers, Meanwhile
from ibc_gym.records import Float64, Pose, RobotLimits, RobotState, Target

LENGTH = 0.15
TIP = np.array([0.002, -0.001, 0.151])
"""In the frame of the flange [m]."""
POINT = np.array([0.4, 0.05, 0.1])


class Arm:
    """One that is put somewhere, and comes to rest some periods later."""

    limits = RobotLimits(control_period=0.1, lower=(-1.0,) * 3, upper=(1.0,) * 3)

    def __init__(self) -> None:
        self.is_led = False
        self.moves_for = 0
        self.fails: RobotFault | None = None
        self.number = 0

    @contextmanager
    def led(self) -> Iterator[None]:
        self.is_led = True
        try:
            yield
        finally:
            self.is_led = False

    def touch(self, moves_for: int = 3) -> None:
        self.number += 1
        self.moves_for = moves_for

    def advance(self) -> None:
        self.moves_for -= 1

    def observe(self) -> RobotState:
        assert self.is_led
        if self.fails is not None:
            raise self.fails
        turn = Rotation.from_euler("x", np.pi) * Rotation.from_rotvec(
            np.random.default_rng(self.number).uniform(-0.7, 0.7, 3)
        )
        flange = Pose(position=POINT - turn.apply(TIP), quaternion=geometry.quaternion(turn))
        tool = geometry.compose(flange, Pose(position=np.array([0.0, 0.0, LENGTH])))
        speed: Float64 = np.full(6, 0.05 if self.moves_for > 0 else 0.001)
        return RobotState(
            time=0.0, joints=np.zeros(6), joint_velocities=speed, tool=tool, target=Target()
        )

    def _refused(self, *_: Any) -> Any:
        raise AssertionError("nothing moves the arm but the hand")

    reset = command = stop = _refused


class Person:
    """Who presses these keys, having brought the tip to the point before each."""

    def __init__(self, arm: Arm, keys: Sequence[str], *, moves_for: int = 3) -> None:
        self._arm, self._keys, self._moves_for = arm, iter(keys), moves_for
        self.said: list[str] = []

    def say(self, sentence: str) -> None:
        self.said.append(sentence)

    def ask(self, question: str, answers: Answers, meanwhile: Meanwhile = None) -> str:
        key = next(self._keys)
        if answers is THERE:
            assert self._arm.is_led and meanwhile is not None
            self._arm.touch(self._moves_for)
            meanwhile()
        return key

    def pressed(self) -> tuple[str, ...]:
        return ()


def touched(arm: Any, person: Person, count: int = 12) -> list[Pose]:
    cell: Any = Workcell(name="xarm", robot=arm, scene=None, cameras={})  # type: ignore[arg-type]
    return touch_by_hand(cell, person, Setting(tool_length=LENGTH), count)


def test_tip_comes_out_of_what_the_person_touched() -> None:
    arm, heard = Arm(), ["enter"] * 13
    person = Person(arm, heard)
    poses = touched(arm, person)
    assert len(poses) == 12 and not arm.is_led
    np.testing.assert_allclose(solve_tool_point(poses).flange_p_tip, TIP, atol=1e-9)
    assert (
        "12 of 12 poses. They agree on the tip within 0.00 mm, 0 of them left out." in person.said
    )


def test_last_one_is_forgotten_at_the_key_and_enough_is_enough_from_eight_on() -> None:
    arm = Arm()
    keys = ["enter", "backspace", *["enter"] * 3, "backspace", "f", *["enter"] * 6, "f"]
    person = Person(arm, keys)
    assert len(touched(arm, person)) == 8
    assert person.said.count("2 of 12 poses.") == 3, "twice so many, and once not enough"


def test_arm_that_still_moves_when_the_key_is_pressed_is_waited_for() -> None:
    arm = Arm()
    assert len(touched(arm, Person(arm, ["enter"] * 9, moves_for=40), 8)) == 8


def test_arm_that_never_rests_gives_no_pose() -> None:
    arm = Arm()
    person = Person(arm, ["enter", "enter", "escape"], moves_for=10_000)
    with pytest.raises(Declined):
        touched(arm, person)
    assert person.said[-1] == "0 of 12 poses."


@pytest.mark.parametrize("keys", [["escape"], ["enter", "escape"], ["enter", "enter", "escape"]])
def test_person_may_give_up_at_any_time_and_the_arm_stands(keys: list[str]) -> None:
    arm = Arm()
    with pytest.raises(Declined, match="gave up"):
        touched(arm, Person(arm, keys))
    assert not arm.is_led


def test_arm_that_is_not_to_be_led_any_more_ends_it_while_the_person_is_busy() -> None:
    arm = Arm()
    arm.fails = RobotFault("The arm stopped.")
    with pytest.raises(RobotFault, match="stopped"):
        touched(arm, Person(arm, ["enter"] * 9))
    assert not arm.is_led


def test_arm_that_no_hand_can_lead_is_refused_before_anybody_is_asked() -> None:
    class Simulated:
        limits = replace(Arm.limits)

    with pytest.raises(ConfigError, match="cannot be led by hand"):
        touched(Simulated(), Person(Arm(), []))
