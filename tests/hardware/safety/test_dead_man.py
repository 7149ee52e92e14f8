"""A robot whose dead-man switch is let go stands where it is."""

from __future__ import annotations

import numpy as np
import pytest
from safe_bench import BOX, HOME, Notebook, safe, to

from ibc_gym.hardware.safety import SafeRobot, SafetyLimits
from ibc_gym.hardware.safety.limits import tilt_of
from ibc_gym.records import Float64, Pose, Target
from ibc_gym.testing.ideal import IdealRobot


class Switch:
    on = True

    def held(self) -> bool:
        return self.on


def test_without_the_dead_man_switch_held_it_keeps_its_place() -> None:
    switch = Switch()
    robot, inner = safe(SafetyLimits(), dead_man=switch)
    robot.command(to(0.35, 0.0, 0.2))
    robot.advance()
    switch.on = False
    sent = robot.command(to(0.45, 0.0, 0.2))
    assert sent.tool is not None and sent.tool.position[0] == 0.35
    assert robot.observe().interventions == 1
    robot.command(to(0.35, 0.0, 0.2))  # to stay is no more than it does anyway
    assert robot.observe().interventions == 1
    switch.on = True
    sent = robot.command(to(0.45, 0.0, 0.2))
    assert sent.tool is not None and sent.tool.position[0] == 0.45
    assert inner.observe().target.tool is sent.tool


class Late(Notebook):
    """Goes 25 mm in a period at most, wherever it was told to be, and rests a hair below that, as an arm with a load does."""

    SAG = 2e-4

    def advance(self) -> None:
        assert self._here.tool is not None and self._target.tool is not None
        here, there = self._here.tool.position, self._target.tool.position - [0.0, 0.0, self.SAG]
        way = there - here
        share = min(1.0, 0.025 / max(float(np.linalg.norm(way)), 1e-9))
        turn = self._target.tool.quaternion
        self._here = Target(tool=Pose(position=here + share * way, quaternion=turn))

    @property
    def tip(self) -> Float64:
        assert self._here.tool is not None
        return self._here.tool.position


class TestDeadMan:
    LIMITS = (
        SafetyLimits(),
        SafetyLimits(step=0.28, tilt=0.1),
        SafetyLimits(step=0.28, speed=0.5, acceleration=2.0, turning_speed=1.0),
    )

    @pytest.mark.parametrize("limits", LIMITS)
    def test_robot_that_lags_stands_where_it_is_measured_when_it_is_let_go(
        self, limits: SafetyLimits
    ) -> None:
        switch, inner = Switch(), Late()
        robot = SafeRobot(inner, limits, dead_man=switch)
        robot.reset(HOME)
        for number in range(1, 6):
            robot.command(to(0.3, 0.05 * number, 0.2))
            robot.advance()
        tool = inner.observe().target.tool
        assert tool is not None
        ahead = float(np.linalg.norm(tool.position - inner.tip))
        assert ahead > 0.05, "its last commands lie ahead"
        switch.on, there = False, inner.tip
        for _ in range(10):
            sent = robot.command(to(0.3, 0.4, 0.2))
            robot.advance()
            assert sent.tool is not None and np.allclose(sent.tool.position, there, atol=1e-12)
            assert np.linalg.norm(inner.tip - there) <= 2 * Late.SAG
        switch.on = True
        robot.command(to(0.3, there[1] + 0.02, 0.2))
        for _ in range(3):
            robot.advance()
        assert inner.tip[1] > there[1] + 0.005, "held again it goes on, and not backwards first"

    def test_letting_go_of_a_robot_that_has_arrived_changes_nothing_however_often(self) -> None:
        switch, inner = Switch(), Late()
        robot = SafeRobot(inner, SafetyLimits(tilt=0.1), dead_man=switch)
        robot.reset(HOME)
        for number in range(20):
            switch.on = number % 2 == 0
            robot.command(HOME)
            robot.advance()
        assert abs(inner.tip[2] - 0.2) <= 2 * Late.SAG, "it does not sink by its load"
        assert robot.interventions == 0

    def test_it_stands_within_its_bounds_even_where_it_was_measured_beyond(self) -> None:
        switch, inner = Switch(), Late()
        robot = SafeRobot(inner, SafetyLimits(height=(0.19, 0.3), tilt=0.1), dead_man=switch)
        robot.reset(HOME)
        robot.command(to(0.4, 0.0, 0.2))
        inner._here = to(0.35, 0.0, 0.185, np.array([0.0, np.cos(0.1), 0.0, np.sin(0.1)]))
        switch.on = False
        tool = robot.command(to(0.4, 0.0, 0.2)).tool
        assert tool is not None and np.allclose(tool.position, [0.35, 0.0, 0.19])
        assert tilt_of(tool.quaternion) <= 0.1 + 1e-6

    def test_robot_that_is_commanded_by_joints_stands_by_them(self) -> None:
        class Gantry(IdealRobot):
            def advance(self) -> None:
                """Has not moved yet."""

        switch = Switch()
        home = Target(joints=np.array([0.3, 0.0, 0.2]))
        robot = SafeRobot(Gantry(BOX, home), dead_man=switch)
        robot.reset()
        robot.command(Target(joints=np.array([0.5, 0.0, 0.2])))
        robot.advance()
        switch.on = False
        sent = robot.command(Target(joints=np.array([0.5, 0.0, 0.2])))
        assert sent.joints is not None and sent.joints.tolist() == [0.3, 0.0, 0.2]
