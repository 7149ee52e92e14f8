"""The scene of a real table: a person puts things where a picture shows them, and judges by a key."""

from __future__ import annotations

from collections.abc import Callable, Collection
from math import degrees
from typing import Final, Protocol

import numpy as np

from ibc_gym import geometry
from ibc_gym.contracts import Camera
from ibc_gym.errors import ConfigError, Declined, SpecMismatch
from ibc_gym.records import Layout, Pose, UInt8

from .console import Console
from .picture import WhileItComes, blend

SUCCEEDED: Final = {"y": True, "n": False}
"""The keys of the verdict."""


class Display(Protocol):
    """Where the operator sees a picture."""

    @property
    def place(self) -> str:
        """An address or a file, for the operator to look at."""

    def show(self, picture: UInt8, words: str) -> None:
        """Show a picture (H, W, 3) in place of the last one, and a line about it."""


class PersonsTable:
    """A `Scene` that nothing measures. Whoever makes it closes its console and camera."""

    def __init__(
        self,
        console: Console,
        things: Collection[str],
        *,
        camera: Camera | None = None,
        wanted: Callable[[Layout], UInt8] | None = None,
        display: Display | None = None,
    ) -> None:
        """Ask a person.

        Args:
            console: Where the person is asked.
            things: The names of everything that can be arranged.
            camera: Whose picture is laid under the wanted one.
            wanted: Draws a layout as the camera would see it, (H, W, 3); or gives a stored picture of it.
            display: Where the two are shown, laid over each other.

        Raises:
            ConfigError: A wanted picture is given, but no camera.
        """
        if wanted is not None and camera is None:
            raise ConfigError("A wanted picture needs the camera that it is laid over.")
        self.display = display
        """May be put in place, or taken away, between any two calls."""
        self._console = console
        self._things = frozenset(things)
        self.camera = camera
        """Whose picture is laid under the wanted one."""
        self.wanted = wanted
        """Draws a layout as the camera would see it; may be put in place later, too."""
        self._verdict: bool | None = None

    def arrange(self, layout: Layout) -> None:
        """Say where everything belongs, show it over the live picture, and wait until the person says that it is there.

        Raises:
            SpecMismatch: There is no such thing, or its place is not finite; nobody was asked.
            Declined: The person gave up.
            CameraTimeout: The live picture has not come for some seconds.
        """
        self._check(layout)
        self._verdict = None
        for name, pose in layout.items():
            self._console.say(f"  {name}: {_in_words(pose)}")
        overlay = self._overlay(layout)
        if overlay is not None and self.display is not None:
            self._console.say(
                f"The wanted picture lies over the live one at {self.display.place}: in place is what is seen once."
            )
        answer = self._console.ask(
            "Put everything in its place and step back.",
            {"enter": "it is there, and the arm may move", "escape": "give up"},
            overlay,
        )
        if answer != "enter":
            raise Declined("The table was not arranged; no episode begins.")
        self._console.pressed()

    def poses(self) -> None:
        """None: nothing measures them."""

    def verdict(self) -> bool | None:
        """What a key has said of this episode so far, y or n; the last one counts."""
        for key in self._console.pressed():
            self._verdict = SUCCEEDED.get(key, self._verdict)
        return self._verdict

    def judge(self) -> bool:
        """Ask whether the episode that has ended was a success, unless a key has said so already."""
        verdict = self.verdict()
        if verdict is None:
            answers = {"y": "success", "n": "failure"}
            verdict = SUCCEEDED[self._console.ask("Was that a success?", answers)]
        self._verdict = verdict
        return verdict

    def _check(self, layout: Layout) -> None:
        for name, pose in layout.items():
            if name not in self._things:
                raise SpecMismatch(
                    f"There is no {name!r} on this table; it has {', '.join(sorted(self._things))}."
                )
            if not (np.isfinite(pose.position).all() and np.isfinite(pose.quaternion).all()):
                raise SpecMismatch(f"The place of {name!r} is not finite: {pose}.")

    def _overlay(self, layout: Layout) -> Callable[[], None] | None:
        if self.wanted is None or self.camera is None or self.display is None:
            return None
        camera, wanted = self.camera, self.wanted(layout)

        def refresh() -> None:
            if self.display is not None:
                self.display.show(blend(camera.read().image, wanted), "wanted over live")

        return WhileItComes(refresh)


def _in_words(pose: Pose) -> str:
    x, y, *_ = pose.position.tolist()
    turn = degrees(geometry.yaw_of(pose.quaternion))
    return f"x {1000 * x:.0f} mm, y {1000 * y:.0f} mm from the base, turned by {turn:.0f} degrees"
