"""Report frames: cut however they arrive, read as they are, refused when they make no sense."""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ibc_gym.hardware.arm.frames import BadFrame, Cutter, motion_of, setup_of
from ibc_gym.hardware.rig.core import Core
from ibc_gym.hardware.rig.kinematic_arm import KinematicArm
from ibc_gym.hardware.rig.reports import RICH, report
from ibc_gym.records import Target

SIZE = 135
bodies = st.binary(min_size=SIZE - 4, max_size=SIZE - 4)


def framed(body: bytes) -> bytes:
    return (len(body) + 4).to_bytes(4, "big") + body


@given(st.lists(bodies, min_size=1, max_size=5), st.lists(st.integers(0, 700), max_size=12))
def test_frames_come_out_whole_however_they_are_cut(sent: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(map(framed, sent))
    cutter, found = Cutter(), []
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    for start, end in pairwise(edges):
        found += cutter.feed(stream[start:end])
    assert found == [framed(body) for body in sent]


@given(bodies)
def test_frame_of_another_size_is_refused(body: bytes) -> None:
    cutter = Cutter()
    cutter.feed(framed(body))
    with pytest.raises(BadFrame, match="those before had 135"):
        cutter.feed(framed(body + b"x"))


@pytest.mark.parametrize("size", [0, 4, 86, 5000, 2**31])
def test_impossible_size_is_refused(size: int) -> None:
    with pytest.raises(BadFrame, match=str(size)):
        Cutter().feed(size.to_bytes(4, "big"))


@given(
    st.lists(st.floats(-6.25, 6.25, width=32), min_size=7, max_size=7),
    st.integers(0, 9),
    st.integers(0, 11),
)
def test_head_is_read_as_the_vendor_writes_it(joints: list[float], state: int, mode: int) -> None:
    frame = framed(bytes([state | mode << 4]) + bytes(2) + struct.pack("<7f", *joints) + bytes(97))
    motion = motion_of(frame, 12.5)
    assert (motion.state, motion.mode, motion.time) == (state, mode, 12.5)
    assert np.array_equal(motion.joints, joints[:6])


def test_joints_that_are_no_numbers_are_refused() -> None:
    frame = framed(bytes(3) + struct.pack("<7f", *[float("nan")] * 7) + bytes(97))
    with pytest.raises(BadFrame, match="nan"):
        motion_of(frame, 0.0)


def test_short_frames_are_refused() -> None:
    with pytest.raises(BadFrame, match="50 bytes"):
        motion_of(bytes(50), 0.0)
    with pytest.raises(BadFrame, match="145 bytes"):
        setup_of(bytes(145), 0.0)


def rich(**changes: Any) -> bytes:
    """A whole rich report of an emulated controller, after something was changed there."""
    robot = KinematicArm()
    robot.reset(Target(joints=np.zeros(6)))
    core = Core(robot)
    for name, value in changes.items():
        setattr(core.configuration, name, value)
    core.machine.enable(8, True)
    return report(core, RICH)


def test_report_that_goes_no_further_than_is_read_says_the_same_as_a_whole_one() -> None:
    whole = rich(simulated=True, joint_acceleration=7.0, load_mass=0.5)
    for size in (315, 417, 574, len(whole)):
        setup = setup_of(whole[:size], 0.0)
        assert setup.simulated and setup.enabled
        assert (setup.joint_acceleration, setup.payload) == (7.0, 0.5)
    with pytest.raises(BadFrame, match="314 bytes instead of 315"):
        setup_of(whole[:314], 0.0)


@pytest.mark.parametrize("byte", [87, 88], ids=["brake", "power"])
@pytest.mark.parametrize("joint", range(6))
def test_one_joint_with_its_brake_on_or_without_power_is_not_enabled(joint: int, byte: int) -> None:
    frame = bytearray(rich())
    assert setup_of(bytes(frame), 0.0).enabled
    frame[byte] &= ~(1 << joint)
    assert not setup_of(bytes(frame), 0.0).enabled
