"""A RealSense camera that is not there: pictures of a scene, through a device clock, a latency and faults, into the library.

The driver gets the bus and nothing else; it does not know that its devices are software.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from ibc_gym.checks import settle
from ibc_gym.closing import Closing
from ibc_gym.errors import ConfigError

from ...cameras.library import rs
from .bus import SoftwareBus
from .faults import LATE, LEAP, CameraFault, FaultKind, FaultPlan
from .models import MODELS, Lens
from .optics import Optics, OpticsConfig
from .pictures import Picture, PictureSource
from .software import DeviceInfo, SoftwareDevice, bending

_log = logging.getLogger(__name__)

COUNTER: Final = 2**32
"""The device's clock counts microseconds in 32 bits."""
SKEW: Final = 0.002
"""Colour is stamped so much after its depth [s]."""
NAP: Final = 0.002
"""How often the thread looks whether something is due [s]."""

Stamps = Literal["hardware", "system", "global"]


@dataclass(frozen=True, kw_only=True)
class EmulatedConfig:
    """One emulated camera."""

    serial: str
    """The driver finds it by this."""
    model: str = "D415"
    """D415 or D435."""
    width: int = 640
    """Of both streams [px]."""
    height: int = 360
    """[px]"""
    fps: int = 30
    """[Hz]"""
    lens: Lens | None = None
    """Of the colour imager, where the source renders through another than the model's."""
    bend: tuple[float, float, float, float, float] | None = None
    """Coefficients by which the colour lens bends (inverse Brown-Conrady: k1, k2, p1, p2, k3); None for a pinhole."""
    latency: tuple[float, float] = (0.04, 0.08)
    """From the picture's moment to its arrival in the library, least and most [s]."""
    drift: float = 3e-5
    """By how much the device's clock runs faster than the host's, as a share."""
    counter: float | None = None
    """What the device's clock shows when it is plugged in [s]; None draws it."""
    stamps: Stamps = "hardware"
    """Who stamps, as a real camera does it with and without metadata."""
    usb: str = "3.2"
    """What its link is."""
    reset_time: float = 3.0
    """How long it is away after a reset [s]."""
    optics: OpticsConfig = field(default_factory=OpticsConfig)
    """How well it sees."""
    seed: int = 0
    """Of noise, latency and clock."""

    def __post_init__(self) -> None:
        settle(self)
        least, most = self.latency
        if not 0 <= least <= most:
            raise ConfigError(
                f"EmulatedConfig.latency is {self.latency} s, but must be (least, most)."
            )
        if self.model not in MODELS:
            raise ConfigError(
                f"EmulatedConfig.model is {self.model!r}; known: {', '.join(MODELS)}."
            )


