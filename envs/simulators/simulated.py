"""What the workcells of all simulators share: cameras that draw every instant once, poses that make sense, the room."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Protocol

import numpy as np

from ibc_gym.errors import SpecMismatch
from ibc_gym.records import CameraSpec, Float32, Float64, Frame, Pose, UInt8

from ..scene_spec import Colour, SceneSpec

BACKGROUND: Final[Colour] = (0.78, 0.80, 0.82)
FLOOR_SIDE: Final = 6.0
"""Of the square around the arm that is the table [m]; where it ends one sees the background."""


class World(Protocol):
    """What a camera asks of a simulated world."""

    @property
    def spec(self) -> SceneSpec:
        """The scene as it is built now."""

    @property
    def time(self) -> float:
        """Since the reset [s]."""

    @property
    def instant(self) -> int:
        """Counts the states of the world since the reset; saved and restored."""

    @property
    def revision(self) -> int:
        """Counts changes of the state, restored ones too; never goes back."""


class Picturing(Protocol):
    """A renderer that is set up for one camera of a world."""

    def draw(self) -> UInt8:
        """What the camera sees now, (H, W, 3) RGB."""

    def measure(self) -> Float32:
        """How far away what was drawn last is, along the optical axis, (H, W) [m]; 0 where there is nothing."""

    def close(self) -> None:
        """Let go of what drawing needs; may be called twice."""


class SimulatedCamera:
    """A camera of the scene; it sees the world as it is at the moment of reading."""

    def __init__(
        self, world: World, spec: CameraSpec, make: Callable[[CameraSpec], Picturing]
    ) -> None:
        """Make ready to draw.

        Args:
            world: What is seen.
            spec: Intrinsics and pose.
            make: Sets up the renderer.

        Raises:
            MissingSystemLibrary: The renderer needs a library of the system that was not found.
        """
        self._world = world
        self._scene = world.spec
        self._spec = spec
        self._make = make
        self._renderer = make(spec)
        self._drawn_at = -1
        self._frame: Frame | None = None

    @property
    def spec(self) -> CameraSpec:
        """Intrinsics and pose."""
        return self._spec

    def read(self) -> Frame:
        """The picture of this instant, drawn once; its number tells one instant of an episode from another."""
        world = self._world
        if self._scene is not world.spec:
            self._look_at_another()
        if self._frame is None or self._drawn_at != world.revision:
            image = self._renderer.draw()
            depth = self._renderer.measure() if self._spec.depth else None
            self._frame = Frame(image=image, time=world.time, number=world.instant, depth=depth)
            self._drawn_at = world.revision
        return self._frame

    def close(self) -> None:
        """Let go of the renderer; may be called twice."""
        self._renderer.close()

    def _look_at_another(self) -> None:
        """The world was built anew, and the camera may stand elsewhere."""
        self._renderer.close()
        self._scene = self._world.spec
        self._spec = next(spec for spec in self._scene.cameras if spec.name == self._spec.name)
        self._renderer = self._make(self._spec)


def checked_pose(scene: str, movable: Iterable[str], name: str, pose: Pose) -> Float64:
    """Position and quaternion wxyz of a thing's new place, (7,).

    Raises:
        SpecMismatch: The scene has no such thing, or its pose is not finite.
    """
    if name not in movable:
        raise SpecMismatch(
            f"Scene {scene!r} has no movable body {name!r}; it has {', '.join(movable)}."
        )
    numbers = np.concatenate([pose.position, pose.quaternion])
    if numbers.shape != (7,) or not np.isfinite(numbers).all():
        raise SpecMismatch(
            f"The pose of {name!r}, {numbers}, is not 3 + 4 finite numbers (x y z, w x y z)."
        )
    return numbers
