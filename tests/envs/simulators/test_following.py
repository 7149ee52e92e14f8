"""What an arm is told, apart from any simulator."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibc_gym.envs.simulators.following import SAVED, Following
from ibc_gym.envs.tasks.push import Push
from ibc_gym.errors import SpecMismatch
from ibc_gym.kinematics import DOWN
from ibc_gym.records import Float64, Pose, Target
from ibc_gym.xarm6 import XARM6

SCENE = Push().scene
PLACE = st.tuples(st.floats(-1, 1), st.floats(-1, 1), st.floats(-0.2, 0.5)).map(np.array)


def at(position: Float64) -> Target:
    return Target(tool=Pose(position=position, quaternion=DOWN))


def test_it_begins_at_the_scenes_home() -> None:
    following = Following(SCENE)
    tip = following.kinematics.forward(following.joints).position
    np.testing.assert_allclose(tip, SCENE.home, atol=1e-9)
    assert (following.interventions, following.stopped) == (0, False)


@given(st.lists(PLACE, min_size=1, max_size=6))
def test_any_target_is_sent_within_workspace_and_reach(places: list[Float64]) -> None:
    following = Following(SCENE)
    for place in places:
        sent = following.command(at(place)).tool
        assert sent is not None
        assert (sent.position >= SCENE.workspace_lower).all()
        assert (sent.position <= SCENE.workspace_upper).all()
        tip = following.kinematics.forward(following.joints).position
        np.testing.assert_allclose(tip, sent.position, atol=1e-6)


@given(PLACE, PLACE)
def test_no_joint_is_asked_to_run_faster_than_it_may(first: Float64, second: Float64) -> None:
    following = Following(SCENE)
    following.command(at(first))
    here = following.joints
    following.command(at(second))
    way = following.way(here)
    assert np.abs(way).max() <= XARM6.speed_limit * SCENE.control_period * (1 + 1e-9)


def test_far_target_is_approached_along_the_straight_line_of_the_tip() -> None:
    following = Following(SCENE)
    here, start = following.joints, following.tool.position
    end = np.array([0.5, 0.4, 0.01])
    following.command(at(end))
    reached = following.kinematics.forward(here + following.way(here)).position
    part = (reached - start) @ (end - start) / ((end - start) @ (end - start))
    assert 0.05 < part < 0.95
    np.testing.assert_allclose(reached, start + part * (end - start), atol=1e-6)


def test_stopped_arm_keeps_its_target_and_counts_what_it_refuses() -> None:
    following = Following(SCENE)
    before = following.joints
    following.stopped = True
    following.command(at(np.array([0.4, 0.0, 0.01])))
    assert following.joints is before
    assert following.interventions == 1


def test_home_out_of_the_workspace_is_brought_to_its_border() -> None:
    following = Following(SCENE)
    following.place(at(np.array([0.4, 0.0, 0.3])))
    np.testing.assert_allclose(following.tool.position, [0.4, 0.0, 0.01], atol=1e-12)
    assert following.interventions == 0


def test_saved_state_is_taken_over_by_another() -> None:
    one, other = Following(SCENE), Following(SCENE)
    one.command(at(np.array([0.5, 0.9, 0.01])))
    one.stopped = True
    saved = one.save()
    assert saved.shape == (SAVED,)
    other.restore(saved)
    assert other.save().tobytes() == saved.tobytes()
    assert (other.interventions, other.stopped) == (1, True)


@pytest.mark.parametrize("target", [Target(), at(np.array([0.4, np.nan, 0.01]))])
def test_target_that_makes_no_sense_changes_nothing(target: Target) -> None:
    following = Following(SCENE)
    before = following.save()
    with pytest.raises(SpecMismatch, match="nothing was sent"):
        following.command(target)
    np.testing.assert_array_equal(following.save(), before)
