"""The suite of tasks catches each way to break the contract; that sound ones pass, the rows show."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from broken import assert_broken, failure
from gymnasium import spaces

from ibc_gym.contracts import Task
from ibc_gym.envs.tasks.push import Push, PushConfig
from ibc_gym.records import Float32, Progress, Situation, Start, Target
from ibc_gym.testing import TaskContract


class Changeable(Push):
    @dataclasses.dataclass(kw_only=True)
    class Config:
        goal_tolerance: float = 0.02


class ByTheClock(Push):
    def reward(self, progress: Progress) -> float:
        return super().reward(progress) + progress["time"]

    def measure(self, situation: Situation, before: Progress | None) -> Progress:
        return {**super().measure(situation, before), "time": float(situation.robot.time)}


class Remembering(Push):
    calls = 0

    def measure(self, situation: Situation, before: Progress | None) -> Progress:
        self.calls += 1
        return {**super().measure(situation, before), "calls": float(self.calls)}


class LosesAName(Push):
    def measure(self, situation: Situation, before: Progress | None) -> Progress:
        measured = super().measure(situation, before)
        return measured if before is None else dict(list(measured.items())[:-1])


class NumpysOwnTruth(Push):
    def success(self, progress: Progress) -> bool:
        truth: Any = np.bool_(super().success(progress))
        found: bool = truth
        return found


class FromTheGlobalStream(Push):
    def sample(self, rng: np.random.Generator) -> Start:
        np.random.seed(0)  # noqa: NPY002 - what must not be done
        return super().sample(rng)


class AlwaysTheSame(Push):
    def sample(self, rng: np.random.Generator) -> Start:
        return super().sample(np.random.default_rng(0))


class DrawsForItself(Push):
    def sample(self, rng: np.random.Generator) -> Start:
        return super().sample(np.random.default_rng())


class NoInverse(Push):
    def action(self, sent: Target, previous: Target) -> Float32:
        return (1.01 * super().action(sent, previous)).astype(np.float32)


class MovesTheTargetBefore(Push):
    def target(self, action: Float32, previous: Target) -> Target:
        assert previous.tool is not None
        before = previous.tool.position.copy()
        previous.tool.position[2] += 0.001
        tool = replace(previous.tool, position=before)
        return super().target(action, Target(tool=tool))


class TooNarrow(Push):
    def __init__(self, config: PushConfig | None = None) -> None:
        super().__init__(config)
        wide = self.feature_spaces["state"]
        narrow = spaces.Box(0.2 * wide.low, 0.2 * wide.high, dtype=np.float32)
        self.feature_spaces = {**self.feature_spaces, "state": narrow}


class SeesWithoutEyes(Push):
    def features(self, situation: Situation) -> Any:
        found = super().features(situation)
        return {"state": np.zeros(self.feature_spaces["state"].shape, np.float32), **found}


class TwoOfOneName(Push):
    def __init__(self, config: PushConfig | None = None) -> None:
        super().__init__(config)
        self.feature_names = {key: ("x",) * len(names) for key, names in self.feature_names.items()}


class WithoutUnits(Push):
    def __init__(self, config: PushConfig | None = None) -> None:
        super().__init__(config)
        self.action_names = ("x", "y")


class Unbounded(Push):
    def __init__(self, config: PushConfig | None = None) -> None:
        super().__init__(config)
        self.action_space = spaces.Box(-np.inf, np.inf, (2,), np.float32)


class Timeless(Push):
    def __init__(self, config: PushConfig | None = None) -> None:
        super().__init__(config)
        self.control_period = 0.0


class Nowhere(Push):
    workcells = ()


@pytest.mark.parametrize(
    "kind, test",
    [
        (Changeable, "test_config_is_a_frozen_dataclass_with_defaults"),
        (Nowhere, "test_names_itself_and_where_it_can_happen"),
        (Timeless, "test_times_are_positive"),
        (Unbounded, "test_action_space_is_a_bounded_vector_of_float32"),
        (WithoutUnits, "test_every_element_of_an_action_has_its_own_name_with_a_unit"),
        (TwoOfOneName, "test_every_element_of_every_feature_has_its_own_name"),
        (DrawsForItself, "test_same_generator_gives_the_same_start"),
        (AlwaysTheSame, "test_starts_vary_and_leave_the_global_generator_alone"),
        (FromTheGlobalStream, "test_starts_vary_and_leave_the_global_generator_alone"),
        (NoInverse, "test_sent_target_is_the_action_that_asked_for_it"),
        (MovesTheTargetBefore, "test_sent_target_is_the_action_that_asked_for_it"),
        (TooNarrow, "test_features_lie_in_their_spaces"),
        (SeesWithoutEyes, "test_where_nothing_measures_the_poses_state_is_left_out"),
        (LosesAName, "test_measures_are_finite_numbers_with_the_same_names_all_along"),
        (Remembering, "test_judgement_depends_on_what_is_given_alone"),
        (NumpysOwnTruth, "test_judgement_is_made_of_reward_success_and_end"),
        (ByTheClock, "test_reward_and_success_are_functions_of_the_poses_alone"),
    ],
)
def test_task_that_breaks_a_rule_is_caught(kind: type[Push], test: str) -> None:
    def make(self: TaskContract) -> Task:
        return kind()

    assert_broken(type("Broken", (TaskContract,), {"make": make}), test)


def test_task_without_a_scene_is_asked_what_moves() -> None:
    from ibc_gym.envs.tasks.particle import Particle

    suite = type("Sceneless", (TaskContract,), {"make": lambda self: Particle()})
    complaint = failure(suite, "test_features_lie_in_their_spaces")
    assert complaint and "let Sceneless.robot give an IdealRobot(limits, home)" in complaint
