"""Everything that an emulated camera does wrong, and what the driver makes of it: never a bad picture, and back again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import pytest

from ibc_gym.errors import CameraTimeout, ConfigError
from ibc_gym.hardware.cameras.freshness import Flaw
from ibc_gym.hardware.cameras.ladder import RecoveryConfig, State
from ibc_gym.hardware.cameras.realsense import RealSenseCamera
from ibc_gym.hardware.cameras.session import Session
from ibc_gym.hardware.rig.cameras.emulator import SoftwareCamera
from ibc_gym.hardware.rig.cameras.faults import (
    FAULTS,
    CameraFault,
    FaultKind,
    FaultPlan,
    random_faults,
)
from ibc_gym.hardware.rig.cameras.models import D415
from ibc_gym.hardware.rig.cameras.pictures import MovingPattern
from ibc_gym.records import Frame

Plug = Callable[..., SoftwareCamera]
Drive = Callable[..., RealSenseCamera]

PATTERN = MovingPattern(D415.colour_lens(424, 240))
PLAYED: Final = [kind for kind in FAULTS if kind not in ("unplug", "stall", "hang")]
"""Those that end by themselves; the others have tests of their own."""


def misdated(frame: Frame) -> float:
    """By how much later a picture says that it was taken than the pattern in it shows [s]."""
    bright = (frame.image[..., 0] > 200) & (frame.image[..., 2] < 80)
    assert bright.any(), "the picture is black"
    v, u = np.nonzero(bright)
    ages = np.arange(-0.9, 0.9, 0.005)  # the pattern takes two seconds
    off = [np.hypot(*np.subtract(PATTERN.corner(frame.time - a), (u.min(), v.min()))) for a in ages]
    return float(ages[int(np.argmin(off))])


def play(camera: RealSenseCamera, seconds: float) -> Iterator[Frame | CameraTimeout]:
    """What reading gives, again and again."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            yield camera.read()
        except CameraTimeout as error:
            yield error


@pytest.mark.parametrize("kind", PLAYED)
def test_no_bad_picture_is_ever_given_and_the_camera_comes_back(
    plug: Plug, drive: Drive, kind: FaultKind
) -> None:
    emulated = plug()
    camera = drive(depth=True)
    camera.read()
    began = emulated.now
    emulated.inject(kind, 0.5)
    numbers, timeouts = [], 0
    for seen in play(camera, 8.0):
        if isinstance(seen, Frame):
            # It was fresh by its time when it was given; so its time must be true.
            assert abs(misdated(seen)) < 0.1
            numbers.append(seen.number)
        else:
            timeouts += 1
        if timeouts and isinstance(seen, Frame) and emulated.now > began + 1.0:
            break
    assert timeouts > 0, "nobody would have noticed"
    assert numbers == sorted(set(numbers))
    camera.wait_until_fresh(3.0)
    assert camera.read() and camera.health.state is State.OK


EXPECTED: Final = {
    "repeat": Flaw.REPEATED,
    "freeze": Flaw.FROZEN,
    "black": Flaw.BLANK,
    "leap": Flaw.STAMP,
    "late": Flaw.LATE,
}


@pytest.mark.parametrize("kind", EXPECTED)
def test_flaw_is_told_apart_and_counted(plug: Plug, drive: Drive, kind: FaultKind) -> None:
    emulated = plug()
    camera = drive(recovery=RecoveryConfig(restart_after=30.0))
    camera.read()
    emulated.inject(kind, 0.7)
    time.sleep(1.0)
    camera.wait_until_fresh(5.0)
    assert camera.health.refused[EXPECTED[kind]] >= 2
    assert camera.health.state is State.OK


def test_late_pictures_are_not_taken_for_fresh_after_a_restart(plug: Plug, drive: Drive) -> None:
    emulated = plug()
    camera = drive()
    camera.read()
    emulated.inject("late", 1.5)
    given = [seen for seen in play(camera, 2.2) if isinstance(seen, Frame)]
    assert camera.health.steps["restarting"] >= 1
    assert max(abs(misdated(frame)) for frame in given) < 0.1


