"""What every task keeps, in every workcell that it names."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from streams import global_stream

from ibc_gym.contracts import Task, Workcell
from ibc_gym.records import Float32, Pose, Start, Target
from ibc_gym.registry import ORACLES, TASKS, WORKCELLS, load, make_task

CARRIES_NOTHING = [HealthCheck.function_scoped_fixture]


def numbers(pose: Pose) -> list[float]:
    return [*pose.position.ravel().tolist(), *pose.quaternion.ravel().tolist()]


def written_out(start: Start) -> dict[str, Any]:
    """A start as plain numbers."""
    plain: dict[str, Any] = {name: numbers(pose) for name, pose in start.layout.items()}
    if start.home is not None:
        plain["home joints"] = None if start.home.joints is None else start.home.joints.tolist()
        plain["home tool"] = None if start.home.tool is None else numbers(start.home.tool)
    return plain


def test_table_names_the_task_as_it_names_itself(task: Task, row: Any) -> None:
    assert task.name == row.task
    assert set(task.workcells) & set(WORKCELLS)


def test_config_is_a_frozen_dataclass_with_defaults(task: Task) -> None:
    assert task.config == task.Config()
    made: Any = type(task)
    assert made(task.config).config == task.config
    for field in dataclasses.fields(task.config):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(task.config, field.name, None)


def test_action_space_is_a_bounded_vector_of_float32(task: Task) -> None:
    space = task.action_space
    assert space.dtype == np.float32 and len(space.shape) == 1
    assert np.isfinite(space.low).all() and np.isfinite(space.high).all()
    assert (space.low < space.high).all()


def test_every_element_of_every_feature_has_its_own_name(task: Task) -> None:
    assert set(task.feature_names) == set(task.feature_spaces)
    for feature, space in task.feature_spaces.items():
        names = task.feature_names[feature]
        assert space.shape == (len(names),) and space.dtype == np.float32
        assert len(set(names)) == len(names)


def test_every_element_of_an_action_has_its_own_name_with_a_unit(task: Task) -> None:
    names = task.action_names
    assert len(set(names)) == len(names) == task.action_space.shape[0]
    assert all(name.endswith("]") for name in names)


def test_times_are_positive(task: Task) -> None:
    assert task.control_period > 0
    assert task.horizon > 0


@pytest.mark.parametrize("seed", range(3))
def test_same_generator_gives_the_same_start(task: Task, seed: int) -> None:
    starts = [task.sample(np.random.default_rng(seed)) for _ in range(2)]
    assert written_out(starts[0]) == written_out(starts[1])
    assert written_out(starts[0]) == written_out(
        make_task(task.name).sample(np.random.default_rng(seed))
    )


def test_starts_vary_and_leave_the_global_generator_alone(task: Task) -> None:
    before = global_stream()
    rng = np.random.default_rng(0)
    starts = {str(written_out(task.sample(rng))) for _ in range(10)}
    assert len(starts) == 10
    assert global_stream() == before


def test_sent_target_is_the_action_that_asked_for_it(task: Task, workcell: Workcell) -> None:
    start = task.sample(np.random.default_rng(0))
    workcell.robot.reset(start.home)
    previous = workcell.robot.observe().target
    space = task.action_space

    @settings(max_examples=30, suppress_health_check=CARRIES_NOTHING, deadline=None)
    @given(st.lists(st.floats(0, 1), min_size=len(space.low), max_size=len(space.low)))
    def check(shares: list[float]) -> None:
        action: Float32 = (space.low + np.array(shares) * (space.high - space.low)).astype(
            np.float32
        )
        back = task.action(task.target(action, previous), previous)
        assert back.dtype == np.float32
        assert back == pytest.approx(action, abs=1e-6)

    check()


def test_target_leaves_the_previous_one_as_it_was(task: Task, workcell: Workcell) -> None:
    workcell.robot.reset(task.sample(np.random.default_rng(0)).home)
    previous = workcell.robot.observe().target
    before = copy.deepcopy(previous)
    task.target(task.action_space.high.astype(np.float32), previous)
    assert_same_target(previous, before)


def assert_same_target(a: Target, b: Target) -> None:
    assert (a.joints is None) == (b.joints is None)
    assert (a.tool is None) == (b.tool is None)
    if a.joints is not None and b.joints is not None:
        assert a.joints.tobytes() == b.joints.tobytes()
    if a.tool is not None and b.tool is not None:
        assert numbers(a.tool) == numbers(b.tool)


def test_features_lie_in_their_spaces(task: Task, episode: Any) -> None:
    for situation in episode.situations:
        features = task.features(situation)
        assert set(features) <= set(task.feature_spaces)
        for name, values in features.items():
            assert values in task.feature_spaces[name], name


def test_where_nothing_measures_the_poses_state_is_left_out(task: Task, episode: Any) -> None:
    blind = dataclasses.replace(episode.situations[0], poses=None)
    features = task.features(blind)
    assert "state" not in features
    assert set(features) == set(task.feature_spaces) - {"state"}


def test_measures_are_finite_numbers_with_the_same_names_all_along(episode: Any) -> None:
    for progress in episode.progress:
        assert set(progress) == set(episode.progress[0])
        assert all(type(value) is float and np.isfinite(value) for value in progress.values())


def test_judgement_depends_on_what_is_given_alone(task: Task, episode: Any) -> None:
    """Asked in another order, and twice, a new instance says the same."""
    for step in reversed(range(len(episode.situations))):
        before = episode.progress[step - 1] if step else None
        kept = copy.deepcopy(before)
        for _ in range(2):
            measured = task.measure(episode.situations[step], before)
            assert measured == episode.progress[step]
        assert before == kept
        judged = [
            (task.reward(measured), task.success(measured), task.terminated(measured))
            for _ in range(2)
        ]
        assert judged[0] == judged[1]
        assert [type(value) for value in judged[0]] == [float, bool, bool]


def test_unknown_task_option_is_answered_with_the_known_ones(task: Task) -> None:
    with pytest.raises(ValueError, match="Known: "):
        make_task(task.name, no_such_option=1)


@pytest.mark.parametrize("name", sorted(TASKS))
def test_every_task_has_a_demonstrator(name: str) -> None:
    assert callable(load(ORACLES, name, "oracle"))
