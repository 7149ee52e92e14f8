"""How soon the arm is told to stop once we know of a fault, and that nothing follows: by the controller's own clock and order.

What must be within a stream period is measured several times, and the median held to that: one of them may fall into another
program's turn.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from arm_bench import BOUND, SHIPPED, Bench, tip

from ibc_gym.errors import RobotFault
from ibc_gym.hardware.arm.robot import XArm

pytestmark = pytest.mark.realtime

TICK = 0.004
"""By which the clock of the emulated controller goes on [s]."""
TIMES = 3
HELD_UP = 0.05
"""By which one stop alone may fall into another program's turn [s]."""
AFTER = 0.1
"""How long is listened for more [s]: ten stream periods."""


def under_way(bench: Bench, arm: XArm, number: int) -> None:
    """Let the arm move, and forget what was heard."""
    arm.command(tip(0.375, 0.04 if number % 2 else -0.04))
    time.sleep(AFTER)
    bench.rig.heard()
    bench.rig.stops()


def noticed(bench: Bench, arm: XArm) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Targets that came once there is a fault, and the order to stop: it is the last thing that the controller hears."""
    until = time.monotonic() + BOUND
    while arm.fault is None:
        assert time.monotonic() < until, "nobody noticed"
        time.sleep(0.001)
    time.sleep(AFTER)
    targets, (stop, *more) = bench.rig.heard(), bench.rig.stops()
    assert not more
    assert all(each["number"] < stop["number"] for each in targets), "a target after the stop"
    return targets, stop


def again(bench: Bench, arm: XArm) -> None:
    """What a person does, and the way home."""
    bench.rig.release()
    if arm.fault is not None:
        arm.recover()
    arm.reset()


def medians(measure: Callable[[int], tuple[float, ...]]) -> list[float]:
    rows = [measure(number) for number in range(TIMES)]
    return [float(each) for each in np.median(rows, axis=0)]


def test_stop_follows_the_answer_that_tells_of_an_error_within_one_stream_period(
    bench: Bench,
) -> None:
    period = bench.config.stream_period
    kinds = ("error", "collision", "emergency-stop")
    assert len(kinds) == TIMES
    with bench.arm(**SHIPPED) as arm:

        def measure(number: int) -> tuple[float, float]:
            under_way(bench, arm, number)
            began = bench.rig.inject(kinds[number])
            targets, stop = noticed(bench, arm)
            refused = [each for each in targets if not each["accepted"]]
            assert len(refused) <= 1, "it was told by the first answer, and another target went out"
            if refused:
                assert stop["number"] == refused[0]["number"] + 1, "nothing comes between"
            told = refused[0]["time"] if refused else stop["time"]  # else by a report
            again(bench, arm)
            return stop["time"] - told, stop["time"] - began

        after_the_answer, after_the_error = medians(measure)
    assert after_the_answer <= period + TICK
    assert after_the_error <= 2 * period + 2 * TICK, "the next target is a period away at most"


def test_stop_that_is_asked_for_goes_out_within_one_stream_period(bench: Bench) -> None:
    with bench.arm(**SHIPPED) as arm:

        def measure(number: int) -> tuple[float]:
            under_way(bench, arm, number)
            asked = bench.rig.state()["time"]
            arm.stop()
            time.sleep(AFTER)
            targets, (stop,) = bench.rig.heard(), bench.rig.stops()
            assert all(each["number"] < stop["number"] for each in targets)
            again(bench, arm)
            return (stop["time"] - asked,)

        (waited,) = medians(measure)
    assert waited <= bench.config.stream_period + TICK


@pytest.mark.parametrize("late", [0.15, 0.6], ids=["late answer", "no answer in time"])
def test_stop_waits_for_an_answer_that_is_owed_and_for_no_longer_than_the_timeout(
    bench: Bench, late: float
) -> None:
    patience = SHIPPED["command_timeout"]
    assert patience == 0.25, "docs/hardware.md says so"
    with bench.arm(**SHIPPED) as arm:
        under_way(bench, arm, 0)
        bench.rig.inject("delay", duration=60.0, late=late)
        if late < patience:
            time.sleep(AFTER)
            asked = bench.rig.state()["time"]
            arm.stop()
            time.sleep(AFTER)
            targets, (stop,) = bench.rig.heard(), bench.rig.stops()
        else:
            targets, stop = noticed(bench, arm)
            asked = targets[-1]["time"]
            with pytest.raises(RobotFault, match="press the emergency stop"):
                arm.close()  # nothing else has said so
    assert all(each["number"] < stop["number"] for each in targets), "a target after the stop"
    assert stop["time"] - asked <= patience + HELD_UP
