"""What is streamed: never beyond a limit of a joint, never out of the box, there in the end; on the very samples that are sent."""

from __future__ import annotations

from dataclasses import replace
from math import radians

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from trials import trials

from ibc_gym import geometry
from ibc_gym.errors import RobotFault
from ibc_gym.hardware.arm.config import XArmConfig
from ibc_gym.hardware.arm.follower import Follower
from ibc_gym.hardware.arm.homing import plan
from ibc_gym.hardware.arm.motion import MotionLimits
from ibc_gym.hardware.arm.targets import Admitted, admit
from ibc_gym.hardware.arm.trajectory import Course
from ibc_gym.kinematics import DOWN, Kinematics
from ibc_gym.records import Float64, Pose, RobotLimits, Target
from ibc_gym.xarm6 import XARM6

pytestmark = pytest.mark.slow

CONFIG = XArmConfig(address="127.0.0.1")
KINEMATICS = CONFIG.kinematics()
HOME = Admitted(joints=CONFIG.home(), tool=KINEMATICS.forward(CONFIG.home()))
LIMITS = MotionLimits(speed=2.0, acceleration=20.0, jerk=2000.0)
MOST = 2000
"""Samples after which a move leads nowhere."""
ROUNDING = 1e-9
FASTER = 1 + 1e-4
"""By which a tip may seem to be faster, for rounding."""
PERIOD = CONFIG.stream_period
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
"""A way of thousands of samples takes minutes to be made smaller."""


class Sent:
    """An arm's way to one target after the other, and every sample of it."""

    def __init__(
        self,
        limits: MotionLimits = LIMITS,
        box: RobotLimits | None = CONFIG.limits,
        *,
        start: Admitted = HOME,
        config: XArmConfig = CONFIG,
    ) -> None:
        self.limits, self.box, self.config, self.period = limits, box, config, config.stream_period
        self.here = start
        self.course = Course(KINEMATICS, start.joints, period=self.period, speed=limits.speed)
        self.follower = Follower(KINEMATICS, start.joints, period=self.period, limits=limits)
        if box is not None:
            self.follower.confine(np.array(box.lower), np.array(box.upper))
        self.samples = [start.joints] * 4

    def go(self, target: Target, samples: int | None = None) -> None:
        """To a target of a policy, for so many samples or until the arm is there."""
        assert self.box is not None
        self.leg(admit(target, KINEMATICS, self.box, self.here), samples)

    def leg(self, goal: Admitted, samples: int | None = None, *, by_joints: bool = False) -> None:
        self.here, config = goal, self.config
        periods = round(config.stream_rate / config.control_rate)
        tool = None if by_joints else goal.tool
        self.course.aim(goal.joints, tool, periods, tip_speed=config.tip_speed)
        for _ in range(samples or MOST):
            self.samples.append(
                self.follower.push(
                    self.course.next(), self.course.tool, furthest=self.course.furthest
                )
            )
            if samples is None and self.course.arrived and self.follower.resting:
                return
        assert samples is not None, "it never arrives"

    @property
    def tips(self) -> Float64:
        """(N, 3) [m]"""
        return np.array([KINEMATICS.forward(each).position for each in self.samples])

    def fastest(self, since: int = 0) -> float:
        """Of the tip from a sample on [m/s]."""
        ways = np.linalg.norm(np.diff(self.tips[since:], axis=0), axis=1)
        return float(ways.max(initial=0.0)) / self.period

    def check(self, upper: Float64 = KINEMATICS.upper) -> None:
        """Hold every sample against limits, ranges and box."""
        samples = np.array(self.samples)
        every = (self.limits.speed, self.limits.acceleration, self.limits.jerk)
        for order, limit in enumerate(every, start=1):
            greatest = np.abs(np.diff(samples, n=order, axis=0)).max() / self.period**order
            assert greatest <= limit * (1 + 1e-6) + 1e-11 / self.period**order, order
        assert (samples >= KINEMATICS.lower).all() and (samples <= upper).all()
        if self.box is not None:
            assert (self.tips >= np.array(self.box.lower) - ROUNDING).all()
            assert (self.tips <= np.array(self.box.upper) + ROUNDING).all()


def limits_of(speed: float, acceleration: float, part: float) -> MotionLimits:
    return MotionLimits(speed=speed, acceleration=acceleration, jerk=part * acceleration)