def test_stall_is_cured_by_a_restart_and_a_hang_only_by_a_reset(plug: Plug, drive: Drive) -> None:
    emulated = plug()
    # Patient, so that a busy machine, late with its first pictures, is no camera that needs another step.
    camera = drive(recovery=RecoveryConfig(stale_after=0.15, restart_after=0.3, patience=2.5))
    camera.read()
    emulated.inject("stall", 0.1)
    time.sleep(0.5)
    camera.wait_until_fresh(10.0)
    steps = dict(camera.health.steps)
    assert steps["restarting"] == 1 and "resetting" not in steps
    emulated.inject("hang", 0.1)
    time.sleep(0.5)
    camera.wait_until_fresh(20.0)
    assert camera.health.steps["restarting"] == 2 and camera.health.steps["resetting"] == 1
    assert camera.health.steps["hung"] == 0


def test_library_that_hangs_is_left_behind_and_counted(
    plug: Plug, drive: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulated, never, stop = plug(), threading.Event(), Session.stop

    def hang(session: Session) -> None:
        stop(session)
        never.wait()

    quick = RecoveryConfig(restart_after=0.3, stop_timeout=0.2)
    camera = drive(recovery=quick)
    camera.read()
    with monkeypatch.context() as patch:
        patch.setattr(Session, "stop", hang)
        emulated.inject("stall", 0.1)
        time.sleep(0.5)
        camera.wait_until_fresh(5.0)
    never.set()
    assert camera.health.steps["hung"] >= 1
    assert camera.health.state is State.OK


def test_complaint_says_what_is_done_and_what_to_do(plug: Plug, drive: Drive) -> None:
    emulated = plug()
    camera = drive(name="front")
    camera.read()
    emulated.inject("freeze", 5.0)
    time.sleep(0.25)
    with pytest.raises(CameraTimeout) as raised:
        camera.read()
    said = str(raised.value)
    assert "Camera 'front' (serial 1) has given no fresh picture for 0." in said
    assert "frozen picture" in said and "What was recorded is kept." in said and "cable" in said


def test_half_pairs_that_the_library_makes_are_never_given(plug: Plug, drive: Drive) -> None:
    emulated = plug()
    camera = drive(depth=True)
    until = time.monotonic() + 1.5
    while time.monotonic() < until:
        emulated.inject("half", 0.04)
        try:
            frame = camera.read()
        except CameraTimeout:
            continue
        assert frame.depth is not None
        bright = (frame.image[..., 0] > 200) & (frame.image[..., 2] < 80)
        inside = frame.depth[bright & (frame.depth > 0)]
        assert (inside < 0.6).mean() > 0.9, "depth of another moment"


class TestPlan:
    def test_same_seed_draws_the_same_faults(self) -> None:
        drawn = [random_faults(np.random.default_rng(3), within=60, count=20) for _ in range(2)]
        assert drawn[0] == drawn[1] and len(drawn[0]) == 20
        assert all(0 <= fault.at < 60 and fault.duration <= 2 for fault in drawn[0])

    def test_faults_come_and_go_by_script(self) -> None:
        plan = FaultPlan(
            [
                CameraFault(kind="black", at=1.0, duration=0.5),
                CameraFault(kind="late", at=1.2, duration=1.0),
            ]
        )
        seen = [sorted(plan.active(now)) for now in (0.9, 1.1, 1.3, 1.6, 2.3)]
        assert seen == [[], ["black"], ["black", "late"], ["late"], []]

    def test_hang_waits_for_its_cure_and_a_later_one_stays_in_the_script(self) -> None:
        hangs = [CameraFault(kind="hang", at=at, duration=0.1) for at in (1.0, 9.0)]
        plan = FaultPlan(hangs)
        assert plan.active(5.0) == {"hang"}
        plan.streams_started()
        assert plan.active(6.0) == {"hang"}
        plan.device_reset()
        assert plan.active(7.0) == set()
        assert plan.active(9.5) == {"hang"}

    @pytest.mark.parametrize(
        "told",
        [
            {"kind": "melt", "at": 0.0, "duration": 1.0},
            {"kind": "drop", "at": 0.0, "duration": 0.0},
        ],
    )
    def test_fault_that_makes_no_sense_is_refused(self, told: dict[str, object]) -> None:
        with pytest.raises(ConfigError):
            CameraFault(**told)  # type: ignore[arg-type]
