"""What is drawn is what was asked for, and what goes wrong goes wrong when it should."""

from __future__ import annotations

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st

from ibc_gym.errors import CameraTimeout, ConfigError, RobotFault
from ibc_gym.records import Float32, Layout, Pose, RobotLimits, Situation, Start, Target
from ibc_gym.registry import make_task, make_workcell
from ibc_gym.testing import Fault, FaultyRobot, IdealRobot, Schedule, faulty, strategies
from ibc_gym.testing.ideal import at
from ibc_gym.testing.strategies import Episode

LIMITS = RobotLimits(control_period=0.1, lower=(0.0, -1.0, 0.1), upper=(2.0, 1.0, 0.1))
SPACE = spaces.Box(np.array([-0.1, 0.0], np.float32), np.array([0.1, 3.0], np.float32))


@given(strategies.poses(LIMITS.lower, LIMITS.upper), strategies.poses(upright=True))
def test_poses_lie_in_their_box_with_unit_quaternions(pose: Pose, upright: Pose) -> None:
    assert (pose.position >= LIMITS.lower).all() and (pose.position <= LIMITS.upper).all()
    for each in (pose, upright):
        assert np.linalg.norm(each.quaternion) == pytest.approx(1.0)
    assert upright.quaternion[1:3].tolist() == [0.0, 0.0]


@given(
    strategies.targets(LIMITS, at(np.zeros(3))),
    strategies.targets(LIMITS, Target(joints=np.zeros(3))),
)
def test_targets_lie_within_the_limits_and_name_what_they_should(
    tool: Target, joints: Target
) -> None:
    assert tool.joints is None and tool.tool is not None
    assert joints.tool is None and joints.joints is not None
    for values in (tool.tool.position, joints.joints):
        assert (values >= LIMITS.lower).all() and (values <= LIMITS.upper).all()


def test_targets_may_lie_beyond_the_limits_where_that_is_asked_for() -> None:
    seen = []

    @given(strategies.targets(LIMITS, Target(joints=np.zeros(3)), beyond=0.5))
    def draw(target: Target) -> None:
        assert target.joints is not None
        assert (target.joints >= np.array(LIMITS.lower) - 1.01).all()
        seen.append((target.joints < LIMITS.lower).any() or (target.joints > LIMITS.upper).any())

    draw()
    assert any(seen) and not all(seen)


@given(strategies.actions(SPACE), strategies.action_sequences(SPACE, max_size=4))
def test_actions_are_in_their_space(action: Float32, several: Float32) -> None:
    assert SPACE.contains(action)
    assert several.dtype == np.float32 and 1 <= len(several) <= 4
    assert all(SPACE.contains(each) for each in several)


@given(strategies.episodes(SPACE, max_size=3))
def test_episode_is_a_seed_and_what_is_done(episode: Episode) -> None:
    assert 0 <= episode.seed < 2**32
    assert episode.actions.shape[1:] == (2,) and len(episode.actions) <= 3


def test_actions_without_bounds_cannot_be_drawn() -> None:
    with pytest.raises(ConfigError, match="no bounds"):
        strategies.actions(spaces.Box(-np.inf, np.inf, (2,)))


@given(
    strategies.layouts(
        ["a", "b", "c", "d"], lower=(0.1, -0.4), upper=(0.6, 0.4), apart=0.12, height=0.02
    )
)
def test_things_of_a_layout_keep_their_distance(layout: Layout) -> None:
    places = np.array([pose.position for pose in layout.values()])
    assert list(layout) == ["a", "b", "c", "d"]
    assert (places >= (0.1, -0.4, 0.02)).all() and (places <= (0.6, 0.4, 0.02)).all()
    gaps = np.linalg.norm(places[:, None] - places, axis=-1)[np.triu_indices(4, 1)]
    assert gaps.min() >= 0.12 - 1e-9


