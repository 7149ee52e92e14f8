"""The dead-man switch before the driver of an arm: let go with commands that lie far ahead, the arm stands all the same."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
from arm_bench import Bench, bring, tip
from arm_bench import bench as make_bench

from ibc_gym.hardware.safety import SafeRobot, SafetyLimits
from ibc_gym.records import Float64

pytestmark = pytest.mark.realtime

BRAKING = 0.03
"""What an arm may still go at 0.25 m/s [m]: 7 mm on a machine that has time, of which it is ahead of its reports by a part, and
more where reports come late."""
PERIODS = 12
GLANCE = 0.005
"""How often it is looked at [s]."""


class Switch:
    """Held until it is let go."""

    on = True

    def held(self) -> bool:
        return self.on


@pytest.fixture
def bench() -> Iterator[Bench]:
    with make_bench() as made:
        yield made


def test_arm_brakes_and_stands_where_it_was_when_it_was_let_go(bench: Bench) -> None:
    switch = Switch()
    with bench.arm() as arm:
        robot = SafeRobot(
            arm, SafetyLimits(step=0.28), kinematics=bench.config.kinematics(), dead_man=switch
        )
        robot.reset(tip(0.375, -0.2))

        def where() -> Float64:
            tool = robot.observe().tool
            assert tool is not None
            return tool.position

        for number in (1, 2):  # faster than the arm goes: most of it lies ahead then
            robot.command(tip(0.375, -0.2 + 0.14 * number))
            robot.advance()
        switch.on = False
        kept = robot.command(tip(0.375, 0.08)).tool  # where it is measured now
        assert kept is not None
        there = kept.position
        assert there[1] < 0.0, "it has a long way to go"
        gone: list[float] = []
        over = threading.Event()

        def follow() -> None:
            while not over.wait(GLANCE):
                gone.append(float(np.linalg.norm(where() - there)))

        following = threading.Thread(target=follow)
        following.start()
        for _ in range(PERIODS):
            robot.advance()
            robot.command(tip(0.375, 0.08))
        over.set()
        following.join()
        assert max(gone) < BRAKING, gone
        assert gone[-1] < 1e-3, "it stands there, no further on"
        switch.on = True
        bring(arm, tip(0.375, 0.08))
