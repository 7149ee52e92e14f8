"""The sockets of the controller, polled without a thread: clients in this process, by hand."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ibc_gym.envs.simulators.mujoco_robot import MujocoRobot
from ibc_gym.envs.simulators.mujoco_world import MujocoWorld
from ibc_gym.errors import ConfigError
from ibc_gym.hardware.rig.faults import Fault
from ibc_gym.hardware.rig.frames import Request, decode_reply, encode_request, floats
from ibc_gym.hardware.rig.kinematic_arm import KinematicArm
from ibc_gym.hardware.rig.lines import LineServer
from ibc_gym.hardware.rig.process import fresh_address
from ibc_gym.hardware.rig.serve import run
from ibc_gym.hardware.rig.server import Controller
from ibc_gym.records import Target
from ibc_gym.registry import make_task

PORT = 20502
"""For commands: other rigs may stand on 502 of other addresses."""


@pytest.fixture
def controller() -> Iterator[Controller]:
    with Controller(KinematicArm(control_period=0.01), fresh_address(), PORT) as controller:
        yield controller


class Client:
    """A socket that takes turns with the controller."""

    def __init__(self, controller: Controller, port: int = PORT) -> None:
        self._controller = controller
        self.socket = socket.create_connection((controller.address, port), timeout=5.0)
        self.socket.setblocking(False)
        self._number = 0

    def ask(self, register: int, parameters: bytes = b"") -> tuple[int, bytes]:
        self._number += 1
        self.socket.sendall(encode_request(Request(self._number, 2, register, parameters)))
        transaction, status, body = decode_reply(self.hear())
        assert transaction == self._number
        return status, body

    def hear(self, periods: int = 100) -> bytes:
        heard = b""
        for _ in range(periods):
            self._controller.tick()
            try:
                part = self.socket.recv(1 << 16)
            except BlockingIOError:
                continue
            if not part:
                raise ConnectionError("hung up")
            heard += part
            if len(heard) >= 6 and len(heard) >= 6 + int.from_bytes(heard[4:6], "big"):
                return heard
        raise TimeoutError(heard)


def test_every_tick_lets_one_period_pass_and_serves_who_asks(controller: Controller) -> None:
    client = Client(controller)
    assert client.ask(13)[1] == b"\x04"
    before = controller.time
    controller.tick()
    assert controller.time == pytest.approx(before + 0.01)
    assert controller.clients == 1


def test_client_of_another_protocol_is_hung_up_on_and_the_others_stay(
    controller: Controller,
) -> None:
    good, bad = Client(controller), Client(controller)
    assert good.ask(13)[1] == b"\x04"
    bad.socket.sendall(b"GET / HTTP/1.1\r\n\r\n")
    with pytest.raises(ConnectionError):
        bad.hear()
    assert good.ask(13)[1] == b"\x04"
    assert controller.clients == 1


def test_reader_that_reads_nothing_is_hung_up_on_and_does_not_hold_the_arm_up(
    controller: Controller,
) -> None:
    with socket.socket() as lazy:
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lazy.connect((controller.address, 30003))
        controller.tick()
        assert controller.clients == 1
        for _ in range(20_000):
            controller.tick()
            if controller.clients == 0:
                break
        assert controller.clients == 0


def test_client_that_goes_away_is_forgotten(controller: Controller) -> None:
    client = Client(controller)
    client.ask(13)
    client.socket.close()
    for _ in range(10):
        controller.tick()
    assert controller.clients == 0


def test_address_that_others_could_reach_is_refused() -> None:
    with pytest.raises(ConfigError, match="loopback"):
        Controller(KinematicArm(), "0.0.0.0", PORT)


def test_second_controller_on_an_address_is_refused_in_words(controller: Controller) -> None:
    with pytest.raises(ConfigError, match="Does another controller run there"):
        Controller(KinematicArm(), controller.address, PORT)


def test_closing_twice_frees_the_address() -> None:
    address = fresh_address()
    first = Controller(KinematicArm(), address, PORT)
    first.close()
    first.close()
    Controller(KinematicArm(), address, PORT).close()


def test_low_port_that_is_refused_gives_way_to_another(monkeypatch: pytest.MonkeyPatch) -> None:
    bind = socket.socket.bind

    def refused(self: socket.socket, address: tuple[str, int]) -> None:
        if address[1] < 1024:
            raise PermissionError(13, "Permission denied")
        bind(self, address)

    monkeypatch.setattr(socket.socket, "bind", refused)
    with Controller(KinematicArm(), fresh_address()) as controller:
        assert controller.port == 10502
        assert Client(controller, 10502).ask(13)[1] == b"\x04"
        assert Client(controller, 10503).ask(13)[1] == b"\x04"


def test_faults_that_were_scheduled_come_by_the_arms_own_clock() -> None:
    faults = [Fault(kind="warning", at=0.5, code=11), Fault(kind="error", at=1.0, code=27)]
    with Controller(
        KinematicArm(control_period=0.01), fresh_address(), PORT, faults=faults
    ) as controller:
        seen = []
        for _ in range(120):
            controller.tick()
            seen.append((controller.core.machine.warning, controller.core.machine.error))
    assert seen[49] == (0, 0) and seen[51] == (11, 0) and seen[101] == (11, 27)


def test_simulated_arm_of_the_insert_task_is_moved_through_the_protocol() -> None:
    task: Any = make_task("insert")
    robot = MujocoRobot(MujocoWorld(replace(task.scene, control_period=0.008)))
    robot.reset()
    with Controller(robot, fresh_address(), PORT) as controller:
        client = Client(controller)
        for register, parameters in ((11, b"\x08\x01"), (19, b"\1"), (12, b"\0")):
            client.ask(register, parameters)
        goal = start = robot.observe().joints
        for step in range(1, 41):
            goal = start + step * np.array([0.002, 0, 0, 0, 0, 0])
            status, _ = client.ask(29, floats([*goal, 0, 0, 0, 0]))
            assert status == 0
        for _ in range(50):
            controller.tick()
        assert robot.observe().joints == pytest.approx(goal, abs=2e-3)
        assert len(controller.core.heard) == 40


def test_robot_that_is_commanded_elsewhere_by_hand_is_taken_over(controller: Controller) -> None:
    client = Client(controller)
    controller.core.robot.reset(Target(joints=np.array([0.5, 0, 0, 0, 0, 0.0])))
    controller.tick()
    for register, parameters in ((11, b"\x08\x01"), (19, b"\1"), (12, b"\0")):
        client.ask(register, parameters)
    assert controller.core.mover.joints == pytest.approx(controller.core.state.joints)


def test_time_that_a_busy_machine_took_is_made_up_for_or_counted_as_lost(
    controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    gaps = [0.0, 0.05, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.4, *[0.0] * 20]
    now, turns = [-100.0], iter(gaps)  # behind the true clock, so that nobody waits

    def between() -> None:
        now[0] += next(turns)

    def elapse() -> float:
        now[0] += 0.002
        return now[0]

    monkeypatch.setattr("ibc_gym.hardware.rig.serve.time", SimpleNamespace(monotonic=elapse))
    with LineServer({}, controller.address) as lines:
        left = iter(range(len(gaps)))
        run(controller, lines, until=lambda: next(left, None) is None, between=between)
    core = controller.core
    assert core.time == pytest.approx(len(gaps) * 0.01)
    assert 0.2 < core.lost < 0.4, (
        "a gap of 0.05 s is caught up with, of one of 0.4 s no more than a tenth"
    )
