from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ibc_gym.envs.tasks.particle import Particle, ParticleConfig, distance, measures
from ibc_gym.errors import ConfigError
from ibc_gym.records import Pose, Progress, RobotState, Situation, Target

GOALS = {"first_goal": Pose(position=np.zeros(2)), "second_goal": Pose(position=np.ones(2))}
FAR, AT_FIRST, AT_SECOND = (0.5, 0.5), (0.03, 0.03), (0.97, 0.97)  # 0.042 from the goals


def situation(position: tuple[float, float], step: int, *, goals: bool = True) -> Situation:
    robot = RobotState(
        time=step * 0.05,
        joints=np.array(position),
        joint_velocities=np.array([0.25, -0.5]),
        tool=None,
        target=Target(joints=np.array(position)),
    )
    return Situation(robot=robot, poses=GOALS if goals else None, step=step)


def play(task: Particle, positions: list[tuple[float, float]]) -> Progress:
    """The progress after an episode that began elsewhere and visited these positions."""
    progress = task.measure(situation((0.2, 0.8), 0), None)
    for step, position in enumerate(positions, start=1):
        progress = task.measure(situation(position, step), progress)
    return progress


def test_constants_are_the_published_ones() -> None:
    task = Particle()
    assert (task.config.dimensions, task.config.goal_tolerance) == (2, 0.05)
    assert (task.horizon, task.control_period) == (50, 0.05)
    assert (task.action_space.low == 0).all() and (task.action_space.high == 1).all()


@pytest.mark.parametrize("dimensions", range(1, 33))
def test_state_has_four_numbers_per_dimension(dimensions: int) -> None:
    task = Particle(ParticleConfig(dimensions=dimensions))
    assert task.action_space.shape == (dimensions,)
    assert task.feature_spaces["state"].shape == (4 * dimensions,)
    assert task.feature_spaces["robot"].shape == (2 * dimensions,)


def test_state_is_in_the_alphabetical_order_of_the_published_keys() -> None:
    task = Particle()
    features = task.features(situation(FAR, 3))
    assert features["state"].tolist() == [0.5, 0.5, 0, 0, 1, 1, 0.25, -0.5]
    assert features["robot"].tolist() == [0.5, 0.5, 0.25, -0.5]
    keys = [name.rsplit("_", 1)[0] for name in task.feature_names["state"][::2]]
    assert keys == ["pos_agent", "pos_first_goal", "pos_second_goal", "vel_agent"]


def test_hidden_velocity_is_nowhere() -> None:
    task = Particle(ParticleConfig(hide_velocity=True))
    features = task.features(situation(FAR, 3))
    assert features["state"].tolist() == [0.5, 0.5, 0, 0, 1, 1]
    assert features["robot"].tolist() == [0.5, 0.5]
    assert not any("vel" in name for names in task.feature_names.values() for name in names)


def test_without_known_goals_only_the_robot_is_seen() -> None:
    assert set(Particle().features(situation(FAR, 0, goals=False))) == {"robot"}


@pytest.mark.parametrize(
    ("positions", "reward", "success"),
    [
        ([AT_FIRST, FAR, AT_SECOND], 1.0, True),
        ([AT_SECOND, AT_FIRST, AT_SECOND], 1.0, True),  # the order is not checked
        ([AT_FIRST, AT_SECOND, FAR], 1.0, False),  # the reward does not ask to stay, success does
        ([AT_SECOND, FAR, AT_FIRST], 1.0, False),
        ([FAR, FAR, AT_SECOND], 0.0, False),
        ([FAR, FAR, AT_FIRST], 0.0, False),
        ([AT_FIRST, FAR, FAR], 0.0, False),
    ],
)
def test_reward_and_success_follow_the_published_rules(
    positions: list[tuple[float, float]], reward: float, success: bool
) -> None:
    task = Particle(ParticleConfig(horizon=3))
    progress = play(task, positions)
    assert task.reward(progress) == reward
    assert task.success(progress) is success
    assert not task.terminated(progress)