limits = st.builds(limits_of, st.floats(0.5, 3.0), st.floats(2.0, 60.0), st.floats(10.0, 200.0))
places = st.tuples(st.floats(0.15, 0.6), st.floats(-0.3, 0.3))
waits = st.one_of(st.none(), st.integers(1, 60))
"""Samples until the next target, None until the arm is there."""
tilts = st.tuples(*[st.floats(-0.3, 0.3)] * 3)
heights = st.floats(0.01, 0.2)
TALL = replace(CONFIG.limits, upper=(0.6, 0.3048, 0.2))


def tip(
    x: float, y: float, z: float = 0.01, lean: tuple[float, float, float] | None = None
) -> Target:
    turned = DOWN
    if lean is not None:
        turned = geometry.quaternion(geometry.rotation(DOWN) * Rotation.from_rotvec(lean))
    return Target(tool=Pose(position=np.array([x, y, z]), quaternion=turned))


@settings(max_examples=trials(12), deadline=None, phases=PHASES)
@given(st.lists(st.tuples(places, waits), min_size=1, max_size=4), limits)
def test_tip_in_a_flat_workspace_never_takes_a_joint_beyond_a_limit(
    moves: list[tuple[tuple[float, float], int | None]], given_limits: MotionLimits
) -> None:
    sent = Sent(given_limits)
    for place, samples in moves:
        sent.go(tip(*place), samples)
    sent.check()


@settings(max_examples=trials(6), deadline=None, phases=PHASES)
@given(
    st.lists(st.tuples(places, heights, tilts, waits), min_size=1, max_size=3),
    st.sampled_from([100.0, 250.0]),
)
def test_tool_that_leans_and_rises_never_takes_a_joint_beyond_a_limit(
    moves: list[tuple[tuple[float, float], float, tuple[float, float, float], int | None]],
    rate: float,
) -> None:
    sent = Sent(box=TALL, config=replace(CONFIG, stream_rate=rate))
    for place, height, lean, samples in moves:
        sent.go(tip(*place, height, lean), samples)
    sent.check()


WIDE = replace(CONFIG.limits, upper=(0.6, 0.3048, 0.4))
leans = st.tuples(*[st.floats(-0.7, 0.7)] * 2, st.floats(-3.0, 3.0))
BRAKED = 25
"""Samples in which the arm has braked from full speed."""


@settings(max_examples=trials(6), deadline=None, phases=PHASES)
@given(
    st.lists(st.tuples(places, st.floats(0.01, 0.4), leans), min_size=2, max_size=6),
    st.integers(5, 25),
)
def test_tip_is_no_faster_than_it_may_be_whichever_way_it_goes_on_the_way_home_too(
    moves: list[tuple[tuple[float, float], float, tuple[float, float, float]]], samples: int
) -> None:
    sent = Sent(box=WIDE)
    for place, height, lean in moves:
        sent.go(tip(*place, height, lean), samples)
    assert sent.fastest() <= CONFIG.tip_speed * FASTER
    sent.course.stay()
    since = len(sent.samples)
    sent.config = replace(CONFIG, tip_speed=CONFIG.reset_speed)
    above = admit(tip(0.375, 0.0, 0.3), KINEMATICS, WIDE, HOME)
    for goal, by_joints in ((above, True), (HOME, False)):  # as a way home may go, from motion
        sent.leg(goal, 100, by_joints=by_joints)
    assert sent.fastest() <= CONFIG.tip_speed * FASTER
    assert sent.fastest(since + BRAKED) <= CONFIG.reset_speed * FASTER
    sent.check()


turns = st.lists(st.floats(-1.0, 1.0), min_size=6, max_size=6).map(np.array)


@settings(max_examples=trials(10), deadline=None, phases=PHASES)
@given(st.lists(st.tuples(turns, st.integers(1, 30)), min_size=1, max_size=6), limits)
def test_joints_that_jump_about_are_followed_within_limits_to_the_very_end(
    moves: list[tuple[Float64, int]], given_limits: MotionLimits
) -> None:
    sent = Sent(given_limits, None)
    ends = [
        np.clip(HOME.joints + turn, KINEMATICS.lower + 0.1, KINEMATICS.upper - 0.1)
        for turn, _ in moves
    ]
    for end, (_, samples) in zip(ends, moves, strict=True):
        sent.samples += [sent.follower.push(end) for _ in range(samples)]
    for _ in range(MOST):
        if sent.follower.resting:
            break
        sent.samples.append(sent.follower.push(ends[-1]))
    assert np.array_equal(sent.follower.push(ends[-1]), ends[-1])
    sent.check()


