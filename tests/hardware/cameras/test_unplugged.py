"""Cameras that are unplugged, and come back or do not; in processes of their own, for a mistake there crashes them."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import faulthandler, sys, time
faulthandler.enable()
from ibc_gym.errors import CameraTimeout
from ibc_gym.hardware.cameras.config import RealSenseConfig
from ibc_gym.hardware.cameras.devices import attached
from ibc_gym.hardware.cameras.ladder import RecoveryConfig
from ibc_gym.hardware.cameras.realsense import RealSenseCamera
from ibc_gym.hardware.rig.cameras.bus import SoftwareBus
from ibc_gym.hardware.rig.cameras.emulator import EmulatedConfig, SoftwareCamera
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
