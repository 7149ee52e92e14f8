from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hands import ScriptedDevice, reading

from ibc_gym.errors import SpecMismatch
from ibc_gym.hardware.teleop import device
from ibc_gym.hardware.teleop.hand import HandConfig
from ibc_gym.hardware.teleop.person import Person
from ibc_gym.hardware.teleop.take_over import TakeOver
from ibc_gym.records import Bool, Float32, Observation
from ibc_gym.registry import make_task

ONE = np.ones(1, np.bool_)
SEEN = {"state": np.zeros((1, 3), np.float32)}


class Counting:
    """A policy whose action tells how often it was asked since the reset."""

    def __init__(self, size: int = 2) -> None:
        self.calls, self.size = 0, size
        self.seeds: Sequence[int | None] = ()

    def reset(self, mask: Bool, seeds: Sequence[int | None]) -> None:
        self.calls, self.seeds = 0, seeds

    def act(self, observation: Observation) -> Float32:
        self.calls += 1
        return np.full((1, self.size), self.calls / 1000, np.float32)


def watched(*script: Any, policy: Any = None) -> TakeOver:
    some = Person(ScriptedDevice([IDLE, *script]), make_task("reach"), HandConfig())
    made = TakeOver(policy or Counting(), some)
    made.reset(ONE, [7])
    return made


def acted(both: TakeOver, steps: int) -> list[tuple[bool, float]]:
    found = []
    for _ in range(steps):
        action = both.act(SEEN)
        found.append((both.by_person, float(action[0, 0])))
    return found


IDLE = reading(held=False)
PUSH = reading(away=1.0)
TOGGLE = reading(0, 0, device.TAKE, held=False)


def test_policy_acts_until_the_hand_moves_and_again_once_it_gives_back() -> None:
    both = watched(IDLE, PUSH, IDLE, TOGGLE, IDLE)
    found = acted(both, 5)
    assert [who for who, _ in found] == [False, True, True, False, False]
    assert found[0][1] == pytest.approx(0.001)
    assert found[2][1] == 0.0  # taken over and let go: it stands still
    assert found[3][1] == pytest.approx(0.004)


class Doubting(Counting):
    """One that says how sure it is."""

    def uncertainty(self) -> dict[str, Float32]:
        return {name: np.array([self.calls], np.float32) for name in ("gap", "entropy", "novelty")}


def test_line_of_status_says_how_sure_the_policy_is_while_it_acts() -> None:
    both = watched(IDLE, PUSH, policy=Doubting())
    assert both.words == "the policy acts"
    both.act(SEEN)
    assert both.words == "the policy acts, gap 1, novelty 1"
    both.act(SEEN)
    assert both.words.startswith("you: ")
    both.reset(ONE, [8])
    assert both.words == "the policy acts"
    silent = watched(IDLE)
    silent.act(SEEN)
    assert silent.words == "the policy acts"


def test_policy_sees_every_step_and_what_it_wanted_is_kept() -> None:
    both = watched(IDLE, PUSH, IDLE)
    for step in range(1, 4):
        both.act(SEEN)
        assert both.policys_action is not None
        assert both.policys_action[0, 0] == pytest.approx(step / 1000)


def test_key_takes_over_without_moving_anything() -> None:
    both = watched(TOGGLE, IDLE)
    action = both.act(SEEN)
    assert both.by_person and not action.any()


def test_switch_binds_while_the_person_acts_only() -> None:
    both = watched(IDLE, PUSH, IDLE)
    held = []
    for _ in range(3):
        both.act(SEEN)
        held.append(both.held())
    assert held == [True, True, False]


def test_episode_begins_with_the_policy_and_its_own_seed() -> None:
    policy = Counting()
    both = watched(PUSH, reading(held=False), policy=policy)
    both.act(SEEN)
    both.reset(ONE, [9])
    assert not both.by_person and both.policys_action is None
    assert policy.seeds == [9] and policy.calls == 0


def test_wishes_of_the_recording_come_through() -> None:
    both = watched(reading(0, 0, device.TAKE, device.NEXT, held=False))
    both.act(SEEN)
    assert both.asked() == (device.NEXT,)
    assert both.asked() == ()


def test_policy_of_another_shape_is_refused() -> None:
    both = watched(IDLE, policy=Counting(size=3))
    with pytest.raises(SpecMismatch):
        both.act(SEEN)
