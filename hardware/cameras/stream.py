"""One run of a camera's streams, from start to stop, over the library's own pipeline and alignment."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Final

import numpy as np

from ibc_gym.records import CameraSpec, Float32

from .clock import Domain
from .config import RealSenseConfig
from .devices import Bus, describe, mode, require, require_mode
from .freshness import Arrival
from .intrinsics import spec_of, straightening
from .library import rs
from .options import apply
from .raw import next_file
from .remapping import Remap

_log = logging.getLogger(__name__)

DOMAINS: Final[dict[Any, Domain]] = {
    rs.timestamp_domain.hardware_clock: "hardware",
    rs.timestamp_domain.system_time: "system",
    rs.timestamp_domain.global_time: "global",
}


class Stream:
    """The streams while they run."""

    def __init__(self, config: RealSenseConfig, bus: Bus) -> None:
        """Find the device, set its options, start it; each run has a context and a pipeline of its own.

        Raises:
            CameraTimeout: It is not attached.
            ConfigError: It does not offer the mode, or an option.
            SpecMismatch: Its lens bends by a model that the library cannot undo.
            RuntimeError: The library cannot start it, as when another process holds it.
        """
        self._config = config
        self._context = bus.context()
        device = require(self._context, config.serial, config.name)
        require_mode(device, _modes(config), config.name)
        if describe(device).is_slow:
            _log.warning("Camera %r hangs on USB 2; use a USB 3 port and cable.", config.name)
        self.options = apply(config, device)
        """What was read back, in the device's units, by "sensor.option"."""
        self.raw: Path | None = next_file(config.raw, config.name) if config.raw else None
        """The file that the raw streams go to."""
        self._pipeline = rs.pipeline(self._context)
        self._profile = self._pipeline.start(_wanted(config, self.raw))
        try:
            colour = self._profile.get_stream(rs.stream.color).as_video_stream_profile()
            intrinsics = colour.get_intrinsics()
            self.spec: CameraSpec = spec_of(intrinsics, config)
            self.straightening: Remap | None = straightening(intrinsics)
            """What makes its pictures those of `spec`; None where they are."""
        except BaseException:
            self._pipeline.stop()
            raise
        self._align = rs.align(rs.stream.color) if config.depth else None
        self._frames: Any = None
        self.domain: Domain = "hardware"
        """Who stamped the newest picture."""

    @property
    def device(self) -> Any:
        """The library's device."""
        return self._profile.get_device()

    def wait(self, timeout: float) -> Arrival | None:
        """The newest picture that has not been seen; None if none comes in time [s]."""
        came, frames = self._pipeline.try_wait_for_frames(round(timeout * 1000))
        if not came:
            return None
        while (newer := self._pipeline.poll_for_frames()).size() > 0:
            frames = newer  # what waited in the queue is older
        colour, depth = frames.get_color_frame(), frames.get_depth_frame()
        if not colour:
            return None
        self._frames = frames
        self.domain = DOMAINS[colour.get_frame_timestamp_domain()]
        return Arrival(
            image=np.array(np.asanyarray(colour.get_data())),
            number=colour.get_frame_number(),
            stamp=colour.get_timestamp() / 1000,
            depth_number=depth.get_frame_number() if depth else None,
            depth_stamp=depth.get_timestamp() / 1000 if depth else None,
        )

    def depth(self) -> Float32 | None:
        """Depth of the newest picture along the optical axis, (H, W) [m], as the colour imager would see it."""
        if self._align is None:
            return None
        frame = self._align.process(self._frames).get_depth_frame()
        counts = np.asanyarray(frame.get_data())
        metres: Float32 = counts.astype(np.float32) * np.float32(frame.get_units())
        return metres

    def stop(self) -> None:
        """Stop and close the recording, if there is one; may hang."""
        self._frames = None  # holds a slot of the library's
        self._pipeline.stop()
        del self._profile  # holds the recorder, which writes its end when it goes


def _modes(config: RealSenseConfig) -> tuple[str, ...]:
    colour = mode("color", config.width, config.height, "rgb8", config.fps)
    width, height = _depth_size(config)
    return (colour, mode("depth", width, height, "z16", config.fps)) if config.depth else (colour,)


def _depth_size(config: RealSenseConfig) -> tuple[int, int]:
    return config.depth_width or config.width, config.depth_height or config.height


def _wanted(config: RealSenseConfig, raw: Path | None) -> Any:
    wanted = rs.config()
    wanted.enable_device(config.serial)
    wanted.enable_stream(rs.stream.color, config.width, config.height, rs.format.rgb8, config.fps)
    if config.depth:
        wanted.enable_stream(rs.stream.depth, *_depth_size(config), rs.format.z16, config.fps)
    if raw is not None:
        wanted.enable_record_to_file(str(raw))
    return wanted
