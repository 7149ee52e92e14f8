"""The key that stops an arm, in a terminal of its own: heard while the program is busy, and by everybody else as well."""

from __future__ import annotations

import os
import pty
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from typing import IO, Any

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from terminals import soon

from ibc_gym.braking import ESCAPE, braked
from ibc_gym.env import Env
from ibc_gym.errors import RobotFault, Stopped
from ibc_gym.hardware.safety import SafeRobot
from ibc_gym.hardware.teleop.brake import Brake
from ibc_gym.hardware.teleop.terminal import terminal_keys
from ibc_gym.registry import make_env


@pytest.mark.parametrize(("typed", "key"), [(b"\x1b", "Esc"), (b"q", "q"), (b"wwQ", "q")])
def test_key_stops_the_robot_from_another_thread(
    typist: Callable[[bytes], int], typed: bytes, key: str
) -> None:
    told, by = [], []

    def stop(why: str) -> None:
        told.append(why)
        by.append(threading.current_thread())

    with Brake(stop) as brake:
        typist(typed)
        assert soon(lambda: bool(told))  # nobody in this thread looks at any key
    assert told == [brake.why] and f"by {key}." in told[0]
    assert by[0] is not threading.main_thread()


def test_other_keys_stop_nothing_and_a_console_beside_it_hears_them_all(
    typist: Callable[[bytes], int],
) -> None:
    told: list[str] = []
    heard: list[str] = []
    with terminal_keys() as console, Brake(told.append) as brake:
        typist(b"wyn\x1b[A")  # an arrow begins with the byte of Esc
        while len(heard) < 4:
            console.wait(1.0)
            heard += console.take()
        assert brake.why is None and not told
        typist(b"q")
        assert soon(lambda: "q" in console.take())
        assert soon(lambda: brake.why is not None)
    assert heard == ["w", "y", "n", "up"]


def test_terminal_that_is_closed_stops_the_robot_too(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    ours, theirs = pty.openpty()
    with monkeypatch.context() as patch, os.fdopen(theirs, "r") as stdin:
        patch.setattr(sys, "stdin", stdin)
        with Brake(told.append):
            os.close(ours)
            assert soon(lambda: bool(told))
    assert "terminal was closed" in told[0]


def test_standard_input_that_is_closed_stops_the_robot_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []
    ours, theirs = pty.openpty()
    spare = os.dup(theirs)  # the terminal itself goes on
    stdin: IO[str] = os.fdopen(theirs, "r", closefd=False)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdin", stdin)
        with Brake(told.append):
            os.close(theirs)
            assert soon(lambda: bool(told))
    assert "terminal was closed" in told[0]
    os.close(spare)
    os.close(ours)


def test_only_the_keys_that_are_to_stop_it_do(typist: Callable[[bytes], int]) -> None:
    told: list[str] = []
    heard: list[str] = []
    with terminal_keys() as console, Brake(told.append, stopping=ESCAPE) as brake:
        typist(b"q")
        while not heard:
            console.wait(1.0)
            heard += console.take()
        typist(b"\x1b")
        assert soon(lambda: bool(told))
    assert heard == ["q"] and told == [brake.why] and "by Esc." in told[0]


def test_keys_that_break_stop_the_robot_too(typist: Callable[[bytes], int]) -> None:
    told: list[str] = []

    class Broken:
        def wait(self, seconds: float) -> None:
            raise ValueError("bad byte")

        def take(self) -> tuple[str, ...]:
            return ()

        def close(self) -> None:
            """Nothing is held."""

    with Brake(told.append, Broken()) as brake:  # type: ignore[arg-type]
        assert soon(lambda: bool(told))
    assert told == [brake.why] and "bad byte" in told[0] and "no longer heard" in told[0]


class Unheard:
    """A robot that does not hear a stop, and says so a moment after it was told to."""

    fault: RobotFault | None = None

    def stop_for_good(self, why: str) -> None:
        self.fault = RobotFault(f"{why} The robot is told to stop.")
        stopping.set()
        time.sleep(0.2)
        self.fault = RobotFault(f"No answer. If the arm moves, press the emergency stop. {why}")


stopping = threading.Event()


def test_stop_that_nobody_confirmed_is_told_and_no_standing_still(
    typist: Callable[[bytes], int],
) -> None:
    robot: Any = Unheard()
    stopping.clear()

    def press_and_go_on() -> None:
        typist(b"\x1b")
        assert stopping.wait(10.0)
        raise RobotFault("It is stopped.")  # as whoever moves it is told at once

    with pytest.raises(Stopped) as stopped, braked("xarm", robot):
        press_and_go_on()
    said = str(stopped.value)
    assert said.startswith("No answer. If the arm moves, press") and "by Esc" in said
    assert "stands" not in said


class TestEpisodes:
    @pytest.fixture
    def envs(self) -> Iterator[SyncVectorEnv]:
        made = SyncVectorEnv(
            [lambda: make_env("reach", workcell="mujoco")], autoreset_mode=AutoresetMode.DISABLED
        )
        yield made
        made.close()

    def step_on(self, envs: SyncVectorEnv, busy: Callable[[], object]) -> None:
        """Step an environment as if it were an arm's, busy between steps."""
        envs.reset(seed=[0])
        for _ in range(1000):
            busy()
            envs.step(np.zeros((1, 2), np.float32))

    def robot(self, envs: SyncVectorEnv) -> SafeRobot:
        env = envs.envs[0].unwrapped
        assert isinstance(env, Env) and isinstance(env.workcell.robot, SafeRobot)
        return env.workcell.robot

    def test_stopped_robot_ends_what_was_under_way_and_stays_stopped(
        self, typist: Callable[[bytes], int], envs: SyncVectorEnv
    ) -> None:
        robot = self.robot(envs)

        def press_and_be_busy() -> None:
            typist(b"\x1b")
            assert soon(lambda: robot.fault is not None), "stopped while the program is busy"

        with pytest.raises(Stopped, match="by Esc"), braked("xarm", envs):
            self.step_on(envs, press_and_be_busy)
        with pytest.raises(RobotFault, match="by Esc"):
            robot.reset()

    def test_robot_without_an_environment_is_stopped_as_well(
        self, typist: Callable[[bytes], int], envs: SyncVectorEnv
    ) -> None:
        robot = self.robot(envs)

        def press_and_go_home() -> None:
            typist(b"q")
            assert soon(lambda: robot.fault is not None)
            robot.reset()

        with pytest.raises(Stopped, match="by q"), braked("xarm", robot):
            press_and_go_home()

    def test_fault_that_came_first_is_what_is_told(
        self, typist: Callable[[bytes], int], envs: SyncVectorEnv
    ) -> None:
        robot = self.robot(envs)

        def fail() -> None:
            robot.stop_for_good("A collision.")
            typist(b"\x1b")
            time.sleep(0.3)

        with pytest.raises(RobotFault, match="A collision"), braked("xarm", envs):
            self.step_on(envs, fail)

    def test_simulation_leaves_the_terminal_alone(
        self, typist: Callable[[bytes], int], envs: SyncVectorEnv
    ) -> None:
        before = termios.tcgetattr(sys.stdin.fileno())
        with braked("mujoco", envs):
            assert termios.tcgetattr(sys.stdin.fileno()) == before
            typist(b"\n")
            assert sys.stdin.readline() == "\n"
