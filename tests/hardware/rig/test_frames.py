"""The vendor's frames: whatever is put into one comes out of it, however the network cuts it."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xarm.core.utils import bytes_data

from ibc_gym import geometry
from ibc_gym.hardware.rig import frames
from ibc_gym.hardware.rig.frames import FrameError, Request
from ibc_gym.records import Pose

BytesData: Any = bytes_data.BytesData
"""How the client reads and writes."""

requests = st.builds(
    Request,
    transaction=st.integers(0, 65535),
    protocol=st.sampled_from(frames.PROTOCOLS),
    register=st.integers(0, 255),
    parameters=st.binary(max_size=200),
)
angles = st.floats(-3.1, 3.1)
singles = st.floats(width=32)


@given(sent=st.lists(requests, max_size=6), cuts=st.lists(st.integers(1, 40), max_size=40))
def test_requests_come_out_as_they_went_in_however_they_are_cut(
    sent: list[Request], cuts: list[int]
) -> None:
    stream = b"".join(frames.encode_request(request) for request in sent)
    heard: list[Request] = []
    unread = b""
    for cut in [*cuts, len(stream) + 1]:
        part, stream = stream[:cut], stream[cut:]
        whole, unread = frames.decode_requests(unread + part)
        heard += whole
    assert (heard, unread) == (sent, b"")


@given(sent=requests)
def test_signs_of_life_are_dropped(sent: Request) -> None:
    alive = bytes([0, 0, 0, 1, 0, 2, 0, 0])
    whole, unread = frames.decode_requests(alive + frames.encode_request(sent) + alive + alive[:5])
    assert (whole, unread) == ([sent], alive[:5])


@pytest.mark.parametrize(
    "header", [b"\0\1\0\7\0\1\x0d", b"\0\1\0\2\xff\xff\x0d", b"\0\1\0\2\0\0\x0d", b"GET / HTTP/1.1"]
)
def test_another_protocol_is_not_read_on(header: bytes) -> None:
    with pytest.raises(FrameError):
        frames.decode_requests(header)


@given(request=requests, status=st.integers(0, 255), body=st.binary(max_size=600))
def test_replies_come_out_as_they_went_in(request: Request, status: int, body: bytes) -> None:
    reply = frames.encode_reply(request, status, body)
    assert frames.decode_reply(reply) == (request.transaction, status, body)
    assert reply[6] == request.register


@given(request=requests, cut=st.integers(1, 7))
def test_reply_that_is_not_whole_is_an_error(request: Request, cut: int) -> None:
    with pytest.raises(FrameError):
        frames.decode_reply(frames.encode_reply(request, 0, b"body")[:-cut])


@given(numbers=st.lists(singles, max_size=20))
def test_numbers_are_those_that_the_client_reads_and_writes(numbers: list[float]) -> None:
    data = frames.floats(numbers)
    assert data == bytes(BytesData.from_fp32_list(numbers, len(numbers)))
    assert frames.read_floats(data, len(numbers)) == pytest.approx(numbers, nan_ok=True)
    with pytest.raises(FrameError):
        frames.read_floats(data, len(numbers) + 1)


@given(numbers=st.lists(st.integers(-(1 << 31), (1 << 31) - 1), max_size=8))
def test_integers_are_those_that_the_client_writes(numbers: list[int]) -> None:
    data = bytes(BytesData.from_s32_list(numbers, len(numbers), is_big_endian=False))
    assert frames.read_integers(data, len(numbers)) == numbers


@given(numbers=st.lists(st.integers(-(1 << 15), (1 << 15) - 1), max_size=8))
def test_words_are_those_that_the_client_reads(numbers: list[int]) -> None:
    assert list(BytesData.to_s16_list(frames.words(numbers), len(numbers))) == numbers


@given(
    position=st.tuples(*[st.floats(-2, 2)] * 3),
    turn=st.tuples(angles, st.floats(-1.5, 1.5), angles),
    axis_angle=st.booleans(),
)
def test_pose_goes_to_the_wire_and_back(
    position: tuple[float, ...], turn: tuple[float, ...], axis_angle: bool
) -> None:
    quaternion = geometry.quaternion(frames.turn_of(np.array(turn), False))
    pose = Pose(position=np.array(position), quaternion=quaternion)
    write = frames.pose_aa if axis_angle else frames.pose
    numbers = np.array(write(geometry.matrix(pose)))
    assert numbers[:3] == pytest.approx([1000 * part for part in position])
    back = frames.read_pose(numbers, axis_angle=axis_angle)
    assert back.position == pytest.approx(pose.position)
    assert abs(float(back.quaternion @ pose.quaternion)) == pytest.approx(1.0)


@given(turn=st.tuples(angles, st.sampled_from([-math.pi / 2, math.pi / 2]), angles))
def test_pose_at_the_pole_of_its_angles_goes_to_the_wire_and_back(turn: tuple[float, ...]) -> None:
    quaternion = geometry.quaternion(frames.turn_of(np.array(turn), False))
    pose = Pose(position=np.zeros(3), quaternion=quaternion)
    back = frames.read_pose(np.array(frames.pose(geometry.matrix(pose))))
    assert abs(float(back.quaternion @ quaternion)) == pytest.approx(1.0)


def test_pose_that_is_no_number_stays_so() -> None:
    pose = frames.read_pose(np.array([1.0, math.inf, math.nan, math.nan, 0, 0]))
    assert pose.position[0] == 0.001 and math.isinf(pose.position[1])
    assert np.isnan(pose.quaternion).all()


def test_signalling_nan_is_read_like_any_other() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        [value] = frames.read_floats(b"\0\0\x81\x7f", 1)
    assert math.isnan(value)


def test_notice_lies_where_the_client_looks() -> None:
    notice = frames.encode_notice(0x0102, 3, frames.FINISHED, frames.FAILURE)
    assert (notice[:2], notice[6], notice[8], notice[12]) == (b"\1\2", 0xFF, 2, 1)
    assert len(notice) == 6 + int.from_bytes(notice[4:6], "big")
