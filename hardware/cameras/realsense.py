"""A RealSense camera: the newest picture with the time it was taken, or an error; never an old picture.

A thread of its own takes every picture that the library hands over, has it inspected, timed and aligned, and climbs the
ladder of recovery when none is good. `read` waits for that thread for at most one control period.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from ibc_gym.closing import Closing
from ibc_gym.errors import CameraTimeout
from ibc_gym.records import CameraSpec, Frame

from .config import RealSenseConfig
from .devices import Bus, UsbBus
from .freshness import Flaw
from .keeper import Keeper
from .ladder import Ladder, State
from .leaving import close_at_exit

_log = logging.getLogger(__name__)

WAIT: Final = 0.05
"""How long the thread waits for a picture before it looks at the clock again [s]."""

_DOING: Final = {
    State.OK: "It is being waited for.",
    State.STALE: "It is being waited for.",
    State.RESTARTING: "Its streams are being restarted.",
    State.RESETTING: "The device is being reset.",
    State.LOST: "",
}


@dataclass(frozen=True, kw_only=True)
class CameraHealth:
    """How a camera has fared since it was opened."""

    state: State
    good: int
    """Pictures that could be used."""
    refused: Mapping[Flaw, int]
    """Pictures that could not, by why."""
    steps: Mapping[str, int]
    """How often each rung of the ladder was reached, by `State`; "hung" counts calls that never returned."""
    latency: float
    """From the exposure of the newest good picture to its arrival [s]."""
    options: Mapping[str, float]
    """What was read back, in the device's units, by "sensor.option"."""


