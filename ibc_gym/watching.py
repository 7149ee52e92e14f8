"""The page on which a person watches the robot, and by which one arranges a real table; programs open it before the robot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import gymnasium
import numpy as np

from ibc_gym.loading import load
from ibc_gym.records import Bool, Observation, UInt8, is_image
from ibc_gym.rollout import Transition
from ibc_gym.tables import PEOPLE


class Page(Protocol):
    """Shows the newest picture to any browser on this machine."""

    address: str
    """Where to look."""

    def show(self, picture: UInt8, words: str) -> None:
        """Show a picture (H, W, 3) and a line about it; returns at once."""


@contextmanager
def watched(port: int | None) -> Iterator[Page | None]:
    """A page for the length of a block, on which workcells that are made within show their pictures, too.

    Args:
        port: On 127.0.0.1; 0 takes any that is free, None opens no page.

    Raises:
        ConfigError: The port is taken, or may not be used.
    """
    if port is None:
        yield None
        return
    with load(PEOPLE, "page", "part")(port) as page:
        yield page


def newest_picture(env: gymnasium.Env[Any, Any], seen: Mapping[str, Any]) -> UInt8 | None:
    """The first camera's newest picture, (H, W, 3): of the observation (1, ...), or else as the environment renders it."""
    name = next(filter(is_image, seen), None)
    picture: UInt8 | None = env.render() if name is None else seen[name][0]  # type: ignore[assignment]
    return picture


class OnPage:
    """A listener that shows a page what one environment's first camera sees, from step to step."""

    def __init__(self, page: Page, env: gymnasium.Env[Any, Any]) -> None:
        """Show a page an environment that observes pictures, or renders them."""
        self._page, self._env = page, env
        self._seed, self._step = 0, 0

    def on_reset(
        self, mask: Bool, seeds: Sequence[int], observation: Observation, info: Mapping[str, Any]
    ) -> None:
        """An episode begins."""
        self._seed, self._step = seeds[0], 0
        self._show(observation)

    def on_step(self, transition: Transition) -> None:
        """It goes on."""
        self._step += 1
        self._show(transition.next_observation)

    def _show(self, seen: Observation) -> None:
        picture = newest_picture(self._env, seen)
        if picture is not None:
            self._page.show(np.array(picture), f"seed {self._seed}, step {self._step}")
