"""What goes wrong within a step or a reset stops the robot first and is told second."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ibc_gym.contracts import Workcell
from ibc_gym.env import Env
from ibc_gym.errors import CameraTimeout, ConfigError, RobotFault, SpecMismatch
from ibc_gym.registry import make_task, make_vec_env, make_workcell

ERRORS = (RobotFault("C31: collision"), ValueError("a bug"), KeyboardInterrupt())


class Faulty:
    """Part of a workcell, which notes what it is asked to do, and fails at what `failures` names."""

    def __init__(self, inner: Any, calls: list[str]) -> None:
        self.inner, self.calls = inner, calls
        self.failures: dict[str, BaseException] = {}

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        if not callable(found):
            return found

        def call(*arguments: Any) -> Any:
            self.calls.append(name)
            if name in self.failures:
                raise self.failures[name]
            return found(*arguments)

        return call


class Rig:
    """A particle whose robot, scene and camera can be made to fail."""

    def __init__(self) -> None:
        task = make_task("particle")
        sound = make_workcell("particle", task, cameras=True)
        self.calls: list[str] = []
        self.robot = Faulty(sound.robot, self.calls)
        self.scene = Faulty(sound.scene, [])
        self.camera = Faulty(sound.cameras["view"], [])
        self.workcell: Workcell = replace(
            sound, robot=self.robot, scene=self.scene, cameras={"view": self.camera}
        )
        self.env = Env(task, self.workcell, observation="state+image")
        self.action = np.full(2, 0.7, np.float32)


@pytest.fixture
def rig() -> Rig:
    return Rig()


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(
    ("part", "verb"),
    [
        ("robot", "command"),
        ("robot", "advance"),
        ("robot", "observe"),
        ("scene", "poses"),
        ("scene", "verdict"),
        ("camera", "read"),
    ],
)
def test_error_in_a_step_stops_the_robot_and_ends_the_episode(
    rig: Rig, part: str, verb: str, error: BaseException
) -> None:
    rig.env.reset(seed=0)
    rig.env.step(rig.action)
    getattr(rig, part).failures[verb] = error
    with pytest.raises(type(error)) as caught:
        rig.env.step(rig.action)
    assert caught.value is error
    assert rig.calls[-1] == "stop"
    getattr(rig, part).failures.clear()
    before = len(rig.calls)
    with pytest.raises(ConfigError, match="reset"):
        rig.env.step(rig.action)
    assert len(rig.calls) == before
    rig.env.reset(seed=0)
    rig.env.step(rig.action)
    assert rig.calls[-1] != "stop"


@pytest.mark.parametrize(
    ("part", "verb"),
    [("robot", "reset"), ("scene", "arrange"), ("robot", "observe"), ("camera", "read")],
)
def test_error_in_a_reset_stops_the_robot(rig: Rig, part: str, verb: str) -> None:
    rig.env.reset(seed=0)
    getattr(rig, part).failures[verb] = RobotFault("C31: collision")
    with pytest.raises(RobotFault):
        rig.env.reset(seed=1)
    assert rig.calls[-1] == "stop"
    with pytest.raises(ConfigError, match="reset"):
        rig.env.step(rig.action)


def test_camera_that_is_frozen_stops_the_robot(rig: Rig) -> None:
    rig.env.reset(seed=0)
    old = rig.camera.inner.read()
    rig.camera.inner = type("Frozen", (), {"read": lambda self: old})()
    with pytest.raises(CameraTimeout, match="twice"):
        rig.env.step(rig.action)
    assert rig.calls[-1] == "stop"


def test_task_that_fails_stops_the_robot(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.env.reset(seed=0)

    def reward(progress: Any) -> float:
        raise ZeroDivisionError

    monkeypatch.setattr(rig.env.task, "reward", reward)
    with pytest.raises(ZeroDivisionError):
        rig.env.step(rig.action)
    assert rig.calls[-1] == "stop"


def test_robot_that_cannot_be_stopped_does_not_hide_why_it_should(rig: Rig) -> None:
    rig.env.reset(seed=0)
    rig.robot.failures = {
        "advance": RobotFault("C31: collision"),
        "stop": OSError("no route to host"),
    }
    with pytest.raises(RobotFault, match="C31") as caught:
        rig.env.step(rig.action)
    (note,) = caught.value.__notes__
    assert "no route to host" in note and "may still move" in note


def test_action_that_makes_no_sense_leaves_robot_and_episode_alone(rig: Rig) -> None:
    rig.env.reset(seed=0)
    before = len(rig.calls)
    with pytest.raises(SpecMismatch):
        rig.env.step(np.full(2, np.nan))
    assert len(rig.calls) == before
    rig.env.step(rig.action)


def test_step_after_the_end_of_an_episode_is_refused(rig: Rig) -> None:
    rig.env.reset(seed=0)
    over = False
    while not over:
        saved = rig.env.save()
        _, _, terminated, truncated, _ = rig.env.step(rig.action)
        over = terminated or truncated
    before, ended = len(rig.calls), rig.env.save()
    with pytest.raises(ConfigError, match="ended at step 50"):
        rig.env.step(rig.action)
    assert len(rig.calls) == before
    rig.env.restore(saved)
    assert rig.env.step(rig.action)[3]
    rig.env.restore(saved)
    rig.env.restore(ended)
    with pytest.raises(ConfigError, match="ended at step 50"):
        rig.env.step(rig.action)
    rig.env.reset(seed=0)
    rig.env.step(rig.action)


def test_closed_environment_says_so(rig: Rig) -> None:
    rig.env.reset(seed=0)
    saved = rig.env.save()
    rig.env.close()
    for call in (lambda: rig.env.step(rig.action), rig.env.reset, lambda: rig.env.restore(saved)):
        with pytest.raises(ConfigError, match="environment is closed"):
            call()


def test_what_is_no_snapshot_is_not_restored(rig: Rig) -> None:
    rig.env.reset(seed=0)
    with pytest.raises(ConfigError, match="what save gave, a Snapshot, not str"):
        rig.env.restore("junk")  # type: ignore[arg-type]
    rig.env.step(rig.action)


def test_options_of_a_reset_that_nobody_knows_are_refused(rig: Rig) -> None:
    with pytest.raises(ConfigError, match="no option 'foo'; it has 'start'"):
        rig.env.reset(seed=0, options={"foo": 1})
    for count in (1, 3):
        envs = make_vec_env("particle", count, autoreset_mode="disabled")
        with pytest.raises(ConfigError, match="no option 'foo'"):
            envs.reset(seed=0, options={"foo": 1})
        envs.close()
