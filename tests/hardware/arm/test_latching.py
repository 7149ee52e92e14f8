"""Whatever fails while an error is dealt with: it stops the arm as well as can be, it latches, and the next word raises it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from arm_bench import BOUND, Bench, bring, run_into, tip

from ibc_gym.errors import RobotFault
from ibc_gym.hardware.arm.robot import XArm
from ibc_gym.hardware.arm.stream import Stream
from ibc_gym.hardware.arm.vendor import CommandFailed, Controller


def raises(error: BaseException) -> Callable[..., Any]:
    def call(*given: Any, **named: Any) -> Any:
        raise error

    return call


def goes_on_after_a_recovery(arm: XArm) -> None:
    arm.recover()
    arm.reset()
    bring(arm, tip(0.4, 0.02))


@pytest.mark.parametrize(
    "reply",
    [lambda: [0], lambda: [0, 0], raises(ValueError("too short")), raises(OSError("cut"))],
    ids=["no body", "half a body", "the client's parser", "the socket"],
)
def test_error_whose_cause_cannot_be_asked_stops_the_arm_and_latches(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, reply: Callable[..., Any]
) -> None:
    with bench.arm() as arm:
        monkeypatch.setattr(arm._controller._api.core, "get_err_code", reply)
        bench.rig.inject("collision")
        told = run_into(arm)
        assert arm.fault is not None and str(arm.fault) == str(told)
        assert bench.still()
        monkeypatch.undo()
        goes_on_after_a_recovery(arm)


@pytest.mark.parametrize("error", [OSError("cut"), KeyError("odd"), ValueError("short")], ids=repr)
def test_stop_that_fails_in_whatever_way_is_told_and_latches(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    with bench.arm() as arm:
        monkeypatch.setattr(arm._controller._api.core, "set_state", raises(error))
        bench.rig.inject("collision")
        told = str(run_into(arm))
        assert "a collision" in told and "The stop was not confirmed" in told
        assert "press the emergency stop" in told and "stands still" not in told
        for call in (lambda: arm.command(tip(0.4, 0.0)), arm.advance, arm.reset):
            with pytest.raises(RobotFault, match="press the emergency stop"):
                call()
        monkeypatch.undo()
        goes_on_after_a_recovery(arm)


@pytest.mark.parametrize("error", [OSError("cut"), KeyError("odd")], ids=repr)
def test_stop_that_somebody_asks_for_never_raises_and_latches_what_it_met(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    with bench.arm() as arm:
        monkeypatch.setattr(arm._controller, "stop", raises(error))
        arm.stop()
        assert "press the emergency stop" in str(arm.fault)
        with pytest.raises(RobotFault, match="press the emergency stop"):
            arm.advance()
        monkeypatch.undo()


def test_words_that_cannot_be_found_do_not_keep_a_fault_from_latching(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bench.arm() as arm:
        monkeypatch.setattr(Stream, "_explain", raises(KeyError("no such code")))
        bench.rig.inject("error")
        assert "a fault of ours" in str(run_into(arm))
        assert bench.rig.state()["state"] == 4
        monkeypatch.undo()
        goes_on_after_a_recovery(arm)


def test_interrupt_while_an_error_is_dealt_with_leaves_the_fault(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bench.arm() as arm:
        monkeypatch.setattr(Stream, "_stopped", raises(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            arm._stream.fail(RobotFault("Something happened."))
        assert "Something happened. If the arm moves" in str(arm.fault)
        with pytest.raises(RobotFault):
            arm.advance()
        monkeypatch.undo()


def test_error_between_two_periods_is_a_fault_and_the_thread_goes_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bench.arm() as arm:
        monkeypatch.setattr(Stream, "_next_deadline", raises(ZeroDivisionError()))
        assert "a fault of ours" in str(run_into(arm))
        assert arm._stream.alive
        monkeypatch.undo()
        goes_on_after_a_recovery(arm)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("verb", ["command", "advance", "reset"])
def test_thread_that_has_ended_is_noticed_by_the_next_word_and_had_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    words: dict[str, Callable[[XArm], Any]] = {
        "command": lambda arm: arm.command(tip(0.4, 0.0)),
        "advance": lambda arm: arm.advance(),
        "reset": lambda arm: arm.reset(),
    }
    with bench.arm() as arm:
        arm.command(tip(0.4, 0.1))
        monkeypatch.setattr(Stream, "_period", raises(SystemExit()))
        until = time.monotonic() + BOUND
        while arm._stream.alive:
            assert time.monotonic() < until
            time.sleep(0.001)
        nobody_noticed = arm.fault is None
        assert nobody_noticed
        monkeypatch.undo()
        with pytest.raises(RobotFault, match="has ended, which is a fault of ours"):
            words[verb](arm)
        assert arm.fault is not None
        assert bench.rig.state()["state"] == 4 and bench.still()
        goes_on_after_a_recovery(arm)


QUESTIONS: dict[str, tuple[int, Callable[[Controller], Any]]] = {
    "get_dh_params": (24, Controller.geometry),
    "get_reduced_states": (7, Controller.protection),
    "get_err_code": (2, Controller.errors),
    "get_joint_pos": (6, Controller.joints),
}
"""By the client's name: how many values are needed, and who asks."""


