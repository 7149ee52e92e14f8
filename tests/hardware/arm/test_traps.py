"""The traps of the vendor's client, each shown to be there, and each kept away from whoever uses the driver."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from arm_bench import Bench, run_into, tip
from vendor_arms import control_port
from xarm.wrapper.xarm_api import XArmAPI

from ibc_gym.errors import MissingDependency, RobotFault, SpecMismatch
from ibc_gym.hardware.arm.bring_up import make_ready
from ibc_gym.hardware.arm.reports import Reports
from ibc_gym.hardware.arm.vendor import CommandFailed, Controller, _code
from ibc_gym.hardware.rig.process import fresh_address

MAKE: Any = XArmAPI


@contextmanager
def raw_client(bench: Bench, **options: Any) -> Iterator[Any]:
    """The vendor's client as it comes, but for degrees."""
    before = socket.getdefaulttimeout()
    with control_port(bench.rig.port):
        api = MAKE(bench.rig.address, is_radian=True, **({"forbid_uds": True} | options))
    try:
        yield api
    finally:
        api.disconnect()
        socket.setdefaulttimeout(before)


@contextmanager
def reports_of(bench: Bench) -> Iterator[Reports]:
    with Reports(bench.rig.address, timeout=2.0) as reports:
        yield reports


def test_folder_of_the_clients_log_is_there_before_two_processes_make_it(tmp_path: Path) -> None:
    code = """
import importlib.abc, pathlib, sys

class Look(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "xarm":
            print(pathlib.Path("~/.UFACTORY/log/xarm/sdk").expanduser().is_dir(), file=sys.stderr)

sys.meta_path.insert(0, Look())
import ibc_gym.hardware.arm.vendor
from xarm.core.utils.log import log_path
print(log_path)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.split() == ["True"]
    assert done.stdout.split() == [str(tmp_path / ".UFACTORY/log/xarm/sdk")]


def test_return_0_that_is_no_success_is_not_believed(bench: Bench) -> None:
    bench.fail("error")
    with raw_client(bench) as api:
        assert api.set_state(0) == 0, "the trap: it returns 0"
        assert api.get_err_warn_code()[1][0] == 25, "and has done nothing"
    with (
        bench.controller() as controller,
        reports_of(bench) as reports,
        pytest.raises(RobotFault, match="controller error 25"),
    ):
        make_ready(bench.config, controller, reports)
    assert bench.rig.state()["error"] == 25


def test_mode_that_was_not_entered_is_noticed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Controller, "set_mode", lambda *values: None)  # returns as if all were well
    with (
        bench.arm(reset=False, ready_timeout=0.5) as arm,
        pytest.raises(RobotFault, match="not as expected"),
    ):
        arm.reset()
    assert bench.rig.heard() == []


def test_waiting_without_end_while_paused_does_not_happen(bench: Bench) -> None:
    with bench.arm() as arm, bench.controller() as other:
        other._api.core.set_state(3)
        assert "was paused by the controller" in str(run_into(arm))
        with pytest.raises(RobotFault, match="was paused"):
            arm.reset()


def test_controller_that_never_answers_costs_the_deadline_and_no_more() -> None:
    address = fresh_address()
    with socket.create_server((address, 0)) as deaf:
        started = time.monotonic()
        with pytest.raises(RobotFault, match=r"within 0.5 s \(no answer\) on port"):
            Controller(
                address, port=deaf.getsockname()[1], connect_timeout=0.5, command_timeout=0.25
            )
        assert time.monotonic() - started < 30.0, "the client alone would try for minutes"


def test_default_timeout_of_sockets_is_that_of_before(bench: Bench) -> None:
    for before in (None, 7.0):
        socket.setdefaulttimeout(before)
        try:
            with bench.controller():
                assert socket.getdefaulttimeout() == before
            with pytest.raises(RobotFault):
                Controller("127.99.99.99", connect_timeout=0.3, command_timeout=0.2)
            assert socket.getdefaulttimeout() == before
            with raw_client(bench):
                assert socket.getdefaulttimeout() == 1.0, "the trap"
        finally:
            socket.setdefaulttimeout(None)


def test_stale_unix_socket_is_not_preferred_to_the_address(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale, met = str(tmp_path / "stale"), []

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                met.append(listener.accept()[0])
            except OSError:
                return

    # The client looks at a fixed place in the temp folder, which others use as well.
    there = SimpleNamespace(path=SimpleNamespace(join=lambda *parts: stale, exists=os.path.exists))
    monkeypatch.setattr("xarm.core.comm.socket_port.os", there)
    monkeypatch.setattr("xarm.core.comm.socket_port.os.path.join", lambda *parts: stale)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(stale)
        listener.listen()
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        with bench.controller() as controller:
            assert controller.errors() == (0, 0)
        assert met == []
        trapped = MAKE(bench.rig.address, do_not_open=True, enable_report=False)
        threading.Thread(target=_connect, args=(trapped,), daemon=True).start()
        until = time.monotonic() + 5.0
        while not met and time.monotonic() < until:
            time.sleep(0.01)
        assert met, "the trap: the client takes the file for the controller"
        for each in met:
            each.close()
        trapped.disconnect()
        listener.shutdown(socket.SHUT_RDWR)
    socket.setdefaulttimeout(None)


def _connect(api: Any) -> None:
    with suppress(Exception):  # it was led astray on purpose
        api.connect()


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_number_that_is_none_never_leaves_this_machine(bench: Bench, number: float) -> None:
    joints = np.array([0.0, 0.0, 0.0, 0.0, 0.0, number])
    with bench.controller() as controller:
        for send in (
            controller.servo_joints,
            lambda values: controller.turn_joints(values, 0.1),
            lambda values: controller.plan_joints(values, 1.0, 1.0),
        ):
            with pytest.raises(SpecMismatch, match="nothing was sent"):
                send(joints)
        with pytest.raises(SpecMismatch, match="never end"):
            controller.turn_joints(np.zeros(6), 0.0)
    assert bench.rig.heard() == []


def test_client_alone_sends_what_is_no_number(bench: Bench) -> None:
    with raw_client(bench) as api:
        api.motion_enable(True)
        api.set_mode(1)
        api.set_state(0)
        api.set_servo_angle_j([0.0] * 5 + [float("nan")])
    assert np.isnan(bench.rig.heard()[-1]["joints"]).any(), "the trap: it reached the controller"


def test_nan_in_a_target_never_reaches_the_socket(bench: Bench) -> None:
    with bench.arm() as arm:
        for _ in range(3):
            with pytest.raises(SpecMismatch):
                arm.command(tip(np.nan, 0.0))
            arm.advance()
        assert arm.fault is None
        assert np.isfinite(bench.targets()).all()


def test_codes_in_lists_are_read(bench: Bench) -> None:
    with raw_client(bench) as api:
        assert api.set_fence_mode(True) == [0], "the trap: a list"
    assert (_code([9]), _code((3, 0)), _code(0)) == (9, 3, 0)


def test_text_in_place_of_a_value_is_an_error_of_ours(bench: Bench) -> None:
    with raw_client(bench) as api:
        api.disconnect()
        assert api.get_servo_angle() == (-1, "xArm is not connect"), "the trap: a text"
    with bench.controller() as controller:
        controller.close()
        with pytest.raises(CommandFailed, match="there is no connection"):
            controller.joints()


def test_reply_that_is_too_short_is_an_error_of_ours(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bench.controller() as controller:

        def short() -> list[int]:
            raise ValueError("unpack requires a buffer of 4 bytes")

        monkeypatch.setattr(controller._api.core, "get_joint_pos", short)
        with pytest.raises(CommandFailed, match="wrong length"):
            controller.joints()


def test_positions_go_on_while_there_is_an_error(bench: Bench) -> None:
    with reports_of(bench) as reports:
        bench.fail("error", code=12)
        setup = reports.wait_setup(lambda each: each.error == 12, after=-1.0, timeout=2.0)
        assert setup.servos == (0, 23, 0, 0, 0, 0)
        frozen = reports.motion
        assert frozen is not None
        reports.wait_motion(lambda each: each.state == 4, after=frozen.time, timeout=2.0)


def test_error_that_the_fast_reports_do_not_carry_is_found_all_the_same(bench: Bench) -> None:
    with raw_client(bench, report_type="real") as api:
        bench.fail("error")
        until = time.monotonic() + 2.0
        while api.state != 4 and time.monotonic() < until:
            time.sleep(0.01)
        assert api.error_code == 0, "the trap: the client knows of no error"
    bench.clean()
    with bench.arm() as arm:
        bench.fail("error")
        assert "controller error 25" in str(run_into(arm))


def test_nothing_is_printed(bench: Bench, capfd: pytest.CaptureFixture[str]) -> None:
    with bench.arm() as arm:
        bench.fail("error")
        run_into(arm)
    assert capfd.readouterr() == ("", "")


def test_missing_client_says_which_extra_brings_it() -> None:
    error = ModuleNotFoundError("No module named 'xarm'", name="xarm.core.utils.log")
    told = str(MissingDependency.explaining(error, "The arm"))
    assert "pip install 'ibc-gym[xarm]'" in told
