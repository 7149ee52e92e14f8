"""What to do with a camera that gives no good picture: wait, restart it, reset it, give it up. Pure; the time is passed in.

ok ──▶ stale ──▶ restarting ──▶ resetting ──▶ lost
 ◀──────┴──────────────┴────────────┘   by the first good picture
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from ibc_gym.checks import settle
from ibc_gym.errors import ConfigError


class State(StrEnum):
    """Where a camera stands on the ladder."""

    OK = "ok"
    STALE = "stale"
    RESTARTING = "restarting"
    RESETTING = "resetting"
    LOST = "lost"


@dataclass(frozen=True, kw_only=True)
class RecoveryConfig:
    """How long and how often each step is tried."""

    stale_after: float = 0.2
    """Silence after which the camera counts as stale [s]."""
    restart_after: float = 1.0
    """Silence after which the streams are restarted [s]."""
    restarts: int = 2
    """How often the streams are restarted before the device is reset."""
    resets: int = 1
    """How often the device is reset before it is given up."""
    patience: float = 3.0
    """What a restarted camera has for its first good picture, beyond the pictures that are thrown away [s]."""
    forgive_after: float = 10.0
    """Good pictures for this long, and the steps that were used are free again [s]."""
    stop_timeout: float = 3.0
    """For the library to stop the streams; if it hangs, it is left to itself [s]."""
    start_timeout: float = 10.0
    """For the library to start them [s]."""
    reset_timeout: float = 10.0
    """For a device to come back to the bus, after a reset or on its own [s]."""

    def __post_init__(self) -> None:
        settle(self)
        if not 0 < self.stale_after <= self.restart_after:
            raise ConfigError(
                f"RecoveryConfig.stale_after is {self.stale_after} s, but must be positive and at most "
                f"restart_after ({self.restart_after} s)."
            )
        for name in ("patience", "stop_timeout", "start_timeout", "reset_timeout"):
            if getattr(self, name) <= 0:
                raise ConfigError(
                    f"RecoveryConfig.{name} is {getattr(self, name)} s, but must be positive."
                )
        for name in ("restarts", "resets", "forgive_after"):
            if getattr(self, name) < 0:
                raise ConfigError(
                    f"RecoveryConfig.{name} is {getattr(self, name)}, but must not be negative."
                )

    @property
    def longest(self) -> float:
        """Every step at its slowest, from the last good picture until the camera is given up [s]."""
        again = self.stop_timeout + self.start_timeout + self.patience
        return (
            self.restart_after
            + self.restarts * again
            + self.resets * (again + 2 * self.reset_timeout)
        )


class Ladder:
    """Decides; whoever holds the camera does it."""

    def __init__(self, config: RecoveryConfig, now: float) -> None:
        """Begin in `ok`, as if a good picture had just come."""
        self._config = config
        self.state = State.OK
        self.counts: Counter[str] = Counter()
        """How often each state was entered, by its name; never set back."""
        self._quiet_since = now
        self._allowed = config.restart_after
        self._last_step: float | None = None
        self._restarts = 0
        self._resets = 0

    def good(self, now: float) -> None:
        """A good picture has come."""
        if self.state is State.LOST:
            return
        self._enter(State.OK)
        self._quiet_since = now
        self._allowed = self._config.restart_after
        if self._last_step is not None and now - self._last_step > self._config.forgive_after:
            self._last_step = None
            self._restarts = self._resets = 0

    def next(self, now: float) -> State | None:
        """The step to take now: RESTARTING, RESETTING or LOST; None while waiting is all there is to do."""
        if self.state is State.LOST:
            return None
        quiet = now - self._quiet_since
        if quiet > self._config.stale_after and self.state is State.OK:
            self._enter(State.STALE)
        if quiet <= self._allowed:
            return None
        if self._restarts < self._config.restarts and not self._resets:
            self._restarts += 1
            self._enter(State.RESTARTING, again=True)
        elif self._resets < self._config.resets:
            self._resets += 1
            self._enter(State.RESETTING, again=True)
        else:
            self._enter(State.LOST)
        return self.state

    def tried(self, *, started: bool, now: float, settling: float = 0.0) -> None:
        """The step has been taken; where it failed, the next one follows at once.

        Args:
            started: Whether the streams run again.
            now: The time [s].
            settling: What the camera needs before its first good picture can come [s].
        """
        self._last_step = self._quiet_since = now
        self._allowed = self._config.patience + settling if started else -1.0

    def _enter(self, state: State, *, again: bool = False) -> None:
        if state is not self.state or again:
            self.counts[state.value] += 1
        self.state = state
