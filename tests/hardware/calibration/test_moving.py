"""The arm goes slowly, stands still before a picture, and is stopped first when something is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from ibc_gym.envs.tasks.real_stage import board_camera
from ibc_gym.errors import CameraTimeout, ConfigError, RobotFault
from ibc_gym.hardware.calibration.moving import STILL, Mover
from ibc_gym.records import CameraSpec, Frame, Pose, RobotLimits, RobotState, Target

PERIOD = 0.1


class Arm:
    """Follows joint targets at once, then swings for a while; notes what it was told and whether it was stopped."""

    limits = RobotLimits(control_period=PERIOD, lower=(-9.0,) * 3, upper=(9.0,) * 3)

    def __init__(self, *, swings: int = 0, limit: float = 9.0, short: float = 0.0) -> None:
        self.joints = np.zeros(6)
        self.sent: list[np.ndarray] = []
        self.time = 0.0
        self.stopped = False
        self.breaks: Callable[[], None] = lambda: None
        self._swings, self._limit, self._short = swings, limit, short
        self._moved_at = -1.0

    def reset(self, home: Target | None = None) -> None: ...

    def observe(self) -> RobotState:
        since = self.time - self._moved_at
        swing = 0.01 if since < self._swings * PERIOD else 0.0
        return RobotState(
            time=self.time,
            joints=self.joints.copy(),
            joint_velocities=np.full(6, swing),
            tool=Pose(position=np.zeros(3)),
            target=Target(joints=self.joints + self._short),
        )

    def command(self, target: Target) -> Target:
        assert target.joints is not None
        sent = np.clip(target.joints, -self._limit, self._limit)
        if np.abs(sent - self.joints - self._short).max() > 1e-12:
            self._moved_at = self.time + PERIOD
        self.joints = sent - self._short
        self.sent.append(sent)
        return Target(joints=sent)

    def advance(self) -> None:
        self.breaks()
        self.time += PERIOD

    def stop(self) -> None:
        self.stopped = True

    def close(self) -> None: ...


class Eye:
    """Shows pictures that are so old."""

    def __init__(self, arm: Arm, age: float) -> None:
        self._arm, self._age, self.number = arm, age, 0

    @property
    def spec(self) -> CameraSpec:
        return board_camera((36, 64))

    def read(self) -> Frame:
        self.number += 1
        image = np.zeros((36, 64, 3), np.uint8)
        return Frame(image=image, time=self._arm.time - self._age, number=self.number)

    def close(self) -> None: ...


THERE = np.array([0.3, -0.5, 0.2, 0.0, 1.0, -0.4])


def test_no_joint_is_faster_than_it_may_be() -> None:
    arm = Arm()
    state = Mover(arm, speed=0.4).go(THERE)
    np.testing.assert_allclose(state.joints, THERE)
    steps = np.diff([np.zeros(6), *arm.sent], axis=0)
    assert 0.9 * 0.4 < np.abs(steps).max() / PERIOD <= 0.4 * (1 + 1e-9)
    assert np.abs(steps[0]).max() < np.abs(steps).max() / 2, "it begins slowly"


@pytest.mark.parametrize("swings", [0, 7])
def test_arm_has_stood_still_before_it_counts_as_there(swings: int) -> None:
    arm = Arm(swings=swings)
    Mover(arm, speed=1.0).go(THERE)
    assert arm.time - arm._moved_at >= swings * PERIOD + STILL - 1e-9


def test_limit_that_changes_a_target_stops_the_arm() -> None:
    arm = Arm(limit=0.6)
    with pytest.raises(ConfigError, match="limits changed a target"):
        Mover(arm).go(THERE)
    assert arm.stopped


def test_arm_that_never_rests_is_stopped() -> None:
    arm = Arm(swings=1000)
    with pytest.raises(RobotFault, match="did not come to rest within 10 s"):
        Mover(arm).go(THERE)
    assert arm.stopped


def test_arm_that_is_held_elsewhere_is_stopped() -> None:
    arm = Arm(short=0.02)
    with pytest.raises(RobotFault, match=r"0.020 rad from where it was sent"):
        Mover(arm).go(THERE)
    assert arm.stopped


def test_fault_on_the_way_stops_the_arm_and_is_told() -> None:
    arm = Arm()

    def fault() -> None:
        if arm.time > 0.5:
            raise RobotFault("Collision.")

    arm.breaks = fault
    with pytest.raises(RobotFault, match="Collision"):
        Mover(arm).go(THERE)
    assert arm.stopped


def test_picture_from_before_the_arm_stood_still_is_not_taken() -> None:
    arm = Arm()
    eye = Eye(arm, age=0.35)
    mover = Mover(arm)
    mover.go(THERE)
    there = arm.time
    frame, _ = mover.picture(eye)
    assert frame.time >= there and eye.number > 1


def test_camera_with_another_clock_is_given_up() -> None:
    arm = Arm()
    with pytest.raises(CameraTimeout, match="do robot and camera have one clock"):
        Mover(arm).picture(Eye(arm, age=1e6))


def test_robot_without_joint_targets_starts_from_where_it_stands() -> None:
    arm = Arm()
    arm.joints = THERE.copy()
    told = arm.observe
    arm.observe = lambda: replace(told(), target=Target(tool=told().tool))  # type: ignore[method-assign]
    Mover(arm, speed=0.4).go(THERE + 0.01)
    assert np.abs(arm.sent[0] - THERE).max() < 0.011


class Faltering(Eye):
    """Gives no picture for a while."""

    def __init__(self, arm: Arm, misses: int) -> None:
        super().__init__(arm, age=0.0)
        self.misses = misses

    def read(self) -> Frame:
        self.misses -= 1
        if self.misses >= 0:
            raise CameraTimeout("Camera 'front' is restarted.")
        return super().read()


def test_camera_that_falters_is_waited_for_while_the_arm_is_told_to_stand() -> None:
    arm = Arm()
    Mover(arm).go(np.full(6, 0.1))
    sent = len(arm.sent)
    Mover(arm).picture(Faltering(arm, misses=7))
    assert len(arm.sent) == sent + 7 and all(np.allclose(each, 0.1) for each in arm.sent[sent:])


def test_camera_that_does_not_come_back_is_told_in_its_own_words() -> None:
    with pytest.raises(CameraTimeout, match="is restarted"):
        Mover(Arm()).picture(Faltering(Arm(), misses=10_000))
