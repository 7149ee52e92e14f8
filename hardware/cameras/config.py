"""What one RealSense camera is asked for: its streams, its settings, where it stands, how old a picture may be."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ibc_gym.checks import settle
from ibc_gym.errors import ConfigError

from .ladder import RecoveryConfig


@dataclass(frozen=True, kw_only=True)
class CameraPose:
    """Where a camera stands: base_T_camera, the camera looking along its +z with +x right and +y down."""

    position: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Optical centre of the colour imager in the base frame [m]."""
    quaternion: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 0.0)
    """base_R_camera, wxyz."""

    def __post_init__(self) -> None:
        settle(self)
        if len(self.position) != 3 or len(self.quaternion) != 4:
            raise ConfigError(
                f"CameraPose is ({self.position}, {self.quaternion}), but must be (x, y, z) [m] and (w, x, y, z)."
            )
        norm = float(np.linalg.norm(self.quaternion))
        if abs(norm - 1) > 1e-3:
            raise ConfigError(
                f"CameraPose.quaternion is {self.quaternion} of length {norm:.4f}, but must be of length 1 (wxyz)."
            )
        w, x, y, z = (part / norm for part in self.quaternion)
        object.__setattr__(self, "quaternion", (w, x, y, z))


@dataclass(frozen=True, kw_only=True)
class CameraOptions:
    """Settings of the device; each is read back after it was set. None leaves the device to its own choice."""

    exposure: float | None = None
    """Of the colour imager [s]; None leaves it automatic. Fix it for a policy that was trained on pictures."""
    gain: float | None = None
    """Of the colour imager, 0..128; needs `exposure`."""
    white_balance: float | None = None
    """Colour temperature, 2800..6500 [K]; None leaves it automatic."""
    power_line: float | None = None
    """Frequency of the mains that lamps flicker with: 50 or 60 [Hz]; 0 switches the remedy off."""
    depth_exposure: float | None = None
    """Of the infrared imagers [s]; None leaves it automatic."""
    depth_gain: float | None = None
    """Of the infrared imagers, 16..248; needs `depth_exposure`."""
    emitter: bool | None = None
    """Whether the projector throws its pattern; several cameras may all do so."""
    laser_power: float | None = None
    """Of the projector, 0..360 in steps of 30 [mW]."""
    preset: int | None = None
    """0 custom, 1 default, 2 hand, 3 high accuracy, 4 high density, 5 medium density."""

    def __post_init__(self) -> None:
        settle(self)
        for gain, exposure in (("gain", "exposure"), ("depth_gain", "depth_exposure")):
            if getattr(self, gain) is not None and getattr(self, exposure) is None:
                raise ConfigError(
                    f"CameraOptions.{gain} is set, but {exposure} is automatic and would change it; fix both."
                )
        if self.power_line not in (None, 0, 50, 60):
            raise ConfigError(
                f"CameraOptions.power_line is {self.power_line} Hz, but must be 0, 50 or 60."
            )


@dataclass(frozen=True, kw_only=True)
class RealSenseConfig:
    """One camera."""

    serial: str
    """As `ibc-gym cameras` lists it."""
    name: str = "camera"
    """What the workcell and the data call it."""
    width: int = 640
    """Of the colour stream, and of the aligned depth [px]."""
    height: int = 360
    """[px]"""
    fps: int = 30
    """Pictures per second, as the device offers them [Hz]."""
    depth: bool = False
    """Whether to read depth too, aligned with the colour picture."""
    depth_width: int | None = None
    """Of the depth stream before it is aligned [px]; as the colour stream's by default."""
    depth_height: int | None = None
    """[px]"""
    max_age: float = 0.2
    """A picture older than this is refused: one control period [s]."""
    pose: CameraPose = field(default_factory=CameraPose)
    """base_T_camera; the origin while nobody has calibrated it."""
    options: CameraOptions = field(default_factory=CameraOptions)
    """Settings of the device."""
    recovery: RecoveryConfig = field(default_factory=RecoveryConfig)
    """What is tried, and for how long, to have a failing camera back."""
    settle_frames: int = 30
    """Pictures thrown away after a start, while exposure and clock settle."""
    global_time: bool = False
    """Let the library map the device's clock; ours is used otherwise. It adds USB traffic and has had hiccups."""
    min_latency: float = 0.04
    """Least time from exposure to arrival on the host, which cannot be seen in arrivals alone [s].

    About 40 ms on a D435 at 30 Hz; measure yours by filming a light that is switched. Not used with `global_time`.
    """
    min_contrast: float = 1.0
    """A picture whose grey levels (0..255) spread less is refused as blank: a covered lens, a dead imager."""
    raw: Path | None = None
    """Folder for the raw streams as the library records them; None records none."""

    def __post_init__(self) -> None:
        settle(self)
        positive = ("width", "height", "fps", "max_age")
        for name in positive:
            if getattr(self, name) <= 0:
                raise ConfigError(
                    f"RealSenseConfig.{name} is {getattr(self, name)}, but must be positive."
                )
        for name in ("settle_frames", "min_latency", "min_contrast"):
            if getattr(self, name) < 0:
                raise ConfigError(
                    f"RealSenseConfig.{name} is {getattr(self, name)}, but must not be negative."
                )
        if not self.serial:
            raise ConfigError(
                "RealSenseConfig.serial is empty; ibc-gym cameras lists what is attached."
            )
        if self.max_age <= self.min_latency:
            raise ConfigError(
                f"RealSenseConfig.max_age is {self.max_age} s, but a picture is {self.min_latency} s old "
                "(min_latency) when it arrives: every one would be refused."
            )
