"""What a part may offer beyond its contract, for those who ask whether it does."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Protocol, runtime_checkable

from ibc_gym.contracts import Policy
from ibc_gym.records import Float64, Observation


@runtime_checkable
class Returning(Protocol):
    """A camera that sees to its own return after it failed."""

    def wait_until_fresh(self, timeout: float | None = None) -> None:
        """Return once a picture can be read; `CameraTimeout` if none can in time [s], by default a return's longest."""


@runtime_checkable
class LedByHand(Protocol):
    """A robot that a person's hand may lead, while it bears itself and goes nowhere of itself."""

    def led(self) -> AbstractContextManager[None]:
        """For the length of a block a hand moves it; it stands still before and after.

        Meanwhile `observe` raises `RobotFault`, the robot stopped, where it no longer lets itself be led.
        """


@runtime_checkable
class BearsNoise(Protocol):
    """What a demonstrator may offer besides: how much noise on its actions it bears now; without it, all the time all of it."""

    def noise_share(self, observation: Observation) -> Float64:
        """From 0, none, to 1, all that is asked for, (B,); a function of the observation alone, so that it can be had again."""


CAREFUL = "careful"
"""Under this name a data set's source says that its demonstrator took care."""
RANDOM_ACTIONS = "random_actions"
"""Under this name it says at which share of the steps anything else was done."""


@runtime_checkable
class TakesCare(Protocol):
    """What a demonstrator may offer besides: how it would do the task if its actions were disturbed."""

    def careful(self) -> Policy:
        """A demonstrator of the same task that bears more noise on its actions than this one."""


def steadied(demonstrator: Policy) -> Policy:
    """Who demonstrates where actions are disturbed: the careful one that it offers, or itself."""
    return demonstrator.careful() if isinstance(demonstrator, TakesCare) else demonstrator


@runtime_checkable
class ActsInChunks(Protocol):
    """A policy that says several actions at once; without it, every action is one that was just decided."""

    @property
    def decided(self) -> bool:
        """Whether the last `act` decided anything, and did not only carry out what had been said before."""


@runtime_checkable
class LearnsInParts(Protocol):
    """A learned policy whose losses find out something about its weights, which is kept once per update.

    Without it, every loss of a policy is an update's only one to it.
    """

    def one_update(self) -> AbstractContextManager[None]:
        """For the length of a block all losses are of parts of one batch, and what they find out is kept at its end."""


@runtime_checkable
class Monitored(Protocol):
    """A learned policy that says what is healthy of the numbers it reports, so that training can be watched."""

    @property
    def vital_signs(self) -> Mapping[str, tuple[float, float]]:
        """Least and greatest healthy value by name: "train/" and a part of `loss`, "validation/" and a measure.

        Wide enough that training which works is never out of bounds; infinite where there is none.
        """
