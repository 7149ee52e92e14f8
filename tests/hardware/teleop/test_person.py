from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hands import Clock, ScriptedDevice, reading

from ibc_gym.contracts import Workcell
from ibc_gym.env import Env
from ibc_gym.errors import ConfigError
from ibc_gym.hardware.safety import SafeRobot
from ibc_gym.hardware.teleop import device
from ibc_gym.hardware.teleop.device import DeviceLost
from ibc_gym.hardware.teleop.hand import HandConfig
from ibc_gym.hardware.teleop.person import Person
from ibc_gym.registry import make_env, make_task

FAST = HandConfig(speed=0.1, level=3)
SEEN = {"state": np.zeros((1, 3), np.float32)}
IDLE = reading(held=False)
ONE = np.ones(1, np.bool_)


@pytest.fixture(scope="module")
def task() -> Any:
    return make_task("reach")


def person(task: Any, *script: Any, **more: Any) -> Person:
    return Person(ScriptedDevice(script), task, FAST, **more)


def test_hand_becomes_an_action_of_the_task(task: Any) -> None:
    some = person(task, IDLE, reading(right=1.0))
    some.reset(ONE, [0])
    action = some.act(SEEN)
    assert action.shape == (1, 2) and action.dtype == np.float32
    assert action[0].tolist() == pytest.approx([0.0, -0.1 * task.control_period])
    assert some.moving and task.action_space.contains(action[0])


def test_nothing_moves_while_the_switch_is_not_held(task: Any) -> None:
    some = person(task, IDLE, reading(away=1.0, held=False))
    some.reset(ONE, [0])
    assert not some.act(SEEN).any()
    assert not some.moving and not some.held()


def test_hand_that_waits_with_the_switch_held_may_begin_at_once(task: Any) -> None:
    some = person(task, reading(), reading(away=1.0))
    some.reset(ONE, [0])
    assert some.act(SEEN).any()


def test_hand_that_pushes_when_an_episode_begins_must_come_to_rest_first(task: Any) -> None:
    push = reading(away=1.0)
    some = person(task, push, push, IDLE, push)
    some.reset(ONE, [0])
    moved = [bool(some.act(SEEN).any()) for _ in range(3)]
    assert moved == [False, False, True]
    some.reset(ONE, [1])
    assert not some.act(SEEN).any() and not some.held()
    assert some.words == "let go of what you hold, then begin"


def test_action_stays_in_its_space_however_fast_the_hand(task: Any) -> None:
    config = HandConfig(speed=1.0, level=3)
    slow = make_task("reach", control_rate=1.0)
    some = Person(ScriptedDevice([IDLE, reading(away=1.0)]), slow, config)
    some.reset(ONE, [0])
    assert some.act(SEEN)[0].tolist() == pytest.approx([slow.action_space.high[0], 0.0])


def test_switch_counts_as_let_go_when_nobody_has_looked_for_a_while(task: Any) -> None:
    clock = Clock()
    some = Person(ScriptedDevice([IDLE, reading(away=1.0)]), task, FAST, clock=clock)
    some.reset(ONE, [0])
    some.act(SEEN)
    assert some.held()
    clock.now += 10 * task.control_period
    assert not some.held()


def test_wishes_are_told_once_and_those_from_before_the_episode_never(task: Any) -> None:
    some = person(
        task, reading(0, 0, device.STOP, held=False), reading(0, 0, device.NEXT, device.TAKE)
    )
    some.reset(ONE, [0])
    assert some.asked() == ()
    some.act(SEEN)
    assert some.asked() == (device.NEXT, device.TAKE)
    assert some.asked() == ()


def test_speed_is_chosen_by_the_hand(task: Any) -> None:
    some = person(task, IDLE, reading(0, 1.0, device.SLOWER), reading(0, 1.0, device.FASTER))
    some.reset(ONE, [0])
    slow, fast = some.act(SEEN)[0, 0], some.act(SEEN)[0, 0]
    assert 0 < slow == pytest.approx(fast / 2)
    assert some.asked() == ()
    assert "0.1 m/s" in some.words


def test_second_device_is_heard_and_does_not_move(task: Any) -> None:
    keys = ScriptedDevice([IDLE, reading(1.0, 1.0, device.REDO)])
    some = Person(ScriptedDevice([IDLE, reading(held=False)]), task, FAST, keys=keys)
    some.reset(ONE, [0])
    assert not some.act(SEEN).any()
    assert some.asked() == (device.REDO,)
    some.close()
    assert keys.closed == 1


def test_several_environments_are_refused(task: Any) -> None:
    some = person(task)
    with pytest.raises(ConfigError, match="one environment, not 2"):
        some.reset(np.ones(2, np.bool_), [0, 1])
    with pytest.raises(ConfigError, match="one environment, not 3"):
        some.act({"state": np.zeros((3, 3), np.float32)})


def test_task_with_other_actions_is_refused() -> None:
    with pytest.raises(ConfigError, match="A hand cannot do task 'particle'"):
        Person(ScriptedDevice(), make_task("particle"))


def test_device_that_is_lost_is_an_error(task: Any) -> None:
    some = person(task, IDLE, DeviceLost("gone"))
    some.reset(ONE, [0])
    with pytest.raises(DeviceLost):
        some.act(SEEN)


def test_robot_keeps_its_place_while_its_persons_switch_is_let_go() -> None:
    env = make_env("reach")
    assert isinstance(env, Env)
    cell: Workcell = env.workcell
    assert isinstance(cell.robot, SafeRobot)
    some = person(env.task, IDLE, reading(held=False), reading(away=1.0))
    cell.robot.dead_man = some
    seen, _ = env.reset(seed=0)
    some.reset(ONE, [0])
    push = np.array([0.02, 0.0], np.float32)
    some.act({"state": seen["state"][None]})
    _, _, _, _, info = env.step(push)  # a policy that goes on whatever the person does
    assert not info["action_sent"].any()
    some.act({"state": seen["state"][None]})
    _, _, _, _, info = env.step(push)
    assert info["action_sent"].any()
    env.close()
