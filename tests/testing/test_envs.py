"""The suite of environments catches each way to break the contract; that sound ones pass, the rows show."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from broken import assert_broken, failure

from ibc_gym.contracts import Robot, Task, Workcell
from ibc_gym.env import Env, Snapshot
from ibc_gym.errors import ConfigError, RobotFault
from ibc_gym.records import Float32, RobotState
from ibc_gym.registry import make_task, make_workcell
from ibc_gym.testing import EnvContract

Step = tuple[dict[str, Any], float, bool, bool, dict[str, Any]]


class Sound(EnvContract):
    kind: type[Env] = Env
    overshoot = 0.02  # the particle's spring lets it swing past its set-point

    def make(self) -> Env:
        task = make_task("particle")
        return self.kind(task, make_workcell("particle", task, cameras=False))


class SpeaksFirst(Env):
    """An error is told, and the robot moves on."""

    @contextmanager
    def _errors_stop_the_robot(self) -> Iterator[None]:
        yield


class GoesOnAfterAFault(Env):
    @contextmanager
    def _errors_stop_the_robot(self) -> Iterator[None]:
        try:
            yield
        except RobotFault:
            self.workcell.robot.stop()
            raise


class WithoutClipping(Env):
    def _checked(self, action: Float32) -> Float32:
        super()._checked(action)
        return action


class TakesNaN(Env):
    def _checked(self, action: Float32) -> Float32:
        return super()._checked(np.nan_to_num(action))


class Unseeded(Env):
    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        return super().reset(options=options)


class ForgetsItsGenerator(Env):
    def restore(self, snapshot: Snapshot) -> Any:
        before = self.np_random.bit_generator.state
        found = super().restore(snapshot)
        self.np_random.bit_generator.state = before
        return found


class FromTheGlobalStream(Env):
    def step(self, action: Float32) -> Step:
        np.random.rand()  # noqa: NPY002 - what must not be done
        return super().step(action)


class OutOfItsSpace(Env):
    def step(self, action: Float32) -> Step:
        observation, *rest = super().step(action)
        found: Any = ({"state": observation["state"] + 1000.0}, *rest)
        step: Step = found
        return step


class Endless(Env):
    def step(self, action: Float32) -> Step:
        observation, reward, _, _, info = super().step(action)
        return observation, reward, False, False, info


class Silent(Env):
    def step(self, action: Float32) -> Step:
        *rest, info = super().step(action)
        del info["action_sent"]
        found: Any = (*rest, info)
        step: Step = found
        return step


class StepsBeforeTheReset(Env):
    def step(self, action: Float32) -> Step:
        with suppress(ConfigError):
            return super().step(action)
        return self.reset()[0], 0.0, False, False, {}


class TakesAnyStart(Env):
    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        with suppress(ConfigError):
            return super().reset(seed=seed, options=options)
        return super().reset(seed=seed)


class Elsewhere:
    """A robot that does as it is told and is measured beside that."""

    def __init__(self, robot: Robot) -> None:
        self._robot = robot

    def __getattr__(self, name: str) -> Any:
        return getattr(self._robot, name)

    def observe(self) -> RobotState:
        state = self._robot.observe()
        return replace(state, joints=state.joints + 0.5)


class Strays(Env):
    def __init__(self, task: Task, workcell: Workcell) -> None:
        super().__init__(task, replace(workcell, robot=Elsewhere(workcell.robot)))


@pytest.mark.parametrize(
    "kind, test",
    [
        (Strays, "test_any_actions_keep_the_tool_in_the_workspace"),
        (SpeaksFirst, "test_any_fault_stops_the_robot_first_and_ends_the_episode"),
        (GoesOnAfterAFault, "test_any_fault_stops_the_robot_first_and_ends_the_episode"),
        (WithoutClipping, "test_action_beyond_the_space_is_limited_to_it"),
        (TakesNaN, "test_action_that_makes_no_sense_is_not_sent"),
        (Unseeded, "test_same_seed_gives_the_same_episode_again"),
        (ForgetsItsGenerator, "test_any_moment_can_be_saved_and_gone_on_from"),
        (FromTheGlobalStream, "test_global_generator_is_left_alone"),
        (OutOfItsSpace, "test_any_actions_keep_the_state_in_its_space"),
        (OutOfItsSpace, "test_gymnasiums_checker_passes_without_a_warning"),
        (Endless, "test_episode_ends_at_its_horizon_at_the_latest"),
        (Silent, "test_info_tells_the_truth_of_every_step"),
        (StepsBeforeTheReset, "test_step_before_the_first_reset_is_refused"),
        (TakesAnyStart, "test_given_start_begins_the_same_episode"),
    ],
)
def test_environment_that_breaks_a_rule_is_caught(kind: type[Env], test: str) -> None:
    assert_broken(type("Broken", (Sound,), {"kind": kind, "examples": 30}), test)


class InHashOrder(Env):
    """What depends on the process: the order of a set of words."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        observation, info = super().reset(seed=seed, options=options)
        words = {f"word {number}" for number in range(50)}
        order = sum(place * len(word) for place, word in enumerate(words))
        return {"state": observation["state"] + np.float32(order / 1e5)}, info


class InHashOrderSuite(Sound):
    kind = InHashOrder


FRESH = "test_same_seed_gives_the_same_bytes_in_a_fresh_process"


@pytest.mark.slow
def test_fresh_process_makes_the_environment_of_a_suite_by_itself() -> None:
    assert failure(Sound, FRESH) is None
    assert_broken(InHashOrderSuite, FRESH)


@pytest.mark.slow
def test_process_that_cannot_make_it_says_why() -> None:
    suite = type("NotOfThisFile", (Sound,), {})
    assert "has no attribute 'NotOfThisFile'" in (failure(suite, FRESH) or "")
