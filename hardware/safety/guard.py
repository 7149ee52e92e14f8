"""Brings targets within `SafetyLimits`, one after another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import sqrt
from typing import Final

import numpy as np

from ibc_gym import geometry
from ibc_gym.errors import ConfigError, SpecMismatch
from ibc_gym.kinematics import CLOSE_ENOUGH, Kinematics, points_down
from ibc_gym.records import Float64, Pose, RobotLimits, RobotState, Target

from .limits import (
    ROUNDING,
    SafetyLimits,
    angle_between,
    brought_within,
    share_of_way,
    shortened,
    tilt_of,
    upright,
    within,
)

HALVINGS: Final = 12
"""How finely the share of a way of joints is found that keeps the tool where it may be."""
SAVED: Final = 6


class Guard:
    """The limits, and what of the last targets they speak of."""

    def __init__(
        self, limits: SafetyLimits, robot: RobotLimits, kinematics: Kinematics | None
    ) -> None:
        """Hold limits for a robot that has its own.

        Raises:
            ConfigError: They need the arm's kinematics, and they are not given.
        """
        self.limits = limits
        self._robot, self._period = robot, robot.control_period
        self._kinematics = kinematics
        self._normals, self._offsets = limits.faces()
        self._velocity: Float64 = np.zeros(3)
        self._last: Float64 = np.full(3, np.nan)
        if limits.joint_margin is not None and kinematics is None:
            raise ConfigError("SafetyLimits.joint_margin needs the arm's kinematics.")
        self._roomy = _with_margin(kinematics, limits.joint_margin)

    def begin(self, state: RobotState) -> None:
        """An episode begins here, at rest.

        Raises:
            ConfigError: The robot is commanded to a place where the limits do not let it be.
        """
        self._velocity = np.zeros(3)
        tool = state.target.tool
        self._last = np.full(3, np.nan) if tool is None else tool.position.copy()
        if tool is not None and (why := self._forbids(tool)):
            raise ConfigError(f"The robot's home is not within its safety limits: {why}.")

    def check_home(self, home: Target) -> None:
        """Refuse a home that the limits do not let the robot be at.

        Raises:
            SpecMismatch: It is one.
        """
        pose = (
            self._pose_of(home) if self.limits.binds_tool or self.limits.tilt is not None else None
        )
        if pose is not None and (why := self._forbids(pose)):
            raise SpecMismatch(f"The home is not within the safety limits: {why}. Nothing moves.")

    def allowed(self, target: Target, state: RobotState) -> Target:
        """The target itself if it may be sent, else the nearest found that may; where there is none, that in force."""
        if target.tool is not None:
            return self._tool_allowed(target, state)
        if target.joints is not None:
            return self._joints_allowed(target, state)
        return target  # neither: the robot's own error says so better

    def within_room(self, target: Target, state: RobotState) -> Target:
        """A place where a robot was measured, brought to where its tool may be; how it comes to rest there bounds nothing."""
        tool, before = target.tool, state.target.tool
        if tool is None or before is None:
            return target
        place, turn = self._within_room(tool), tool.quaternion
        if not within(place, self._normals, self._offsets):
            place = brought_within(place, before.position, self._normals, self._offsets)
        if self.limits.tilt is not None:
            turn = upright(turn, self.limits.tilt)
        unchanged = place is tool.position and turn is tool.quaternion
        return target if unchanged else Target(tool=Pose(position=place, quaternion=turn))

    def stands(self) -> None:
        """What was sent last is where the robot stands: from there it begins to move anew."""
        self._velocity = np.zeros(3)

    def sent(self, target: Target) -> None:
        """Remember what is really sent."""
        pose = target.tool
        if pose is None and target.joints is not None and self._kinematics is not None:
            pose = self._kinematics.forward(target.joints)
        if pose is None:
            return
        if np.isfinite(self._last).all():
            self._velocity = (pose.position - self._last) / self._period
        self._last = pose.position.copy()

    def save(self) -> Float64:
        """Last commanded place and velocity of the tip, (SAVED,)."""
        return np.concatenate([self._last, self._velocity])

    def restore(self, saved: Float64) -> None:
        """Go on from what `save` gave."""
        self._last, self._velocity = saved[:3].copy(), saved[3:].copy()

    def _tool_allowed(self, target: Target, state: RobotState) -> Target:
        wanted, before = target.tool, state.target.tool
        assert wanted is not None
        if before is None or state.tool is None:
            raise ConfigError("Safety limits of a tool need a robot that says where its tool is.")
        place = self._within_room(wanted)
        position = self._place(place, before.position, state.tool.position)
        quaternion = self._orientation(wanted.quaternion, before.quaternion)
        if position is not wanted.position or quaternion is not wanted.quaternion:
            target = Target(tool=Pose(position=position, quaternion=quaternion))
        if self.limits.joint_margin is not None and not self._joints_have_room(target, state):
            return Target(tool=before)
        return target

    def _within_room(self, wanted: Pose) -> Float64:
        """Where an upright tool may go with joints that keep their margin, (3,) [m]; the very array, if it may go there.

        It is the robot's own way to its workspace and along the end of its reach, so that the margin changes nothing else.
        """
        place = wanted.position
        if self._roomy is None or not points_down(wanted.quaternion):
            return place
        inside = np.clip(place, self._robot.lower, self._robot.upper)
        return self._roomy.within_reach(place if np.array_equal(inside, place) else inside)

    def _place(self, wanted: Float64, before: Float64, measured: Float64) -> Float64:
        """The place (3,) [m] that may be commanded; `wanted` itself, the very array, if it may."""
        limits, place = self.limits, wanted
        if not within(place, self._normals, self._offsets):
            place = brought_within(wanted, before, self._normals, self._offsets)
        if limits.acceleration is not None:
            change = (place - before) / self._period - self._velocity
            allowed = shortened(change, limits.acceleration * self._period)
            if allowed is not change:
                place = before + (self._velocity + allowed) * self._period
        if limits.speed is not None:
            way = place - before
            allowed = shortened(way, limits.speed * self._period)
            place = place if allowed is way else before + allowed
        if limits.step is not None:
            place = _near(place, before, measured, limits.step)
        if place is not wanted and not within(place, self._normals, self._offsets):
            share = share_of_way(before, place, self._normals, self._offsets)
            place = before + share * (place - before)
        return place

    def _orientation(self, wanted: Float64, before: Float64) -> Float64:
        """The orientation that may be commanded, wxyz; `wanted` itself, the very array, if it may."""
        limits, turned = self.limits, wanted
        if limits.tilt is not None:
            turned = upright(turned, limits.tilt)
        if limits.turning_speed is not None:
            angle, most = angle_between(before, turned), limits.turning_speed * self._period
            if angle > most + ROUNDING:
                turned = geometry.turned_towards(before, turned, most / angle)
                if (
                    limits.tilt is not None
                ):  # the shortest way between two tilted tools may lead over a steeper one
                    turned = upright(turned, limits.tilt)
        return turned

    def _joints_allowed(self, target: Target, state: RobotState) -> Target:
        limits, wanted = self.limits, target.joints
        assert wanted is not None
        if wanted.shape != state.joints.shape:
            raise SpecMismatch(
                f"The robot has joints {state.joints.shape}, not {wanted.shape}; nothing was sent."
            )
        before = state.joints if state.target.joints is None else state.target.joints
        joints = wanted
        if limits.joint_margin is not None and self._kinematics is not None:
            clipped = np.clip(joints, *self._range())
            joints = joints if np.array_equal(clipped, joints) else clipped
        if limits.joint_speed is not None:
            way, most = joints - before, limits.joint_speed * self._period
            if np.abs(way).max() > most:
                joints = before + way * (most / np.abs(way).max())
        if limits.binds_tool or limits.tilt is not None or limits.turning_speed is not None:
            joints = self._with_tool_allowed(joints, before, state)
        return target if joints is wanted else Target(joints=joints)

    def _with_tool_allowed(self, joints: Float64, before: Float64, state: RobotState) -> Float64:
        """Joints as far on the way to `joints` as the limits of the tool allow."""
        if self._kinematics is None:
            raise ConfigError(
                "Safety limits of the tool need the arm's kinematics where joints are commanded."
            )
        kinematics = self._kinematics
        start = kinematics.forward(before)
        measured = state.tool or start

        def fits(share: float) -> bool:
            pose = kinematics.forward(before + share * (joints - before))
            return self._may_go(start, pose, measured)

        return joints if fits(1.0) else before + _largest(fits) * (joints - before)

    def _may_go(self, before: Pose, there: Pose, measured: Pose) -> bool:
        place = self._place(there.position, before.position, measured.position)
        turn = self._orientation(there.quaternion, before.quaternion)
        return place is there.position and turn is there.quaternion

    def _joints_have_room(self, target: Target, state: RobotState) -> bool:
        assert self._kinematics is not None and target.tool is not None
        near = state.joints if state.target.joints is None else state.target.joints
        found = self._kinematics.inverse(target.tool, near)
        lower, upper = self._range()
        inside = (found.joints >= lower - ROUNDING) & (found.joints <= upper + ROUNDING)
        return found.error <= CLOSE_ENOUGH and bool(inside.all())

    def _range(self) -> tuple[Float64, Float64]:
        assert self._kinematics is not None and self.limits.joint_margin is not None
        margin = self.limits.joint_margin
        return self._kinematics.lower + margin, self._kinematics.upper - margin

    def _pose_of(self, target: Target) -> Pose | None:
        if target.tool is None and target.joints is not None and self._kinematics is not None:
            return self._kinematics.forward(target.joints)
        return target.tool

    def _forbids(self, pose: Pose) -> str | None:
        """Why the tool may not be at a pose; None if it may."""
        if not within(pose.position, self._normals, self._offsets, slack=1e-6):
            where = ", ".join(f"{number:.4f}" for number in pose.position)
            return f"the tool tip at ({where}) m is outside of workspace or height band"
        tilt = self.limits.tilt
        if tilt is not None and tilt_of(pose.quaternion) > tilt + 1e-6:
            return f"the tool is tilted by {tilt_of(pose.quaternion):.3f} rad, of which {tilt:.3f} are allowed"
        return None


def _with_margin(kinematics: Kinematics | None, margin: float | None) -> Kinematics | None:
    """An arm whose joints end so much earlier [rad]; None without a margin."""
    if kinematics is None or margin is None:
        return None
    joints = tuple(
        replace(joint, lower=joint.lower + margin, upper=joint.upper - margin)
        for joint in kinematics.arm.joints
    )
    return Kinematics(replace(kinematics.arm, joints=joints), kinematics.tool_length)


def _near(place: Float64, before: Float64, measured: Float64, step: float) -> Float64:
    """The furthest point of the way from `before` to `place` that is within `step` of `measured`; `place` if it is."""
    if float(np.linalg.norm(place - measured)) <= step:
        return place
    if float(np.linalg.norm(before - measured)) > step:
        return before  # the robot lags behind already: it is waited for
    way, back = place - before, before - measured
    a, b, c = float(way @ way), float(way @ back), float(back @ back) - step**2
    share = (-b + sqrt(max(b * b - a * c, 0.0))) / a
    return before + share * way


def _largest(fits: Callable[[float], bool]) -> float:
    """The largest share, 0 to 1, found to fit by halving; 0 always does, since nothing changes."""
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low
