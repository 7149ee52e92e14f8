"""The referee of the emulated rig, and the lines that it is asked by."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibc_gym.errors import ConfigError, SpecMismatch
from ibc_gym.hardware.rig.lines import LineClient, LineServer, RigError
from ibc_gym.hardware.rig.referee import Referee, handlers_of
from ibc_gym.records import Layout, Pose
from ibc_gym.registry import make_task, make_workcell


class Table:
    """A scene that remembers."""

    def __init__(self) -> None:
        self.things: dict[str, Pose] = {}

    def arrange(self, layout: Layout) -> None:
        if "ghost" in layout:
            raise SpecMismatch("There is no 'ghost'.")
        self.things |= layout

    def poses(self) -> Layout | None:
        return dict(self.things) or None

    def verdict(self) -> bool | None:
        return True


@contextmanager
def served(handlers: Any) -> Iterator[LineClient]:
    """A server that is polled by a thread until the block ends, and somebody who asks it."""
    over = threading.Event()
    with LineServer(handlers, "127.0.0.1") as server:

        def poll() -> None:
            while not over.wait(0.001):
                server.poll()

        thread = threading.Thread(target=poll)
        thread.start()
        try:
            with LineClient("127.0.0.1", server.port) as client:
                yield client
        finally:
            over.set()
            thread.join()


numbers = st.lists(st.floats(-1e3, 1e3, allow_subnormal=False), min_size=7, max_size=7)


@given(things=st.dictionaries(st.text(min_size=1), numbers, min_size=1, max_size=4))
def test_what_is_arranged_is_seen_bit_for_bit(things: dict[str, list[float]]) -> None:
    table = Table()
    layout = {
        name: Pose(position=np.array(row[:3]), quaternion=np.array(row[3:]))
        for name, row in things.items()
        if name != "ghost"
    }
    with served(handlers_of(table)) as client:
        referee = Referee(client)
        assert referee.poses() is None
        referee.arrange(layout)
        seen = referee.poses()
    assert (seen or {}).keys() == layout.keys()
    for name, pose in layout.items():
        assert seen is not None
        assert np.array_equal(seen[name].position, pose.position)
        assert np.array_equal(seen[name].quaternion, pose.quaternion)


def test_error_of_the_scene_is_told_in_its_words_and_the_next_question_is_answered() -> None:
    with served(handlers_of(Table())) as client:
        referee = Referee(client)
        with pytest.raises(RigError, match=r"cannot do 'arrange'.*There is no 'ghost'"):
            referee.arrange({"ghost": Pose(position=np.zeros(3))})
        assert referee.verdict() is True


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[]",
        b"3",
        b'{"ask": "nothing"}',
        b'{"ask": "poses", "with": {"x": 1}}',
        b"\xff\xfe",
    ],
)
def test_nonsense_is_answered_with_an_error_and_harms_nobody(line: bytes) -> None:
    with served(handlers_of(Table())) as client:
        client._socket.sendall(line + b"\n")
        assert b"error" in client._socket.recv(1000)
        assert client.ask("poses") is None


@given(cuts=st.lists(st.integers(1, 40), max_size=6))
def test_question_may_come_in_any_pieces(cuts: list[int]) -> None:
    whole = (
        json.dumps({"ask": "verdict"}).encode()
        + b"\n"
        + json.dumps({"ask": "poses"}).encode()
        + b"\n"
    )
    with (
        LineServer(handlers_of(Table()), "127.0.0.1") as server,
        socket.create_connection(("127.0.0.1", server.port)) as raw,
    ):
        raw.settimeout(5)
        answered, start = 0, 0
        for end in (*sorted({min(cut, len(whole) - 1) for cut in cuts}), len(whole)):
            raw.sendall(whole[start:end])
            start = end
        while answered < 2:
            answered += server.poll()
        heard = b""
        while heard.count(b"\n") < 2:
            heard += raw.recv(1000)
    assert [json.loads(line) for line in heard.splitlines()] == [{"answer": True}, {"answer": None}]


def test_endless_line_is_hung_up_on() -> None:
    with (
        LineServer({}, "127.0.0.1") as server,
        socket.create_connection(("127.0.0.1", server.port)) as raw,
    ):
        raw.setblocking(False)
        with pytest.raises(OSError):  # noqa: PT012 - until the other end is closed
            for _ in range(100_000):
                with suppress(BlockingIOError):
                    raw.send(b"x" * 4096)
                server.poll()


def test_nobody_there_is_told_with_what_to_do() -> None:
    with LineServer({}, "127.0.0.1") as server:
        port = server.port
    with pytest.raises(RigError, match="ibc-gym rig"):
        LineClient("127.0.0.1", port, timeout=1.0)


def test_late_answer_is_never_taken_for_another() -> None:
    with (
        LineServer({"poses": lambda: "late"}, "127.0.0.1") as server,
        LineClient("127.0.0.1", server.port, timeout=0.05) as client,
    ):
        with pytest.raises(RigError, match="did not answer"):
            client.ask("poses")
        server.poll()
        server.poll()
        with pytest.raises(RigError):
            client.ask("poses")


def test_only_loopback_is_listened_on() -> None:
    with pytest.raises(ConfigError, match="loopback"):
        LineServer({}, "0.0.0.0")


def test_address_in_use_is_told() -> None:
    with LineServer({}, "127.0.0.1") as server, pytest.raises(ConfigError, match="another rig"):
        LineServer({}, "127.0.0.1", server.port)


def test_closing_twice_is_fine() -> None:
    server = LineServer({}, "127.0.0.1")
    server.close()
    server.close()


def test_referee_of_a_simulated_table_arranges_it() -> None:
    task = make_task("insert")
    cell = make_workcell("mujoco", task, cameras=False)
    start = task.sample(np.random.default_rng(3))
    with served(handlers_of(cell.scene)) as client:
        referee = Referee(client)
        referee.arrange(start.layout)
        seen = referee.poses()
    cell.close()
    assert seen is not None
    for name, pose in start.layout.items():
        assert np.abs(seen[name].position - pose.position).max() < 1e-3