@settings(max_examples=trials(6), deadline=None, phases=PHASES)
@given(st.lists(turns.map(lambda turn: 0.4 * turn), min_size=1, max_size=4), limits)
def test_way_home_never_takes_a_joint_beyond_a_limit(
    by: list[Float64], given_limits: MotionLimits
) -> None:
    here = HOME
    for turn in by:
        here = admit(Target(joints=here.joints + turn), KINEMATICS, CONFIG.limits, here)
    fence = replace(CONFIG.limits, lower=CONFIG.fence_lower, upper=CONFIG.fence_upper)
    try:
        legs = plan(CONFIG, KINEMATICS, here, HOME)
    except RobotFault:
        return
    sent = Sent(given_limits, fence, start=here)
    for leg in legs:
        sent.leg(leg, by_joints=leg.by_joints)
        np.testing.assert_allclose(sent.samples[-1], leg.joints, rtol=0, atol=1e-3)
        np.testing.assert_allclose(sent.tips[-1], leg.tool.position, rtol=0, atol=2e-6)
    sent.check()


def test_wrist_that_turns_over_does_so_within_limits() -> None:
    first, second, third, fourth, fifth, sixth = HOME.joints
    joints = np.array([first, second, third, fourth + np.pi, -fifth, sixth + np.pi])
    here = Admitted(joints=joints, tool=KINEMATICS.forward(joints))
    fence = replace(CONFIG.limits, lower=CONFIG.fence_lower, upper=CONFIG.fence_upper)
    sent = Sent(box=fence, start=here)
    for leg in plan(CONFIG, KINEMATICS, here, HOME):
        sent.leg(leg, by_joints=leg.by_joints)
    sent.check()
    np.testing.assert_allclose(sent.samples[-1], HOME.joints, atol=1e-9)


@pytest.mark.parametrize("step, control_rate", [(0.02, 5.0), (0.01, 10.0)])
def test_steps_of_a_policy_are_followed_closely(step: float, control_rate: float) -> None:
    sent = Sent(config=replace(CONFIG, control_rate=control_rate))
    off, rng = [], np.random.default_rng(0)
    for _ in range(40):
        place = np.clip(
            sent.here.tool.position[:2] + rng.uniform(-step, step, 2), (0.3, -0.1), (0.5, 0.1)
        )
        sent.go(tip(*place), round(100 / control_rate))
        off.append(np.linalg.norm(sent.tips[-1] - sent.here.tool.position))
    sent.check()
    assert np.median(off) < 1e-3


def test_lag_behind_a_steady_point_is_its_way_to_brake_and_half_the_average() -> None:
    speed, start = 0.5, HOME.joints
    sent = Sent(box=None)
    for number in range(1, 200):
        sample = sent.follower.push(start - speed * PERIOD * number * np.eye(6)[0])
    lag = float((sample - start)[0] / -speed)
    wanted = speed / (2 * LIMITS.acceleration) + LIMITS.acceleration / LIMITS.jerk
    assert 199 * PERIOD - lag == pytest.approx(wanted, abs=PERIOD)


def test_arm_at_rest_is_sent_the_very_same_numbers() -> None:
    for tool in (None, HOME.tool):
        follower = Sent().follower
        for _ in range(50):
            assert np.array_equal(follower.push(HOME.joints, tool), HOME.joints)
            assert not follower.refused


def test_straight_way_of_the_tool_is_straight_and_no_faster_than_the_tip_may_be() -> None:
    sent = Sent()
    sent.go(tip(0.3, 0.25))
    start, sent.samples = sent.here.tool.position, sent.samples[-1:] * 4
    sent.go(tip(0.5, -0.25))
    way = sent.here.tool.position - start
    along = (sent.tips - start) @ way / (way @ way)
    np.testing.assert_allclose(sent.tips, start + along[:, None] * way, atol=1e-9)
    steps = np.linalg.norm(np.diff(sent.tips, axis=0), axis=1)
    assert steps.max() <= CONFIG.tip_speed * sent.period * (1 + 1e-6)
    assert steps.max() > 0.9 * CONFIG.tip_speed * sent.period