@pytest.mark.parametrize("name", QUESTIONS)
def test_reply_of_any_shorter_length_is_a_command_that_failed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    needed, question = QUESTIONS[name]
    with bench.controller() as controller:
        core = controller._api.core
        whole = getattr(core, name)(*([79] if name == "get_reduced_states" else []))
        for length in range(1 + needed):
            monkeypatch.setattr(core, name, lambda *given, kept=whole[:length]: kept)
            with pytest.raises(CommandFailed, match="the answer has the wrong length"):
                question(controller)
        monkeypatch.undo()
        question(controller)


def test_target_whose_answer_cannot_be_had_is_a_command_that_failed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bench.controller() as controller:
        joints = controller.joints()
        for error, told in ((OSError("cut"), "could not be sent"), (IndexError(), "wrong length")):
            monkeypatch.setattr(controller._api.core, "move_servoj", raises(error))
            with pytest.raises(CommandFailed, match=told):
                controller.servo_joints(joints)
            monkeypatch.undo()


def test_stop_that_nobody_confirmed_is_told_by_closing_once(bench: Bench) -> None:
    arm = XArm(bench.config)
    arm.reset()
    arm.command(tip(0.4, 0.05))
    bench.rig.inject("freeze", duration=60.0)
    time.sleep(0.05)  # until it is frozen
    with pytest.raises(RobotFault, match=r"not confirmed.*press the emergency stop"):
        arm.close()
    arm.close()
    bench.rig.release()
    assert bench.still()


def test_closing_says_nothing_anew_of_a_stop_that_was_told_of(bench: Bench) -> None:
    with bench.arm() as arm:
        bench.rig.inject("freeze", duration=60.0)
        assert "press the emergency stop" in str(run_into(arm))
    bench.rig.release()
    assert bench.still()


def test_stop_that_was_confirmed_is_closed_without_a_word(bench: Bench) -> None:
    with bench.arm() as arm:
        arm.command(tip(0.4, 0.05))
    assert bench.rig.state()["state"] == 4 and bench.still()


def test_nothing_can_be_aimed_at_before_a_reset_has_begun_the_stream(bench: Bench) -> None:
    with bench.arm(reset=False) as arm:
        stream = arm._stream
        assert not stream.streaming and stream.alive
        stream.touch()
        calls: tuple[Callable[[], Any], ...] = (
            stream.stay,
            lambda: stream.here,
            lambda: stream.arrived,
            lambda: stream.abandoned,
            lambda: stream.aim(bench.config.home(), None, tip_speed=0.1),
        )
        for call in calls:
            with pytest.raises(RobotFault, match="a reset begins that"):
                call()
        assert bench.rig.heard() == []
