"""Where a second takes a second: there is one arm, and whoever moves it is alone."""

from __future__ import annotations

from ibc_gym.errors import ConfigError
from ibc_gym.tables import REAL_TIME


def is_real_time(workcell: str | None) -> bool:
    """Whether a second takes a second there, so that there is one environment and one process."""
    return workcell in REAL_TIME


def check_one_at_a_time(workcell: str | None, **numbers: int) -> None:
    """Refuse to move one arm from several places.

    Raises:
        ConfigError: One of the numbers is more than 1, and the workcell is in real time.
    """
    for name, number in numbers.items():
        if is_real_time(workcell) and number > 1:
            raise ConfigError(
                f"{name} is {number}, but workcell {workcell!r} has one arm, which moves in real time: leave {name} out."
            )