def test_arm_that_stands_beyond_a_range_comes_home_and_stays_within_it_then() -> None:
    near = Pose(position=np.array([0.17, 0.0, 0.01]), quaternion=DOWN)
    joints = Kinematics(XARM6, CONFIG.tool_length).inverse(near, HOME.joints).joints
    assert (joints > KINEMATICS.upper).any()
    here = Admitted(joints=joints, tool=near)
    fence = replace(CONFIG.limits, lower=CONFIG.fence_lower, upper=CONFIG.fence_upper)
    sent = Sent(box=fence, start=here)
    for leg in plan(CONFIG, KINEMATICS, here, HOME):
        sent.leg(leg, by_joints=leg.by_joints)
    sent.check(upper=np.maximum(KINEMATICS.upper, joints))
    np.testing.assert_allclose(sent.samples[-1], HOME.joints, atol=1e-9)
    back = np.array([sent.follower.push(joints) for _ in range(500)])
    assert (back <= KINEMATICS.upper).all() and sent.follower.refused


def test_way_that_leads_out_of_the_box_ends_before_it_within_limits() -> None:
    sent = Sent()
    into_the_table = np.eye(6)[1]
    for number in range(100):
        sent.samples.append(sent.follower.push(HOME.joints + 0.02 * number * into_the_table))
    assert sent.follower.refused and sent.follower.resting
    sent.check()


@pytest.mark.parametrize("samples", [3, 12, 25, None])
def test_joints_line_that_leads_out_of_a_flat_workspace_is_kept_in_it_also_where_it_ends(
    samples: int | None,
) -> None:
    sent = Sent()
    near = admit(tip(0.48, 0.15), KINEMATICS, CONFIG.limits, HOME)
    line = HOME.joints + np.linspace(0, 1, 20)[:, None] * (near.joints - HOME.joints)
    out = [KINEMATICS.forward(each).position[2] - 0.01 for each in line]
    assert np.abs(out).max() > 1e-3, "joints alone would leave it"
    sent.leg(near, samples, by_joints=True)
    sent.course.stay()
    for _ in range(60):
        sent.samples.append(sent.follower.push(sent.course.next(), sent.course.tool))
    assert sent.follower.resting
    assert np.array_equal(sent.samples[-1], sent.samples[-2])
    sent.check()


def test_from_the_tools_line_to_the_joints_line_it_brakes_first() -> None:
    sent = Sent(box=TALL)
    sent.go(tip(0.3, 0.2), 30)
    assert not sent.follower.resting
    joints = sent.here.joints + radians(5.0) * np.eye(6)[5]
    sent.leg(Admitted(joints=joints, tool=KINEMATICS.forward(joints)), by_joints=True)
    sent.check()
    assert np.array_equal(sent.samples[-1], joints)


def test_wrist_in_line_goes_by_its_joints_where_the_tool_cannot_go_everywhere() -> None:
    joints = np.array([0.0, -0.6, -1.2, 0.3, 0.0, 0.2])
    here = Admitted(joints=joints, tool=KINEMATICS.forward(joints))
    sent = Sent(box=None, start=here)
    there = joints + np.array([0.1, 0.1, -0.1, 0.0, 0.3, 0.0])
    sent.leg(Admitted(joints=there, tool=KINEMATICS.forward(there)))
    sent.check()
    np.testing.assert_allclose(sent.samples[-1], there, atol=1e-9)


def test_sample_beyond_a_limit_is_told_from_one_within() -> None:
    period = 0.01
    even = np.arange(8)[:, None] * LIMITS.speed * period * np.ones(6)
    assert LIMITS.hold(even, period)
    assert not LIMITS.hold(even * 1.001, period)
    bent = np.array([0.0, 0.0, 0.0, 1.0, 3.0])[:, None] * LIMITS.acceleration * period**2
    assert LIMITS.hold(bent, period)
    assert not LIMITS.hold(bent * 1.001, period)
    assert not replace(LIMITS, jerk=1900.0).hold(bent, period)


def test_sample_that_is_no_number_is_within_no_limit() -> None:
    still = np.tile(HOME.joints, (8, 1))
    assert LIMITS.hold(still, PERIOD)
    still[-1, 2] = np.nan
    assert not LIMITS.hold(still, PERIOD)