class SoftwareCamera(Closing):
    """One emulated camera on a bus, plugged in from the start."""

    def __init__(
        self,
        config: EmulatedConfig,
        source: PictureSource,
        bus: SoftwareBus,
        *,
        faults: Sequence[CameraFault] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Plug it in.

        Args:
            config: What it is like.
            source: Where its pictures come from; asked at the frame rate, while somebody streams.
            bus: Where it is plugged in.
            faults: What will go wrong.
            clock: The host's, which the pictures' times are on [s].
        """
        self.config = config
        self._source, self._bus, self._clock = source, bus, clock
        self._rng = np.random.default_rng(config.seed)
        model = MODELS[config.model]
        self.lens = config.lens or model.colour_lens(config.width, config.height)
        """What sources should render through."""
        self._depth_lens = model.depth_lens(config.width, config.height)
        self._optics = Optics(model, self.lens, self._depth_lens, config.optics, self._rng)
        self._bending = None if config.bend is None else bending(self.lens, config.bend)
        self._plan = FaultPlan(faults)
        self._start = clock()
        self._lock = threading.RLock()
        self._away_until = 0.0
        self._device: SoftwareDevice | None = None
        self._due: list[tuple[float, int, _Delivery]] = []
        self._order = itertools.count()
        self._closing = threading.Event()
        bus.own(config.serial, self)
        with self._lock:  # the bus may ask meanwhile
            self._plug()
        name = f"emulated camera {config.serial}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def now(self) -> float:
        """Seconds since the camera was made, by which faults are scripted."""
        return self._clock() - self._start

    def inject(self, kind: FaultKind, duration: float, *, at: float = 0.0) -> None:
        """Let something go wrong `at` [s] from now, for `duration` [s]."""
        with self._lock:
            self._plan.inject(CameraFault(kind=kind, at=self.now + at, duration=duration))

    def release(self) -> None:
        """Let nothing go wrong any more, and nothing that was still to come."""
        with self._lock:
            self._plan.clear()

    def notice(self) -> None:
        """See now whether the streams have been stopped, which the camera's own thread may be too late for."""
        with self._lock:
            if self._device is not None:
                self._mind_the_streams(self._device)

    def reset(self) -> None:
        """What a hardware reset does: it leaves the bus, and comes back after a while."""
        with self._lock:
            self._unplug()
            self._away_until = self._clock() + self.config.reset_time

    def close(self) -> None:
        """Unplug it for good; may be called twice."""
        self._closing.set()
        self._thread.join()
        with self._lock:
            self._unplug()

    def _plug(self) -> None:
        config = self.config
        self._device = SoftwareDevice(
            DeviceInfo(serial=config.serial, usb=config.usb),
            MODELS[config.model],
            self.lens,
            self._depth_lens,
            bend=config.bend,
            fps=config.fps,
            depth_units=config.optics.depth_units,
        )
        self._counter = (
            float(self._rng.uniform(0, COUNTER / 1e6)) if config.counter is None else config.counter
        )
        self._plugged = self._clock()
        self._streaming: frozenset[str] = frozenset()
        self._begin_counting()
        self._bus.plug(config.serial, self._device.device)

    def _unplug(self) -> None:
        if self._device is not None:
            self._bus.unplug(self.config.serial)
            self._device = None
        self._due.clear()

    def _begin_counting(self) -> None:
        self._number = 0
        self._last: _Delivery | None = None
        self._next = self._clock()
        self._delivered = 0.0

    # What follows runs in the camera's own thread, but for what `notice` asks.

    def _run(self) -> None:
        while not self._closing.wait(NAP):
            with self._lock:
                faults = self._plan.active(self.now)
                self._mind_the_cable("unplug" in faults)
                if self._device is not None:
                    self._mind_the_streams(self._device)
                    if self._streaming and self._clock() >= self._next:
                        self._look(faults)
                    self._deliver(self._device)

    def _mind_the_cable(self, pulled: bool) -> None:
        if pulled:
            self._unplug()
        elif self._device is None and self._clock() >= self._away_until:
            self._plug()
            self._plan.device_reset()

    def _mind_the_streams(self, device: SoftwareDevice) -> None:
        """Notice starts and stops, of which the library tells nobody."""
        streaming = device.streaming
        if streaming and not self._streaming:
            self._plan.streams_started()
            self._begin_counting()
        if not streaming:
            self._due.clear()
        self._streaming = streaming

    def _look(self, faults: frozenset[FaultKind]) -> None:
        """Take a picture, if there is a new one."""
        picture = self._source()
        if picture is None:
            return
        period = 1 / self.config.fps
        # A source of its own pace sets the pace: then the next picture is due one period after this one.
        self._next = max(self._next + period, self._clock() - period)
        delivery = self._expose(picture, faults)
        self._number += 1
        if not faults & {"drop", "stall", "hang"}:
            self._send(delivery, picture.time, faults)

    def _expose(self, picture: Picture, faults: frozenset[FaultKind]) -> _Delivery:
        if self._last is not None and "repeat" in faults:
            return self._last
        stamp = self._stamp(picture.time) + (LEAP if "leap" in faults else 0.0)
        if self._last is not None and "freeze" in faults:
            made = _Delivery(self._number, stamp, self._last.image, self._last.depth)
        else:
            image = np.zeros_like(picture.image) if "black" in faults else picture.image
            image = image if self._bending is None else self._bending.colour(image)
            seen = image if "black" in faults else self._optics.colour(image)
            depth = self._optics.depth(picture.depth) if "depth" in self._streaming else None
            made = _Delivery(self._number, stamp, seen, depth)
        self._last = made
        return made

    def _send(self, delivery: _Delivery, taken: float, faults: frozenset[FaultKind]) -> None:
        late = LATE if "late" in faults else 0.0
        latency = float(self._rng.uniform(*self.config.latency))
        # A cable delivers in order.
        self._delivered = max(taken + latency + late, self._delivered)
        sent = delivery.without_colour() if "half" in faults else delivery
        heapq.heappush(self._due, (self._delivered, next(self._order), sent))

    def _deliver(self, device: SoftwareDevice) -> None:
        while self._due and self._due[0][0] <= self._clock():
            _, _, sent = heapq.heappop(self._due)
            stamp, domain = sent.stamp, _DOMAINS[self.config.stamps]
            if self.config.stamps == "system":
                stamp = time.time()  # of the arrival: all that a host without metadata knows
            if sent.depth is not None and "depth" in self._streaming:
                device.push("depth", sent.depth, number=sent.number, stamp=stamp, domain=domain)
            if sent.image is not None and "color" in self._streaming:
                aside = SKEW if self.config.stamps == "hardware" else 0.0
                device.push(
                    "color",
                    sent.image,
                    number=sent.number,
                    stamp=_wrapped(stamp, aside),
                    domain=domain,
                )

    def _stamp(self, taken: float) -> float:
        if self.config.stamps == "hardware":
            # Colour, which pictures are timed by, is stamped SKEW after depth: so depth is stamped before.
            ran = (taken - self._plugged) * (1 + self.config.drift)
            return _wrapped(self._counter + ran, -SKEW)
        return taken + (time.time() - time.monotonic())


@dataclass(frozen=True)
class _Delivery:
    number: int
    stamp: float
    image: NDArray[np.uint8] | None
    depth: NDArray[np.uint16] | None

    def without_colour(self) -> _Delivery:
        return _Delivery(self.number, self.stamp, None, self.depth)


_DOMAINS: Final[dict[Stamps, Any]] = {
    "hardware": rs.timestamp_domain.hardware_clock,
    "system": rs.timestamp_domain.system_time,
    "global": rs.timestamp_domain.global_time,
}


def _wrapped(stamp: float, aside: float) -> float:
    """The device's 32-bit count a little before or after a stamp [s]; other stamps pass."""
    moved = stamp + aside
    return moved % (COUNTER / 1e6) if aside else moved
