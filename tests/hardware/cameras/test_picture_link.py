"""Pictures go from one process to another whole, newest first, and without anything left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ibc_gym.errors import ConfigError
from ibc_gym.hardware.cameras.realsense import RealSenseCamera
from ibc_gym.hardware.rig.cameras.emulator import SoftwareCamera
from ibc_gym.hardware.rig.cameras.picture_link import PicturePublisher, PictureReader
from ibc_gym.records import Float32, UInt8

Plug = Callable[..., SoftwareCamera]
Drive = Callable[..., RealSenseCamera]


def picture(level: int, *, width: int = 64, height: int = 48) -> tuple[UInt8, Float32]:
    return (
        np.full((height, width, 3), level % 256, np.uint8),
        np.full((height, width), level, np.float32),
    )


@pytest.fixture
def publisher() -> PicturePublisher:
    return PicturePublisher(64, 48)


def test_reader_gets_the_newest_once(publisher: PicturePublisher) -> None:
    with publisher, PictureReader(publisher.address) as reader:
        assert (reader.width, reader.height) == (64, 48)
        assert reader() is None
        for level in range(5):
            publisher.publish(*picture(level), time=10.0 + level)
        seen = reader()
        assert seen is not None and seen.time == 14.0
        assert (seen.image == 4).all() and (seen.depth == 4).all()
        assert reader() is None


def test_picture_that_was_read_is_never_changed(publisher: PicturePublisher) -> None:
    with publisher, PictureReader(publisher.address) as reader:
        publisher.publish(*picture(1), time=1.0)
        seen = reader()
        for level in range(2, 9):
            publisher.publish(*picture(level), time=2.0)
        assert seen is not None and (seen.image == 1).all() and (seen.depth == 1).all()


def test_many_readers_see_the_same(publisher: PicturePublisher) -> None:
    with (
        publisher,
        PictureReader(publisher.address) as one,
        PictureReader(publisher.address) as two,
    ):
        publisher.publish(*picture(3), time=1.0)
        for reader in (one, two):
            seen = reader()
            assert seen is not None and seen.image[0, 0, 0] == 3


def test_picture_is_whole_however_fast_they_are_written() -> None:
    width, height, done = 640, 360, threading.Event()
    with PicturePublisher(width, height) as publisher, PictureReader(publisher.address) as reader:

        def write() -> None:
            level = 0
            while not done.is_set():
                level += 1
                publisher.publish(*picture(level, width=width, height=height), time=float(level))

        writer = threading.Thread(target=write)
        writer.start()
        seen, until = [], time.monotonic() + 1.5
        try:
            while time.monotonic() < until:
                if (shown := reader()) is not None:
                    assert (shown.depth == shown.time).all(), "two pictures in one"
                    assert (shown.image == shown.time % 256).all(), "two pictures in one"
                    seen.append(shown.time)
        finally:
            done.set()
            writer.join()
        assert len(seen) > 3 and seen == sorted(set(seen))


def test_wrong_size_is_refused(publisher: PicturePublisher) -> None:
    with publisher, pytest.raises(ConfigError, match="48 x 64"):
        publisher.publish(*picture(1, width=32), time=0.0)


def test_reader_knows_that_it_is_over(publisher: PicturePublisher) -> None:
    reader = PictureReader(publisher.address)
    over = [reader.is_over]
    publisher.close()
    publisher.close()
    over.append(reader.is_over)
    assert reader() is None
    reader.close()
    reader.close()
    assert [*over, reader.is_over] == [False, True, True]


@pytest.mark.parametrize("address", ["/proc/self/fd/99999", "/nowhere"])
def test_nobody_there_is_said(address: str) -> None:
    with pytest.raises(ConfigError, match="Nobody publishes pictures"):
        PictureReader(address)


def test_other_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other"
    path.write_bytes(bytes(4096))
    with pytest.raises(ConfigError, match="holds no pictures"):
        PictureReader(str(path))


RIG = """
import sys, time
from ibc_gym.hardware.rig.cameras.models import D415
from ibc_gym.hardware.rig.cameras.picture_link import PicturePublisher
from ibc_gym.hardware.rig.cameras.pictures import MovingPattern
pattern = MovingPattern(D415.colour_lens(424, 240))
with PicturePublisher(424, 240) as publisher:
    print(publisher.address, flush=True)
    while True:  # the rig, stepping its world
        publisher.publish(*pattern())
        time.sleep(1 / 30)
"""


@pytest.fixture
def rig() -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", RIG], stdout=subprocess.PIPE, text=True)


def test_camera_films_another_process_and_notices_its_death(
    rig: subprocess.Popen[str], plug: Plug, drive: Drive
) -> None:
    try:
        assert rig.stdout is not None
        reader = PictureReader(rig.stdout.readline().strip())
        plug(source=reader)
        camera = drive(depth=True)
        frames = [camera.read() for _ in range(20)]
        taken = np.diff([frame.time for frame in frames])
        assert (taken > 0).all() and np.median(taken) == pytest.approx(1 / 30, abs=0.012)
        assert camera.health.refused == {}
    finally:
        rig.kill()
        rig.wait()
        if rig.stdout is not None:
            rig.stdout.close()
    assert reader.is_over
    assert not os.path.exists(f"/proc/{rig.pid}/fd")
