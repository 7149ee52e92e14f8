"""A target becomes the same on the arm as in simulation, so that a task meets the same robot."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from trials import trials

from ibc_gym import geometry
from ibc_gym.envs.simulators.following import Following
from ibc_gym.errors import SpecMismatch
from ibc_gym.hardware.arm.targets import Admitted, admit
from ibc_gym.kinematics import DOWN
from ibc_gym.records import Pose, Target
from ibc_gym.registry import make_task
from ibc_gym.xarm6 import XARM6

SCENE = replace(
    make_task("insert").scene,  # type: ignore[attr-defined]
    workspace_lower=(0.15, -0.3, 0.01),
    workspace_upper=(0.6, 0.3, 0.2),
)

places = st.tuples(st.floats(-0.1, 0.9), st.floats(-0.6, 0.6), st.floats(-0.1, 0.4)).map(np.array)
tilts = st.one_of(
    st.just(DOWN),
    st.tuples(*[st.floats(-0.4, 0.4)] * 3).map(
        lambda turn: geometry.quaternion(geometry.rotation(DOWN) * Rotation.from_rotvec(turn))
    ),
)
tools = st.builds(lambda at, turn: Target(tool=Pose(position=at, quaternion=turn)), places, tilts)
joints = st.tuples(
    *(st.floats(max(joint.lower, -3) - 0.2, min(joint.upper, 3) + 0.2) for joint in XARM6.joints)
).map(lambda values: Target(joints=np.array(values)))


@settings(max_examples=trials(20))
@given(st.lists(st.one_of(tools, joints), min_size=1, max_size=6))
def test_whatever_is_commanded_is_admitted_as_in_simulation(targets: list[Target]) -> None:
    following = Following(SCENE)
    before = Admitted(joints=following.joints, tool=following.tool)
    changes = 0
    for target in targets:
        sent = following.command(target)
        before = admit(target, following.kinematics, following.limits, before)
        changes += before.changed
        assert (sent.joints is None) == (before.target.joints is None)
        for simulated, ours in (
            (following.joints, before.joints),
            (following.tool.position, before.tool.position),
            (following.tool.quaternion, before.tool.quaternion),
        ):
            np.testing.assert_allclose(ours, simulated, atol=1e-12)
    assert changes == following.interventions


@pytest.mark.parametrize(
    "target",
    [
        Target(),
        Target(joints=np.zeros(6), tool=Pose(position=np.zeros(3))),
        Target(joints=np.array([0, 0, 0, 0, 0, np.nan])),
        Target(joints=np.zeros(7)),
        Target(tool=Pose(position=np.array([np.inf, 0, 0]), quaternion=DOWN)),
        Target(tool=Pose(position=np.zeros(3), quaternion=np.array([np.nan, 0, 0, 1]))),
        Target(tool=Pose(position=np.zeros(3), quaternion=np.zeros(4))),
    ],
)
def test_target_that_no_robot_can_follow_is_refused(target: Target) -> None:
    following = Following(SCENE)
    before = Admitted(joints=following.joints, tool=following.tool)
    with pytest.raises(SpecMismatch, match="nothing was sent"):
        admit(target, following.kinematics, following.limits, before)
