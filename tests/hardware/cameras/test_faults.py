"""Everything that an emulated camera does wrong, and what the driver makes of it: never a bad picture, and back again."""

from __future__ import annotations

import subprocess
import sys
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
PLAYED: Final = [kind for kind in FAULTS if kind != "unplug"]
"""In this process; a mistake in unplugging would crash it, so that is played in others."""


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


def test_stall_is_cured_by_a_restart_and_a_hang_only_by_a_reset(plug: Plug, drive: Drive) -> None:
    emulated = plug()
    camera = drive()
    camera.read()
    emulated.inject("stall", 0.1)
    time.sleep(0.5)
    camera.wait_until_fresh(3.0)
    steps = dict(camera.health.steps)
    assert steps["restarting"] == 1 and "resetting" not in steps
    emulated.inject("hang", 0.1)
    time.sleep(0.5)
    camera.wait_until_fresh(8.0)
    assert camera.health.steps["resetting"] == 1
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


SCRIPT = """
import faulthandler, sys, time
faulthandler.enable()
from ibc_gym.errors import CameraTimeout
from ibc_gym.hardware.cameras.config import RealSenseConfig
from ibc_gym.hardware.cameras.devices import attached
from ibc_gym.hardware.cameras.ladder import RecoveryConfig
from ibc_gym.hardware.cameras.realsense import RealSenseCamera
from ibc_gym.hardware.rig.cameras.emulator import EmulatedConfig, SoftwareBus, SoftwareCamera
from ibc_gym.hardware.rig.cameras.models import D415
from ibc_gym.hardware.rig.cameras.pictures import MovingPattern

size = {"width": 424, "height": 240}
quick = RecoveryConfig(stale_after=0.15, restart_after=0.3, patience=0.5, reset_timeout=1.0)
bus = SoftwareBus()
pattern = MovingPattern(D415.colour_lens(**size))
emulated = [SoftwareCamera(EmulatedConfig(serial=s, **size), pattern, bus) for s in "12"]
told = {"settle_frames": 8, "depth": True, **size}
patient = RecoveryConfig(restart_after=10.0)
cameras = [
    RealSenseCamera(RealSenseConfig(serial=s, recovery=r, **told), bus=bus)
    for s, r in (("1", quick), ("2", patient))
]

def lost(camera):
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            camera.read()
        except CameraTimeout as error:
            if "is lost" in str(error):
                return str(error)
    return "never"

def end():
    for camera in cameras:
        camera.close()
    bus.close()
"""

UNPLUGGED = {
    "back in time": """
emulated[0].inject("unplug", 0.9)
time.sleep(0.5)
print([device.serial for device in attached(bus)])
cameras[0].wait_until_fresh(5)
cameras[1].wait_until_fresh(5)
steps = cameras[1].health.steps
print([device.serial for device in attached(bus)], cameras[0].health.state, "restarting" in steps)
end()
""",
    "for good": """
emulated[0].inject("unplug", 1e6)
print(lost(cameras[0]))
cameras[1].wait_until_fresh(5)
print(cameras[1].health.state)
end()
""",
    "back too late": """
emulated[0].inject("unplug", 4.0)
lost(cameras[0])
before = cameras[0].health.good
time.sleep(max(0, 4.5 - emulated[0].now + 1.0))
until = time.monotonic() + 10
while "1" not in [device.serial for device in attached(bus)] and time.monotonic() < until:
    time.sleep(0.1)
cameras[0].reopen()
print(cameras[0].read().number > before, cameras[0].health.state, cameras[0].health.steps["lost"])
end()
""",
    "again and again": """
for _ in range(4):
    emulated[0].inject("unplug", 0.2)
    time.sleep(0.9)
    try:
        cameras[0].wait_until_fresh(5)
    except CameraTimeout as error:
        print("is lost" in str(error))
        break
end()
print("ended")
""",
    "left open": """
cameras[0].read()
print("ended")
""",
    "by chance": """
import numpy as np
from ibc_gym.hardware.rig.cameras.faults import random_faults
rng = np.random.default_rng(4)
plan = random_faults(rng, within=15.0, count=8, longest=0.8)
began = time.monotonic()
bad = good = 0
while time.monotonic() - began < 17:
    while plan and plan[0].at < time.monotonic() - began:
        fault, *plan = plan
        emulated[0].inject(fault.kind, fault.duration)
    try:
        frame = cameras[0].read()
    except CameraTimeout as error:
        if "is lost" in str(error):
            while "1" not in [device.serial for device in attached(bus)]:
                time.sleep(0.1)
            cameras[0].reopen()
        continue
    bright = (frame.image[..., 0] > 200) & (frame.image[..., 2] < 80)
    v, u = np.nonzero(bright)
    ages = np.arange(-0.9, 0.9, 0.005)
    off = [np.hypot(*np.subtract(pattern.corner(frame.time - a), (u.min(), v.min()))) for a in ages]
    bad += bool(abs(ages[np.argmin(off)]) > 0.1)
    good += 1
print(bad, good > 30)
end()
""",
    "closed while it is away": """
emulated[0].inject("unplug", 1e6)
time.sleep(0.4)
end()
print("ended")
""",
}


def run(case: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT + UNPLUGGED[case]],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.splitlines()


class TestUnplugged:
    def test_back_in_time_it_goes_on_and_the_other_camera_never_noticed(self) -> None:
        away, back = run("back in time")
        assert away == "['2']"
        assert back == "['1', '2'] ok False"

    def test_for_good_it_is_lost_and_says_what_to_do(self) -> None:
        said, other = run("for good")
        assert "2 restarts and 1 resets did not bring it back" in said
        assert "Unplug it, plug it in again" in said and "What was recorded is kept" in said
        assert other == "ok"

    @pytest.mark.slow
    def test_back_too_late_it_can_be_opened_again(self) -> None:
        assert run("back too late") == ["True ok 1"]

    def test_closed_while_it_is_away_nothing_crashes(self) -> None:
        assert run("closed while it is away")[-1] == "ended"

    def test_program_that_forgets_to_close_ends_well(self) -> None:
        assert run("left open") == ["ended"]

    @pytest.mark.slow
    def test_faults_by_chance_never_make_a_picture_of_another_time(self) -> None:
        assert run("by chance")[-1] == "0 True"

    @pytest.mark.slow
    def test_again_and_again_nothing_crashes(self) -> None:
        assert run("again and again")[-1] == "ended"


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
