"""What every task keeps, without a simulator: `ibc_gym.contracts.Task`, as tests."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from ibc_gym.contracts import Robot, Task
from ibc_gym.errors import ConfigError
from ibc_gym.records import Float32, Progress, RobotLimits, Situation, Target
from ibc_gym.testing.bits import flat, global_stream
from ibc_gym.testing.contract import Contract, rule
from ibc_gym.testing.ideal import IdealRobot, at
from ibc_gym.testing.strategies import actions, histories, seeds


class TaskContract(Contract[Task]):
    """Subclass it and say in `make` how your task is made. A task without a `scene` says in `robot` what moves, too."""

    @property
    def task(self) -> Task:
        """The task that tests share; it keeps nothing between calls."""
        return self.shared

    def robot(self) -> Robot:
        """Something that suits the task's targets; by default a tool without mass in the workspace of its scene.

        Raises:
            ConfigError: The task has no scene.
        """
        scene: Any = getattr(self.task, "scene", None)
        if scene is None:
            raise ConfigError(
                f"Task {self.task.name!r} has no scene to take a workspace from: "
                f"let {type(self).__name__}.robot give an IdealRobot(limits, home)."
            )
        limits = RobotLimits(
            control_period=scene.control_period,
            lower=scene.workspace_lower,
            upper=scene.workspace_upper,
        )
        return IdealRobot(limits, at(np.array(scene.home)))

    @rule("Task.config")
    def test_config_is_a_frozen_dataclass_with_defaults(self) -> None:
        """`Config()` makes the default settings, a frozen dataclass; the task made from them has them."""
        cls: Any = type(self.task)
        config = cls.Config()
        assert cls(config).config == config
        assert type(self.task.config) is cls.Config
        for field in dataclasses.fields(config):
            try:
                setattr(config, field.name, None)
            except dataclasses.FrozenInstanceError:
                continue
            raise AssertionError(f"{cls.Config.__name__}.{field.name} can be changed")

    @rule("Task.workcells")
    def test_names_itself_and_where_it_can_happen(self) -> None:
        """A task has a name, and names at least one workcell that can host it."""
        assert self.task.name and isinstance(self.task.name, str)
        assert self.task.workcells and all(isinstance(name, str) for name in self.task.workcells)

    @rule("Task.horizon")
    def test_times_are_positive(self) -> None:
        """The control period and the horizon are positive."""
        assert self.task.control_period > 0
        assert self.task.horizon > 0 and self.task.horizon == int(self.task.horizon)

    @rule("Task.action_space")
    def test_action_space_is_a_bounded_vector_of_float32(self) -> None:
        """Actions are vectors (A,) of float32 between finite bounds."""
        space = self.task.action_space
        assert space.dtype == np.float32 and len(space.shape) == 1
        assert np.isfinite(space.low).all() and np.isfinite(space.high).all()
        assert (space.low < space.high).all()

    @rule("Task.action_names")
    def test_every_element_of_an_action_has_its_own_name_with_a_unit(self) -> None:
        """Actions are labelled with units, each element once: "x displacement [m]"; or not at all."""
        names = self.task.action_names
        assert len(names) in (0, self.task.action_space.shape[0])
        assert len(set(names)) == len(names)
        assert all(name.endswith("]") for name in names), f"a unit is missing: {names}"

    @rule("Task.feature_names")
    def test_every_element_of_every_feature_has_its_own_name(self) -> None:
        """Features are vectors of float32, each element labelled once."""
        assert set(self.task.feature_names) == set(self.task.feature_spaces)
        for feature, space in self.task.feature_spaces.items():
            names = self.task.feature_names[feature]
            assert space.shape == (len(names),) and space.dtype == np.float32
            assert len(set(names)) == len(names)

    @rule("Task.sample")
    def test_same_generator_gives_the_same_start(self) -> None:
        """A start is drawn from the generator and from nothing else, by a new task, too."""

        @self.for_all(seeds())
        def check(seed: int) -> None:
            first, again, anew = (
                task.sample(np.random.default_rng(seed))
                for task in (self.task, self.task, self.make())
            )
            assert flat(first) == flat(again) == flat(anew)

    @rule("Task.sample")
    def test_starts_vary_and_leave_the_global_generator_alone(self) -> None:
        """One generator gives start after start, each another; NumPy's global generator is not touched."""
        before = global_stream()
        rng = np.random.default_rng(0)
        drawn = {str(flat(self.task.sample(rng))) for _ in range(10)}
        assert len(drawn) == 10
        assert global_stream() == before

    @rule("Task.action")
    def test_sent_target_is_the_action_that_asked_for_it(self) -> None:
        """`action` is the inverse of `target`, within 1e-6, and the previous target is left as it was."""
        robot = self.robot()

        @self.for_all(seeds(), actions(self.task.action_space))
        def check(seed: int, action: Float32) -> None:
            robot.reset(self.task.sample(np.random.default_rng(seed)).home)
            previous = robot.observe().target
            kept = flat(previous)
            back = self.task.action(self.task.target(action, previous), previous)
            assert back.dtype == np.float32 and back.shape == action.shape
            assert np.abs(back - action).max() <= 1e-6
            assert flat(previous) == kept

    @rule("Task.features")
    def test_features_lie_in_their_spaces(self) -> None:
        """Whatever happens to the things, every feature lies in its space."""

        @self.for_all(histories(self.task, self.robot()))
        def check(situations: list[Situation]) -> None:
            for situation in situations:
                features = self.task.features(situation)
                assert set(features) == set(self.task.feature_spaces)
                for name, values in features.items():
                    assert values in self.task.feature_spaces[name], f"{name}: {values}"

    @rule("Task.features")
    def test_where_nothing_measures_the_poses_state_is_left_out(self) -> None:
        """Without poses, as on a real table, all features but "state" are given."""

        @self.for_all(histories(self.task, self.robot(), max_steps=1))
        def check(situations: list[Situation]) -> None:
            blind = dataclasses.replace(situations[-1], poses=None)
            assert set(self.task.features(blind)) == set(self.task.feature_spaces) - {"state"}

    @rule("Task.measure")
    def test_measures_are_finite_numbers_with_the_same_names_all_along(self) -> None:
        """Progress is finite floats under the same names from the reset to the end."""

        @self.for_all(histories(self.task, self.robot()))
        def check(situations: list[Situation]) -> None:
            measured = measures(self.task, situations)
            for progress in measured:
                assert set(progress) == set(measured[0])
                assert all(
                    type(value) is float and np.isfinite(value) for value in progress.values()
                )

    @rule("Task.measure")
    def test_judgement_depends_on_what_is_given_alone(self) -> None:
        """Asked in another order, and twice, and of a new task, the judgement is the same, and nothing given changes."""

        @self.for_all(histories(self.task, self.robot()))
        def check(situations: list[Situation]) -> None:
            found = measures(self.task, situations)
            another = self.make()
            for step in reversed(range(len(situations))):
                before = found[step - 1] if step else None
                kept = flat(before), flat(situations[step])
                for task in (self.task, another, another):
                    assert task.measure(situations[step], before) == found[step]
                    assert judged(task, found[step]) == judged(self.task, found[step])
                assert (flat(before), flat(situations[step])) == kept

    @rule("Task.reward")
    def test_judgement_is_made_of_reward_success_and_end(self) -> None:
        """The reward is a finite float; success and the end of an episode are yes or no."""

        @self.for_all(histories(self.task, self.robot()))
        def check(situations: list[Situation]) -> None:
            for progress in measures(self.task, situations):
                reward, *answers = judged(self.task, progress)
                assert type(reward) is float and np.isfinite(reward)
                assert [type(answer) for answer in answers] == [bool, bool]

    @rule("Task.success")
    def test_reward_and_success_are_functions_of_the_poses_alone(self) -> None:
        """When it was measured, how fast the robot moved, what it was told and what it missed are not judged."""

        @self.for_all(histories(self.task, self.robot()))
        def check(situations: list[Situation]) -> None:
            found = measures(self.task, situations)
            others = measures(self.task, [_incidentally_other(each) for each in situations])
            for one, other in zip(found, others, strict=True):
                assert judged(self.task, one) == judged(self.task, other)


def measures(task: Task, situations: list[Situation]) -> list[Progress]:
    """The progress of an episode, step by step."""
    found: list[Progress] = []
    for situation in situations:
        found.append(task.measure(situation, found[-1] if found else None))
    return found


def judged(task: Task, progress: Progress) -> tuple[float, bool, bool]:
    """Reward, success, and whether the episode ends."""
    return task.reward(progress), task.success(progress), task.terminated(progress)


def _incidentally_other(situation: Situation) -> Situation:
    """The same poses at the same step, but everything else another."""
    robot = situation.robot
    other = dataclasses.replace(
        robot,
        time=robot.time + 100.0,
        joint_velocities=robot.joint_velocities + 1.0,
        target=_elsewhere(robot.target),
        deadline_missed=True,
        interventions=7,
    )
    return dataclasses.replace(situation, robot=other)


def _elsewhere(target: Target) -> Target:
    joints = None if target.joints is None else target.joints + 0.1
    tool = target.tool
    if tool is not None:
        tool = dataclasses.replace(tool, position=tool.position + 0.1)
    return Target(joints=joints, tool=tool)