def test_nothing_is_earned_before_the_last_step() -> None:
    task = Particle(ParticleConfig(horizon=3))
    progress = play(task, [AT_FIRST, AT_SECOND])
    assert task.reward(progress) == 0.0
    assert not task.success(progress)


def test_tolerance_itself_is_not_near_enough() -> None:
    task = Particle(ParticleConfig(horizon=2, goal_tolerance=0.5))
    on_the_edge = play(task, [(0.5, 0.0), (1.0, 1.0)])
    assert not task.success(on_the_edge)
    assert task.success(play(task, [(0.499, 0.0), (1.0, 1.0)]))


def test_goal_that_the_episode_starts_at_is_not_yet_visited() -> None:
    task = Particle(ParticleConfig(horizon=2))
    progress = task.measure(situation(AT_FIRST, 0), None)
    progress = task.measure(situation(FAR, 1), progress)
    progress = task.measure(situation(AT_SECOND, 2), progress)
    assert task.reward(progress) == 0.0


def test_start_is_uniform_in_the_unit_cube_and_point_and_goals_are_apart() -> None:
    rng = np.random.default_rng(0)
    task = Particle()
    starts = [task.sample(rng) for _ in range(3000)]
    drawn = np.array(
        [
            [start.home.joints, *(pose.position for pose in start.layout.values())]
            for start in starts
            if start.home is not None
        ]
    ).reshape(3000, 6)
    assert drawn.min() >= 0 and drawn.max() < 1
    assert np.abs(drawn.mean(axis=0) - 0.5).max() < 0.03
    assert np.abs(np.corrcoef(drawn.T) - np.eye(6)).max() < 0.08


def test_goals_keep_from_the_ends_and_the_point_does_not() -> None:
    plain, held = (Particle(ParticleConfig(goal_margin=margin)) for margin in (0.0, 0.25))
    for seed in range(200):
        as_published, within = (task.sample(np.random.default_rng(seed)) for task in (plain, held))
        assert within.home is not None and as_published.home is not None
        np.testing.assert_array_equal(within.home.joints, as_published.home.joints)
        for name, pose in within.layout.items():
            there = as_published.layout[name].position
            np.testing.assert_allclose(pose.position, 0.25 + 0.5 * there)


@pytest.mark.parametrize("margin", (-0.1, 0.5, 0.7))
def test_margin_that_leaves_no_place_is_refused(margin: float) -> None:
    with pytest.raises(ConfigError, match=r"ParticleConfig\.goal_margin is"):
        ParticleConfig(goal_margin=margin)


@given(st.integers(1, 32), st.integers(1, 6), st.data())
def test_distance_does_not_depend_on_the_rows_beside(
    dimensions: int, rows: int, data: st.DataObject
) -> None:
    numbers = arrays.arrays(np.float64, (rows, dimensions), elements=st.floats(-1, 2))
    a, b = data.draw(numbers), data.draw(numbers)
    together = distance(a, b)
    alone = np.array([distance(a[row], b[row]) for row in range(rows)])
    assert together.tobytes() == alone.tobytes()
    assert together == pytest.approx(np.linalg.norm(a - b, axis=1), rel=1e-12, abs=1e-150)


@given(arrays.arrays(np.float64, (12, 2), elements=st.floats(-0.05, 1.05)))
def test_least_distances_are_the_least_over_the_steps(positions: np.ndarray) -> None:
    goals = np.array([[0.0, 0.0], [1.0, 1.0]])
    progress = None
    for step, position in enumerate(positions):
        progress = measures(position, goals, np.asarray(step), progress)
    assert progress is not None
    after_actions = positions[1:]
    assert progress["min_distance_first_goal"] == distance(after_actions, goals[0]).min()
    assert progress["min_distance_second_goal"] == distance(after_actions, goals[1]).min()
    assert progress["final_distance_second_goal"] == distance(positions[-1], goals[1])


@pytest.mark.parametrize(
    "options",
    [
        {"dimensions": 0},
        {"dimensions": 33},
        {"goal_tolerance": 0.0},
        {"goal_tolerance": float("nan")},
        {"horizon": 0},
    ],
)
def test_config_refuses_what_makes_no_sense(options: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        ParticleConfig(**options)  # type: ignore[arg-type]
