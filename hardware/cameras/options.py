"""Setting a device's options, in its own units, and reading each back: the device may clamp what it is given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from ibc_gym.errors import ConfigError

from .config import RealSenseConfig
from .library import rs

COLOUR_EXPOSURE: Final = 1e-4
"""The colour imager counts its exposure in these [s]."""
DEPTH_EXPOSURE: Final = 1e-6
"""The infrared imagers in these [s]."""
POWER_LINE: Final = {0: 0, 50: 1, 60: 2}
"""The device's numbers of mains frequencies [Hz]."""
QUEUE: Final = 2
"""Frames that wait in the library: more would only be older."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One option of one sensor."""

    sensor: Literal["color", "depth"]
    option: str
    """As the library names it."""
    value: float
    """In the device's unit."""
    required: bool = True
    """Whether a device that does not have it is refused."""


def settings_of(config: RealSenseConfig) -> Iterator[Setting]:
    """Everything to set, in the order that the device wants: first what is automatic, then the value."""
    told = config.options
    for sensor in ("color", "depth"):
        yield _soft(sensor, "frames_queue_size", QUEUE)
        yield _soft(sensor, "global_time_enabled", float(config.global_time))
    yield _soft("color", "auto_exposure_priority", 0.0)  # else the rate halves in dim light
    yield from _exposure("color", told.exposure, told.gain, COLOUR_EXPOSURE)
    if told.white_balance is None:
        yield _soft("color", "enable_auto_white_balance", 1.0)
    else:
        yield _soft("color", "enable_auto_white_balance", 0.0)
        yield Setting(sensor="color", option="white_balance", value=told.white_balance)
    if told.power_line is not None:
        value = float(POWER_LINE[int(told.power_line)])
        yield Setting(sensor="color", option="power_line_frequency", value=value)
    if config.depth:
        yield from _depth_settings(config)


def apply(config: RealSenseConfig, device: Any) -> dict[str, float]:
    """Set everything on a device; gives what was read back, by "sensor.option".

    Raises:
        ConfigError: The device has no such option, refuses the value, or keeps another; both values are named.
    """
    sensors = {"color": _sensor(device, rs.stream.color), "depth": _sensor(device, rs.stream.depth)}
    kept: dict[str, float] = {}
    for setting in settings_of(config):
        sensor = sensors[setting.sensor]
        option = getattr(rs.option, setting.option)
        if sensor is None or not sensor.supports(option):
            if setting.required:
                raise ConfigError(
                    f"Camera {config.name!r} has no option {setting.option!r} for its {setting.sensor} stream; "
                    "leave it out of the options."
                )
            continue
        kept[f"{setting.sensor}.{setting.option}"] = _set(config.name, sensor, option, setting)
    return kept


def _depth_settings(config: RealSenseConfig) -> Iterator[Setting]:
    told = config.options
    if told.preset is not None:  # first, for it sets the others
        yield Setting(sensor="depth", option="visual_preset", value=float(told.preset))
    yield from _exposure("depth", told.depth_exposure, told.depth_gain, DEPTH_EXPOSURE)
    if told.emitter is not None:
        yield Setting(sensor="depth", option="emitter_enabled", value=float(told.emitter))
    if told.laser_power is not None:
        yield Setting(sensor="depth", option="laser_power", value=told.laser_power)


def _exposure(
    sensor: Literal["color", "depth"], exposure: float | None, gain: float | None, unit: float
) -> Iterator[Setting]:
    yield Setting(
        sensor=sensor,
        option="enable_auto_exposure",
        value=float(exposure is None),
        required=exposure is not None,
    )
    if exposure is not None:
        yield Setting(sensor=sensor, option="exposure", value=round(exposure / unit))
    if gain is not None:
        yield Setting(sensor=sensor, option="gain", value=gain)


def _soft(sensor: Any, option: str, value: float) -> Setting:
    return Setting(sensor=sensor, option=option, value=value, required=False)


def _sensor(device: Any, stream: Any) -> Any | None:
    for sensor in device.query_sensors():
        if any(profile.stream_type() == stream for profile in sensor.get_stream_profiles()):
            return sensor
    return None


def _set(name: str, sensor: Any, option: Any, setting: Setting) -> float:
    span = sensor.get_option_range(option)
    what = f"option {setting.option!r} of camera {name!r}'s {setting.sensor} stream"
    try:
        if sensor.get_option(option) != setting.value:
            sensor.set_option(option, setting.value)
    except RuntimeError as error:
        raise ConfigError(
            f"The device refuses {setting.value:g} as {what} ({error}); "
            f"it takes {span.min:g} to {span.max:g} in steps of {span.step:g}, in its own unit."
        ) from error
    kept = float(sensor.get_option(option))
    if abs(kept - setting.value) > span.step / 2:
        raise ConfigError(
            f"The device keeps {kept:g} as {what}, but was told {setting.value:g}; "
            f"it takes {span.min:g} to {span.max:g} in steps of {span.step:g}, in its own unit."
        )
    return kept
