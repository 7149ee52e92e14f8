"""The way home is tried out in thought: above what stands on the table, inside of the fence, or not at all."""

from __future__ import annotations

import numpy as np
import pytest
from arm_bench import tip
from hypothesis import given, settings
from hypothesis import strategies as st
from trials import trials

from ibc_gym.errors import RobotFault
from ibc_gym.hardware.arm.config import XArmConfig
from ibc_gym.hardware.arm.homing import BESIDE, DIP, plan
from ibc_gym.hardware.arm.targets import Admitted, admit
from ibc_gym.hardware.arm.trajectory import Course
from ibc_gym.records import Float64, Target

pytestmark = pytest.mark.slow

CONFIG = XArmConfig(address="127.0.0.1")
KINEMATICS = CONFIG.kinematics()
HOME = Admitted(joints=CONFIG.home(), tool=KINEMATICS.forward(CONFIG.home()))


def tips(here: Admitted, legs: list[Admitted], stride: float = 0.005) -> Float64:
    """Where the tip goes on the legs as the stream takes them, (N, 3)."""
    path, joints = [], here.joints
    for leg in legs:
        course = Course(KINEMATICS, joints, period=0.01, speed=1.0)
        course.aim(leg.joints, None if leg.by_joints else leg.tool, 20, tip_speed=stride / 0.01)
        for _ in range(5000):
            path.append(KINEMATICS.forward(course.next()).position)
            if course.arrived:
                break
        assert course.arrived
        joints = leg.joints
    return np.array(path)


places = st.tuples(st.floats(0.2, 0.6), st.floats(-0.3, 0.3))


@settings(max_examples=trials(8))
@given(places, places)
def test_upright_tool_is_lifted_crosses_and_comes_down(
    start: tuple[float, float], end: tuple[float, float]
) -> None:
    here = admit(tip(*start), KINEMATICS, CONFIG.limits, HOME)
    goal = admit(tip(*end), KINEMATICS, CONFIG.limits, HOME)
    path = tips(here, plan(CONFIG, KINEMATICS, here, goal))
    apart = [
        np.linalg.norm(path[:, :2] - place.tool.position[:2], axis=1) > 2 * BESIDE
        for place in (here, goal)
    ]
    crossing = path[apart[0] & apart[1]]
    assert (crossing[:, 2] > CONFIG.reset_height - 1e-6).all()
    np.testing.assert_allclose(path[-1], goal.tool.position, atol=1e-9)


turns = st.lists(
    st.lists(st.floats(-0.4, 0.4), min_size=6, max_size=6).map(np.array), min_size=1, max_size=4
)


@settings(max_examples=trials(5))
@given(turns)
def test_tilted_tool_comes_home_without_touching_the_table_or_is_refused(
    by: list[Float64],
) -> None:
    here = HOME
    for turn in by:
        here = admit(Target(joints=here.joints + turn), KINEMATICS, CONFIG.limits, here)
    try:
        legs = plan(CONFIG, KINEMATICS, here, HOME)
    except RobotFault:
        return
    path = tips(here, legs)
    lowest = min(here.tool.position[2], HOME.tool.position[2])
    assert (path[:, 2] > lowest - 2 * DIP).all()
    np.testing.assert_allclose(legs[-1].joints, HOME.joints)


def test_wrist_that_was_turned_over_is_turned_back() -> None:
    first, second, third, fourth, fifth, sixth = HOME.joints
    joints = np.array([first, second, third, fourth + np.pi, -fifth, sixth + np.pi])
    here = Admitted(joints=joints, tool=KINEMATICS.forward(joints))
    legs = plan(CONFIG, KINEMATICS, here, HOME)
    np.testing.assert_allclose(legs[-1].joints, HOME.joints)
    assert legs[0].tool.position[2] >= CONFIG.reset_height, "it turns over above the table"
    stride = 0.0005
    steps = np.diff(tips(here, legs, stride), axis=0)
    assert np.linalg.norm(steps, axis=1).max() <= 1.05 * stride, "the tip is no faster for that"


def test_no_way_is_said_to_be_none() -> None:
    high = np.array([0.0, -1.5, -0.5, 0.0, 0.5, 0.0])
    here = Admitted(joints=high, tool=KINEMATICS.forward(high))
    assert here.tool.position[2] > CONFIG.fence_upper[2]
    with pytest.raises(RobotFault, match=r"No safe way.*by hand"):
        plan(CONFIG, KINEMATICS, here, HOME)
