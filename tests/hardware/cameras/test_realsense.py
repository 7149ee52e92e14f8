"""The driver over the vendor's own pipeline, fed by software devices."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ibc_gym.contracts import Camera
from ibc_gym.errors import CameraTimeout, ConfigError
from ibc_gym.hardware.cameras.clock import WRAP
from ibc_gym.hardware.cameras.config import CameraOptions, CameraPose, RealSenseConfig
from ibc_gym.hardware.cameras.ladder import State
from ibc_gym.hardware.cameras.library import rs
from ibc_gym.hardware.cameras.options import apply
from ibc_gym.hardware.cameras.realsense import RealSenseCamera
from ibc_gym.hardware.rig.cameras.bus import SoftwareBus
from ibc_gym.hardware.rig.cameras.emulator import EmulatedConfig, SoftwareCamera
from ibc_gym.hardware.rig.cameras.models import D415, lens_of
from ibc_gym.hardware.rig.cameras.pictures import MovingPattern
from ibc_gym.records import CameraSpec, Frame
from ibc_gym.testing import CameraContract

Plug = Callable[..., SoftwareCamera]
Drive = Callable[..., RealSenseCamera]

PATTERN = MovingPattern(D415.colour_lens(424, 240))


def square(frame: Frame) -> tuple[int, int]:
    """Upper left corner (u, v) of the bright square in the picture [px]."""
    bright = (frame.image[..., 0] > 200) & (frame.image[..., 2] < 80)
    v, u = np.nonzero(bright)
    return int(u.min()), int(v.min())


def clock_error(frame: Frame) -> float:
    """By how much later the picture says that it was taken than the pattern in it shows, at least [s]."""
    u, v = square(frame)
    ages = np.arange(-0.5, 0.5, 0.001)  # the pattern takes two seconds
    off = [np.hypot(*np.subtract(PATTERN.corner(frame.time - age), (u, v))) for age in ages]
    fitting = ages[np.asarray(off) <= min(off) + 1]
    return float(fitting[np.abs(fitting).argmin()])


class Owning:
    """A driver together with the emulated camera below it."""

    def __init__(self) -> None:
        self.bus = SoftwareBus()
        config = EmulatedConfig(serial="1", width=424, height=240)
        SoftwareCamera(config, PATTERN, self.bus)
        wanted = RealSenseConfig(serial="1", width=424, height=240, depth=True, settle_frames=12)
        self.camera = RealSenseCamera(wanted, bus=self.bus)
        self.spec = self.camera.spec
        self.read = self.camera.read

    def close(self) -> None:
        self.camera.close()
        self.bus.close()


class TestContract(CameraContract):
    """`ibc_gym.contracts.Camera`, as every camera keeps it."""

    def make(self) -> Camera:
        return Owning()


class TestPictures:
    def test_spec_is_what_the_device_says(self, plug: Plug, drive: Drive) -> None:
        lens = plug().lens
        pose = CameraPose(position=(0.1, 0.2, 0.9), quaternion=(0.0, 1.0, 0.0, 0.0))
        spec = drive(name="front", pose=pose).spec
        assert (spec.name, spec.width, spec.height) == ("front", 424, 240)
        assert (spec.fx, spec.cx, spec.cy) == pytest.approx((lens.fx, lens.cx, lens.cy))
        assert (spec.position, spec.quaternion) == ((0.1, 0.2, 0.9), (0.0, 1.0, 0.0, 0.0))

    def test_device_may_have_the_lens_of_a_renderer(self, plug: Plug, drive: Drive) -> None:
        pose = CameraPose(position=(0.0, 0.0, 1.0))
        rendered = CameraSpec(
            name="front",
            width=424,
            height=240,
            position=pose.position,
            quaternion=pose.quaternion,
            fx=301.0,
            fy=302.0,
            cx=210.0,
            cy=121.0,
        )
        plug(lens=lens_of(rendered))
        assert drive(name="front", pose=pose).spec == rendered

    @pytest.mark.parametrize("model", ["D415", "D435"])
    def test_depth_lies_on_the_colour_that_it_belongs_to(
        self, plug: Plug, drive: Drive, model: str
    ) -> None:
        plug(model=model)
        camera = drive(depth=True)
        for _ in range(5):
            frame = camera.read()
            (u, v), side = square(frame), PATTERN.side
            assert frame.depth is not None
            seen = frame.depth[v + 4 : v + side - 4, u + 8 : u + side - 4]
            assert (seen > 0).mean() > 0.95
            assert np.median(seen) == pytest.approx(PATTERN.square, abs=0.003)
            beside = frame.depth[v + 4 : v + side - 4, u + side + 3 : u + side + 10]
            assert np.median(beside[beside > 0]) == pytest.approx(PATTERN.wall, abs=0.006)

    def test_without_depth_there_is_none(self, plug: Plug, drive: Drive) -> None:
        plug()
        assert drive().read().depth is None


class TestTimes:
    @pytest.mark.parametrize("stamps", ["hardware", "global"])
    def test_picture_is_timed_by_when_it_was_taken(
        self, plug: Plug, drive: Drive, stamps: str
    ) -> None:
        plug(stamps=stamps, drift=1e-4)
        camera = drive(settle_frames=30)
        off = [clock_error(camera.read()) for _ in range(10)]
        assert np.abs(off).max() < 0.02, "of 60 ms of latency, 40 ms that vary"

    def test_stamps_of_the_arrival_tell_as_much_as_they_can(self, plug: Plug, drive: Drive) -> None:
        plug(stamps="system")
        camera = drive()
        off = [clock_error(camera.read()) for _ in range(10)]
        # Latency is 40 to 80 ms and 40 ms are told to the driver.
        assert min(off) > -0.01 and max(off) < 0.06

    def test_counter_wraps_while_it_runs(self, plug: Plug, drive: Drive) -> None:
        plug(counter=WRAP - 1.5)
        camera = drive(depth=True)
        until = time.monotonic() + 2.5
        while time.monotonic() < until:
            assert abs(clock_error(camera.read())) < 0.05
        health = camera.health
        assert health.state is State.OK and sum(health.refused.values()) <= 2

    def test_cameras_with_clocks_of_their_own_agree(self, plug: Plug, drive: Drive) -> None:
        plug("1", drift=1e-4, counter=5.0, seed=1)
        plug("2", model="D435", drift=-1e-4, counter=4000.0, seed=2)
        left, right = drive("1", depth=True), drive("2", depth=True)
        for _ in range(10):
            assert abs(clock_error(left.read())) < 0.03
            assert abs(clock_error(right.read())) < 0.03

    @pytest.mark.realtime
    def test_latency_is_told(self, plug: Plug, drive: Drive) -> None:
        plug(latency=(0.05, 0.06))
        camera = drive()
        camera.read()
        assert 0.03 < camera.health.latency < 0.2


class TestReading:
    def test_each_picture_is_given_once(self, plug: Plug, drive: Drive) -> None:
        plug()
        camera = drive()
        numbers = [camera.read().number for _ in range(10)]
        assert numbers == sorted(set(numbers))

    @pytest.mark.realtime
    def test_newest_wins(self, plug: Plug, drive: Drive) -> None:
        plug()
        camera = drive()
        before = camera.read()
        time.sleep(0.4)
        frame = camera.read()
        assert frame.number - before.number >= 6
        assert time.monotonic() - frame.time < 0.2

    def test_closed_camera_says_so(self, plug: Plug, drive: Drive) -> None:
        plug()
        camera = drive()
        camera.close()
        with pytest.raises(CameraTimeout, match="is closed"):
            camera.read()


class TestRefusals:
    def test_camera_that_is_not_there_is_refused_at_once(self, plug: Plug, drive: Drive) -> None:
        plug("7")
        began = time.monotonic()
        with pytest.raises(CameraTimeout, match=r"serial 8\) is not attached; attached: 7\."):
            drive("8")
        assert time.monotonic() - began < 10, "the library itself waits for 15 s"

    def test_mode_that_is_not_offered_names_those_that_are(self, plug: Plug, drive: Drive) -> None:
        plug(usb="2.1")
        with pytest.raises(
            ConfigError, match=r"offers color 424x240 rgb8 30 Hz\. It hangs on USB 2"
        ):
            drive(width=1280, height=720)

    def test_camera_in_use_is_refused(self, plug: Plug, drive: Drive) -> None:
        plug()
        drive()
        with pytest.raises(RuntimeError, match="streaming"):
            drive()


class TestOptions:
    def test_options_are_set_in_the_units_of_the_device_and_read_back(
        self, plug: Plug, drive: Drive
    ) -> None:
        plug()
        told = CameraOptions(
            exposure=0.0156,
            gain=32,
            white_balance=4600,
            power_line=50,
            emitter=True,
            laser_power=150,
        )
        kept = drive(depth=True, options=told).health.options
        assert kept["color.exposure"] == 156 and kept["color.gain"] == 32
        assert kept["color.enable_auto_exposure"] == 0 and kept["depth.enable_auto_exposure"] == 1
        assert kept["color.power_line_frequency"] == 1 and kept["depth.laser_power"] == 150
        assert kept["color.auto_exposure_priority"] == 0, "else the rate halves in dim light"

    def test_value_out_of_range_is_refused_with_the_range(self, plug: Plug, drive: Drive) -> None:
        plug()
        with pytest.raises(ConfigError, match=r"'gain'.*takes 0 to 128 in steps of 1"):
            drive(options=CameraOptions(exposure=0.01, gain=200))

    def test_value_that_the_device_changes_is_refused_with_both(self) -> None:
        config = RealSenseConfig(serial="1", options=CameraOptions(exposure=0.0156, gain=120))
        with pytest.raises(ConfigError, match=r"keeps 64 as option 'gain'.*was told 120"):
            apply(config, Clamping())

    def test_option_that_the_device_lacks_is_refused_only_if_it_was_asked_for(self) -> None:
        device = Clamping()
        assert set(apply(RealSenseConfig(serial="1"), device)) == {"color.enable_auto_exposure"}
        config = RealSenseConfig(serial="1", options=CameraOptions(white_balance=4600))
        with pytest.raises(ConfigError, match="has no option 'white_balance'"):
            apply(config, device)


class Clamping:
    """A device of one colour sensor with few options, that quietly keeps its gain below 65, as true ones may."""

    def __init__(self) -> None:
        self.values = {"enable_auto_exposure": 1.0, "exposure": 156.0, "gain": 64.0}
        self.span = SimpleNamespace(min=0, max=10000, step=1)

    def query_sensors(self) -> list[Any]:
        return [self]

    def get_stream_profiles(self) -> list[Any]:
        return [SimpleNamespace(stream_type=lambda: rs.stream.color)]

    def supports(self, option: Any) -> bool:
        return option.name in self.values

    def get_option_range(self, option: Any) -> Any:
        return self.span

    def get_option(self, option: Any) -> float:
        return self.values[option.name]

    def set_option(self, option: Any, value: float) -> None:
        self.values[option.name] = min(value, 64.0) if option.name == "gain" else value


class TestRaw:
    def test_recording_replays_with_its_clock_beside_it(
        self, plug: Plug, drive: Drive, tmp_path: Path
    ) -> None:
        plug()
        camera = drive(name="front", depth=True, raw=tmp_path / "demos.raw")
        frames = [camera.read() for _ in range(10)]
        camera.close()
        path = tmp_path / "demos.raw" / "front.000.db3"
        seen = replayed(path)
        told = json.loads(path.with_suffix(".json").read_text())
        assert told["serial"] == "1" and told["clock"]["domain"] == "hardware"
        for frame in frames:
            stamp, image, depth = seen[frame.number]
            np.testing.assert_array_equal(image, frame.image)
            assert depth.shape == (240, 424) and depth.any()
            taken = told["clock"]["host"] + (stamp - told["clock"]["at"])
            assert taken == pytest.approx(frame.time, abs=0.03)

    def test_every_start_makes_a_file_of_its_own(
        self, plug: Plug, drive: Drive, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        emulated = plug()
        camera = drive(name="front", raw=tmp_path)
        camera.read()
        emulated.inject("stall", 0.1)
        time.sleep(0.5)
        camera.wait_until_fresh(3)
        camera.close()
        again = [told for told in caplog.messages if told.endswith("restarting.")]
        names = {f"front.{number:03d}.db3" for number in range(1 + len(again))}
        assert again and {path.name for path in tmp_path.glob("*.db3")} == names
        assert replayed(tmp_path / "front.000.db3") and replayed(tmp_path / "front.001.db3")


def replayed(path: Path) -> dict[int, tuple[float, Any, Any]]:
    """What a recording holds: stamp [s], colour and depth (empty without) by the number of the picture."""
    config, pipeline = rs.config(), rs.pipeline()
    config.enable_device_from_file(str(path), repeat_playback=False)
    profile = pipeline.start(config)
    profile.get_device().as_playback().set_real_time(False)
    found: dict[int, tuple[float, Any, Any]] = {}
    while True:
        came, frames = pipeline.try_wait_for_frames(500)
        if not came:
            break
        colour, depth = frames.get_color_frame(), frames.get_depth_frame()
        pixels = np.asanyarray(depth.get_data()).copy() if depth else np.empty(0)
        image = np.asanyarray(colour.get_data()).copy()
        found[colour.get_frame_number()] = (colour.get_timestamp() / 1000, image, pixels)
    pipeline.stop()
    return found