def test_layout_that_does_not_fit_is_refused() -> None:
    crowd = strategies.layouts(list("abcdef"), lower=(0.0, 0.0), upper=(0.1, 0.1), apart=0.1)
    with pytest.raises(ConfigError, match="there is room for 1"):
        given(crowd)(lambda _: None)()


@given(strategies.starts(make_task("push")))
def test_starts_are_those_of_the_task(start: Start) -> None:
    assert {"block", "target"} <= set(start.layout)


@given(
    strategies.histories(
        make_task("push"), IdealRobot(LIMITS, at(np.array([0.3, 0.0, 0.1]))), max_steps=3
    )
)
def test_histories_go_on_step_by_step_with_the_same_things(situations: list[Situation]) -> None:
    assert [each.step for each in situations] == list(range(len(situations)))
    assert len(situations) <= 4
    assert len({tuple(sorted(each.poses or ())) for each in situations}) == 1
    times = [each.robot.time for each in situations]
    np.testing.assert_allclose(np.diff(times), 0.1)


@given(strategies.fault_schedules(last_step=3, max_size=2))
def test_schedules_name_what_can_go_wrong(faults: list[Fault]) -> None:
    assert len(faults) <= 2
    assert all(0 <= fault.step <= 3 for fault in faults)


def robot_with(*faults: Fault) -> FaultyRobot:
    return FaultyRobot(IdealRobot(LIMITS, at(np.array([0.3, 0.0, 0.1]))), Schedule(faults))


@pytest.mark.parametrize(
    "kind, verb", [("fault", "advance"), ("refusal", "command"), ("lost", "observe")]
)
@given(step=st.integers(1, 4))
def test_robot_fails_in_its_period_and_takes_nothing_but_stop_until_it_is_reset(
    kind: str, verb: str, step: int
) -> None:
    robot = robot_with(Fault(step=step, kind=kind))
    robot.reset()
    home = robot.observe().target

    def period() -> None:
        robot.command(home)
        robot.advance()
        robot.observe()

    for _ in range(step - 1):
        period()
    with pytest.raises(RobotFault, match=f"A {kind} was due in control period {step}"):
        period()
    assert robot.calls[-1] == verb
    with pytest.raises(AssertionError, match="only stop and close may be called, not observe"):
        robot.observe()
    robot.stop()
    robot.reset()
    for _ in range(step):
        period()
    robot.close()


def test_deadline_is_missed_in_one_period_alone() -> None:
    robot = robot_with(Fault(step=2, kind="overrun"))
    robot.reset()
    missed = []
    for _ in range(3):
        robot.command(robot.inner.observe().target)
        robot.advance()
        missed.append(robot.observe().deadline_missed)
    assert missed == [False, True, False]


def test_reset_may_fail_too() -> None:
    robot = robot_with(Fault(step=0, kind="fault"))
    with pytest.raises(RobotFault):
        robot.reset()
    robot.reset()


def test_cameras_fail_by_the_schedule_of_their_robot() -> None:
    sound = make_workcell("particle", make_task("particle"), cameras=True)
    faults = [
        Fault(step=step, kind=kind) for step, kind in enumerate(("late", "repeated", "timeout"))
    ]
    cell, robot = faulty(sound, faults)
    camera = cell.cameras["view"]
    robot.reset()
    late = camera.read()
    assert late.time == pytest.approx(-3 * robot.limits.control_period)
    robot.advance()
    assert camera.read().number == late.number
    robot.advance()
    with pytest.raises(CameraTimeout, match="period 2"):
        camera.read()
    robot.advance()
    assert camera.read().number == 3
    assert [fault.kind for fault in robot.schedule.happened] == ["late", "repeated", "timeout"]
    cell.close()


@pytest.mark.parametrize("wrong", [{"step": -1, "kind": "fault"}, {"step": 1, "kind": "flat tyre"}])
def test_fault_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        Fault(**wrong)  # type: ignore[arg-type]
