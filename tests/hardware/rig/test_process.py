"""Rigs in processes of their own: side by side, ended by their number, and gone with who started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from functools import partial
from ipaddress import ip_address
from itertools import count

import numpy as np
import pytest
from vendor_arms import BENT, connected, ready, until

from ibc_gym.hardware.rig import process
from ibc_gym.hardware.rig.lines import RigError
from ibc_gym.hardware.rig.process import Rig, fresh_address, spawn

pytestmark = pytest.mark.slow


def runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def is_at(rig: Rig, joints: list[float]) -> bool:
    return bool(np.allclose(rig.state()["joints"], joints, atol=1e-6))


def test_rigs_of_every_process_have_addresses_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for pid in range(20_000, 20_600):
        monkeypatch.setattr(os, "getpid", partial(int, pid))
        monkeypatch.setattr(process, "_numbers", count())
        found += [fresh_address() for _ in range(254)]
    assert len(set(found)) == len(found)
    assert all(ip_address(address).is_loopback for address in found)


def test_three_arms_side_by_side_are_streamed_at_once() -> None:
    with ExitStack() as stack:
        rigs = [stack.enter_context(spawn(fresh_address())) for _ in range(3)]
        arms = []
        for rig in rigs:
            rig.place(BENT)
            arms.append(connected(rig))
            stack.callback(arms[-1].disconnect)
        for arm in arms:
            ready(arm, 1)
        steps = 50
        for step in range(1, steps + 1):
            for number, arm in enumerate(arms, start=1):
                assert arm.set_servo_angle_j([0.0005 * number * step, *BENT[1:]]) == 0
            time.sleep(0.01)
        for number, rig in enumerate(rigs, start=1):
            assert until(partial(is_at, rig, [0.0005 * number * steps, *BENT[1:]]))
            assert len(rig.heard()) == steps


def test_rig_ends_with_its_block() -> None:
    with spawn(fresh_address()) as rig:
        assert runs(rig.pid)
    assert until(lambda: not runs(rig.pid))


def test_rig_ends_with_the_process_that_started_it() -> None:
    code = (
        "import sys, time\n"
        "from ibc_gym.hardware.rig.process import spawn\n"
        f"with spawn({fresh_address()!r}) as rig:\n"
        "    print(rig.pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert runs(pid)
        os.kill(parent.pid, signal.SIGKILL)
        assert until(lambda: not runs(pid))
    finally:
        parent.kill()
        parent.communicate()


def test_second_rig_on_an_address_says_what_is_wrong() -> None:
    address = fresh_address()
    with (
        spawn(address),
        pytest.raises(RigError, match="Does another controller run there"),
        spawn(address),
    ):
        pass


def test_program_that_says_nothing_useful_is_an_error() -> None:
    silent = (sys.executable, "-c", "import sys; sys.exit('no such scene')")
    with pytest.raises(RigError, match="no such scene"), spawn(program=silent):
        pass


def test_older_firmware_speaks_the_older_protocol() -> None:
    with spawn(fresh_address(), "--firmware", "1.8.0", "--serial", "XI130500A01B02") as rig:
        rig.place(BENT)
        arm = connected(rig)
        try:
            assert arm.version_number == (1, 8, 0) and arm.sn == "XI130500A01B02"
            ready(arm, 0)
            start = arm.get_position()[1]
            # Without notices, the client waits on the state; a line is sent in its short form.
            goal = [start[0], start[1] + 10, *start[2:]]
            assert arm.set_position(*goal, speed=200, wait=True, timeout=10) == 0
            assert arm.get_position()[1][:3] == pytest.approx(goal[:3], abs=0.01)
            assert {entry["register"] for entry in rig.heard()} == {21}
            ready(arm, 1)
            assert arm.set_servo_angle_j([*BENT[:2], BENT[2], 0.0, 0.85, 0.0]) in (0, 1)
        finally:
            arm.disconnect()


def test_faults_can_be_scheduled_from_the_start() -> None:
    faults = '[{"kind": "warning", "at": 0.2, "code": 15}]'
    with spawn(fresh_address(), "--faults", faults) as rig:
        assert until(lambda: rig.state()["warning"] == 15)


def test_rig_may_listen_on_another_port() -> None:
    with spawn(fresh_address(), "--port", "20502") as rig:
        assert rig.port == 20502
        arm = connected(rig)
        assert arm.get_state() == (0, 4)
        arm.disconnect()