class RealSenseCamera(Closing):
    """One camera, colour and if wanted depth."""

    def __init__(
        self,
        config: RealSenseConfig,
        *,
        bus: Bus | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start the camera and return when its first good picture is there.

        Args:
            config: Which camera, and how.
            bus: Where it is plugged in; the machine's USB by default.
            clock: The workcell's clock, which the robot is stamped by too [s].

        Raises:
            CameraTimeout: It is not attached, or gives no picture.
            ConfigError: It does not offer the mode or an option.
            SpecMismatch: Its lens bends by a model that the library cannot undo.
            HungError: The library did not return.
            RuntimeError: The library could not start it, as when another process holds it.
        """
        self._config = config
        self._clock = clock
        self._news = threading.Condition()
        self._newest: Frame | None = None
        self._given = -1
        self._first = 0  # what is added to the device's own numbers
        self._refused: Counter[Flaw] = Counter()
        self._good = 0
        self._latency = 0.0
        self._failure: Exception | None = None
        self._closing = threading.Event()
        self._keeper = Keeper(config, bus or UsbBus(), clock, self._closing)
        self._steps: Counter[str] = Counter()
        self._begin()
        close_at_exit(self)

    @property
    def spec(self) -> CameraSpec:
        """Intrinsics as the device has them, and the pose of the config."""
        return self._spec

    @property
    def serial(self) -> str:
        """Of the device, as the config has it."""
        return self._config.serial

    @property
    def health(self) -> CameraHealth:
        """How the camera has fared so far."""
        with self._news:
            return CameraHealth(
                state=self._ladder.state,
                good=self._good,
                refused=dict(self._refused),
                steps={**(self._steps + self._ladder.counts), "hung": self._keeper.hung},
                latency=self._latency,
                options=self._options,
            )

    def read(self) -> Frame:
        """The newest picture that has not been read before; waits for it at most `max_age`.

        Raises:
            CameraTimeout: There is none that is younger than `max_age`; the message says what is done about it, and
                what to do.
        """
        frame = self._await_frame(self._config.max_age, give=True)
        straight = (
            self._straightening
        )  # here and not in the camera's thread, which has thirty pictures a second
        if straight is None:
            return frame
        depth = None if frame.depth is None else straight.depth(frame.depth)
        return dataclasses.replace(frame, image=straight.colour(frame.image), depth=depth)

    def wait_until_fresh(self, timeout: float | None = None) -> None:
        """Wait until there is a picture to read, for a camera that is being had back between two episodes.

        Raises:
            CameraTimeout: There is none in time [s], by default every rung of the ladder at its slowest; or the camera
                is lost.
        """
        self._await_frame(self._longest if timeout is None else timeout, give=False)

    def reopen(self) -> None:
        """Begin again with a camera that was lost, after somebody has plugged it in; raises what making one does."""
        self.close()
        self._closing.clear()
        self._failure = None
        self._steps += self._ladder.counts
        self._begin()

    def close(self) -> None:
        """Stop the streams and close the recording; may be called twice, and takes no longer than its steps may."""
        self._closing.set()
        with self._news:
            self._news.notify_all()
        self._thread.join(self._config.recovery.longest)
        self._keeper.stop()

    @property
    def _longest(self) -> float:
        """From the last good picture until the camera is back or given up, at most [s]."""
        recovery = self._config.recovery
        starts = 1 + recovery.restarts + recovery.resets
        return recovery.longest + starts * self._settling

    def _begin(self) -> None:
        config = self._config
        stream = self._keeper.open().stream
        self._spec, self._options = stream.spec, stream.options
        self._straightening = stream.straightening
        self._settling = config.settle_frames / config.fps
        self._ladder = Ladder(config.recovery, self._clock() + self._settling)
        self._thread = threading.Thread(target=self._run, name=f"camera {config.name}", daemon=True)
        self._thread.start()
        try:
            self.wait_until_fresh()
        except BaseException:
            self.close()
            raise

    def _await_frame(self, timeout: float, *, give: bool) -> Frame:
        deadline = self._clock() + timeout
        with self._news:
            while True:
                now = self._clock()
                if self._closing.is_set():
                    raise CameraTimeout(f"Camera {self._config.name!r} is closed.")
                if self._failure is not None:
                    raise self._told(self._failure) from self._failure
                frame = self._newest
                is_new = frame is not None and frame.number > self._given
                if frame is not None and is_new and now - frame.time <= self._config.max_age:
                    self._given = frame.number if give else self._given
                    return frame
                if now >= deadline:
                    raise CameraTimeout(self._complaint(now))
                self._news.wait(deadline - now)

    def _told(self, failure: Exception) -> CameraTimeout:
        if isinstance(failure, CameraTimeout):
            return CameraTimeout(str(failure))
        return CameraTimeout(
            f"Camera {self._config.name!r} (serial {self._config.serial}) could not be had back: {failure} "
            "What was recorded is kept. Mend this, then start again."
        )

    def _complaint(self, now: float) -> str:
        """Why there is no picture, and what to do."""
        config = self._config
        quiet = "" if self._newest is None else f" for {now - self._newest.time:.2f} s"
        refused = ", ".join(f"{count} × {flaw.value}" for flaw, count in self._refused.items())
        return (
            f"Camera {config.name!r} (serial {config.serial}) has given no fresh picture{quiet}; one control period is "
            f"{config.max_age} s (refused so far: {refused or 'none'}). {_DOING[self._ladder.state]} "
            "What was recorded is kept. Begin the next episode when it is back; if this happens again, check its "
            "cable, USB 3 port and lens."
        )

    # What follows runs in the camera's own thread.

    def _run(self) -> None:
        try:
            while not self._closing.is_set() and self._failure is None:
                self._turn()
        except Exception as error:  # told to whoever reads
            _log.exception("Camera %r failed in its own thread.", self._config.name)
            self._fail(error)

    def _turn(self) -> None:
        step = self._ladder.next(self._clock())
        if step is State.LOST:
            self._fail(CameraTimeout(self._farewell()))
        elif step is not None:
            _log.warning("Camera %r gives no good picture: %s.", self._config.name, step.value)
            restarts = step is State.RESTARTING
            started = self._keeper.restart() if restarts else self._keeper.reset()
            self._ladder.tried(started=started, now=self._clock(), settling=self._settling)
        elif (session := self._keeper.session) is not None:
            try:
                seen = session.next(WAIT)
            except RuntimeError as error:  # of a device that went
                _log.warning("Camera %r: %s", self._config.name, error)
                self._closing.wait(WAIT)
                return
            self._take(seen)

    def _take(self, seen: object) -> None:
        with self._news:
            if isinstance(seen, Flaw):
                self._refused[seen] += 1
            elif isinstance(seen, Frame):
                now = self._clock()
                self._newest = self._numbered(seen)
                self._latency = now - seen.time
                self._good += 1
                self._ladder.good(now)
                self._news.notify_all()

    def _numbered(self, frame: Frame) -> Frame:
        """With a number that goes on where a restarted device counts anew: a repeated one is a repeated picture."""
        last = self._newest
        number = frame.number + self._first
        if last is not None and number <= last.number:
            number = last.number + 1
            self._first = number - frame.number
        return dataclasses.replace(frame, number=number)

    def _fail(self, error: Exception) -> None:
        with self._news:
            self._failure = error
            self._news.notify_all()
        _log.error("%s", self._told(error))

    def _farewell(self) -> str:
        config, counts = self._config, self._ladder.counts
        return (
            f"Camera {config.name!r} (serial {config.serial}) is lost: {counts[State.RESTARTING.value]} restarts and "
            f"{counts[State.RESETTING.value]} resets did not bring it back. What was recorded is kept. "
            "Unplug it, plug it in again, see that ibc-gym cameras lists it and shows a picture, then start again."
        )
