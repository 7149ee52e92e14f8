"""A hand leads the arm while the controller bears it: nothing is streamed, errors are noticed, and afterwards it stands."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from arm_bench import BOUND, Bench, bring, tip

from ibc_gym.errors import Declined, RobotFault
from ibc_gym.hardware.arm.bring_up import make_ready
from ibc_gym.hardware.arm.robot import XArm
from ibc_gym.hardware.arm.vendor import CommandFailed
from ibc_gym.hardware.rig.lines import RigError
from ibc_gym.hardware.safety import SafeRobot
from ibc_gym.offers import LedByHand

ASIDE = np.array([0.1, -0.15, 0.05, 0.2, -0.1, 0.3])
"""How far a hand leads every joint [rad]."""


def led(bench: Bench) -> list[float]:
    """A hand takes the arm, and lets go of it where it wanted."""
    goal: list[float] = (np.array(bench.rig.state()["joints"]) + ASIDE).tolist()
    bench.rig.lead(goal, 1.0)
    until = time.monotonic() + BOUND
    while bench.rig.state()["moving"]:
        assert time.monotonic() < until, "it does not follow the hand"
        time.sleep(0.01)
    return goal


def looked_at(arm: XArm) -> None:
    """Look until that raises the fault."""
    until = time.monotonic() + BOUND
    while time.monotonic() < until:
        arm.observe()
        time.sleep(0.01)
    raise AssertionError("nobody noticed")


def test_arm_follows_the_hand_and_nothing_else_and_then_stands_and_goes_home_from_there(
    bench: Bench,
) -> None:
    with bench.arm(reset=False) as arm:
        assert isinstance(arm, LedByHand)
        with arm.led():
            assert bench.rig.state()["mode"] == 2
            goal = led(bench)
            time.sleep(0.1)
            np.testing.assert_allclose(arm.observe().joints, goal, atol=1e-3)
            with pytest.raises(RobotFault, match="in somebody's hands"):
                arm.reset()
        assert bench.rig.heard() == [] and bench.still()
        assert bench.rig.state()["mode"] == 0, "whoever readies it next does not find it soft"
        with pytest.raises(RigError, match="stiff"):
            bench.rig.lead(goal, 1.0)
        state = arm.observe()
        assert state.tool is not None and state.target.tool is not None
        np.testing.assert_allclose(state.target.tool.position, state.tool.position, atol=1e-3)
        arm.reset()
        np.testing.assert_allclose(bench.targets()[0], goal, atol=1e-3)
        bring(arm, tip(0.4, 0.02))


def changed_by_somebody(bench: Bench) -> None:
    with bench.controller() as other:
        other.set_mode(0)
        other.be_ready()


@pytest.mark.parametrize(
    "happens, words",
    [
        (lambda bench: bench.fail("error", code=37), "manual mode"),
        (lambda bench: bench.fail("emergency-stop"), "emergency stop"),
        (changed_by_somebody, "mode|state 5"),  # the state of between, where reports are late
    ],
    ids=("error", "emergency stop", "another master"),
)
def test_what_goes_wrong_in_the_middle_stops_the_arm_and_stays_until_it_is_cleared(
    bench: Bench, happens: Callable[[Bench], None], words: str
) -> None:
    def lead_on(arm: XArm) -> None:
        with arm.led():
            happens(bench)
            looked_at(arm)

    with bench.arm(reset=False) as arm:
        with pytest.raises(RobotFault, match=words):
            lead_on(arm)
        assert arm.fault is not None and bench.still()
        with pytest.raises(RobotFault), arm.led():
            raise AssertionError("a fault latches")
        bench.rig.release()
        arm.recover()
        with arm.led():
            led(bench)


def test_arm_is_stiff_again_whatever_ends_the_block(bench: Bench) -> None:
    with bench.arm(reset=False) as arm:
        with pytest.raises(KeyboardInterrupt), arm.led():
            raise KeyboardInterrupt
        assert bench.still() and bench.rig.state()["mode"] == 0
        with pytest.raises(RigError, match="stiff"):
            led(bench)


def does_nothing() -> None:
    """The vendor's 0 that is no success."""


def is_refused() -> None:
    raise CommandFailed("stop the arm", 3, "here")


@pytest.mark.parametrize("ends", [None, Declined("You gave up."), KeyboardInterrupt()], ids=str)
@pytest.mark.parametrize("stop", [does_nothing, is_refused])
def test_arm_that_does_not_stand_afterwards_is_told_of_whatever_ended_the_block(
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    stop: Callable[[], None],
    ends: BaseException | None,
) -> None:
    def let_go(arm: XArm) -> None:
        with arm.led():
            monkeypatch.setattr(arm._controller, "stop", stop)
            if ends is not None:
                raise ends

    with bench.arm(reset=False, ready_timeout=0.3) as arm:
        with pytest.raises(RobotFault) as told:
            let_go(arm)
        assert arm.fault is told.value
        assert "stands still" not in str(told.value) or stop is does_nothing
        monkeypatch.undo()


def while_made_ready(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], None]) -> None:
    """Something happens when the arm has just been let go."""

    def ready_and_then(*given: Any) -> None:
        make_ready(*given)
        happens()

    monkeypatch.setattr("ibc_gym.hardware.arm.leading.make_ready", ready_and_then)


def test_stop_while_the_arm_is_let_go_is_not_lost(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bench.arm(reset=False) as arm:
        while_made_ready(monkeypatch, arm.stop)
        with pytest.raises(RobotFault, match="was stopped"), arm.led():
            raise AssertionError("nobody is to hold it now")
        assert bench.still() and bench.rig.state()["mode"] == 0


def test_key_while_the_arm_is_let_go_stops_it_for_good(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bench.arm(reset=False) as arm:
        guarded = SafeRobot(arm)
        while_made_ready(monkeypatch, lambda: guarded.stop_for_good("Esc was pressed."))
        with pytest.raises(RobotFault), guarded.led():
            raise AssertionError("nobody is to hold it now")
        assert guarded.fault is not None and "Esc" in str(guarded.fault)
        assert bench.still() and bench.rig.state()["mode"] == 0


def test_interrupt_while_the_arm_is_let_go_makes_it_stiff(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with bench.arm(reset=False) as arm:
        while_made_ready(monkeypatch, interrupted)
        with pytest.raises(KeyboardInterrupt), arm.led():
            raise AssertionError("nobody is to hold it now")
        assert bench.still() and bench.rig.state()["mode"] == 0
        with pytest.raises(RigError, match="stiff"):
            led(bench)


def test_refused_change_of_mode_afterwards_is_a_fault(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(mode: int) -> None:
        raise CommandFailed("change the mode", 3, "here")

    with bench.arm(reset=False) as arm:
        with pytest.raises(RobotFault, match="change the mode"), arm.led():
            monkeypatch.setattr(arm._controller, "set_mode", refused)
        assert arm.fault is not None and bench.still()
        monkeypatch.undo()
