"""Who stands at the emulated table in place of a person: puts the things where they belong, and sees where they are.

The referee is the `Scene` of the emulated rig. It looks at the simulated world that the controller's arm moves in, in
the rig's process, and is asked from the process of the policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ibc_gym.contracts import Scene
from ibc_gym.records import Layout, Pose

from .lines import Handler, LineClient


def handlers_of(scene: Scene) -> Mapping[str, Handler]:
    """What a `LineServer` in the rig's process answers about its scene."""

    def arrange(layout: Mapping[str, Any]) -> None:
        scene.arrange({name: _pose_of(numbers) for name, numbers in layout.items()})

    def poses() -> dict[str, list[float]] | None:
        found = scene.poses()
        return None if found is None else {name: _numbers_of(found[name]) for name in found}

    return {"arrange": arrange, "poses": poses, "verdict": scene.verdict}


class Referee:
    """The scene of a rig in another process."""

    def __init__(self, client: LineClient) -> None:
        """Ask through a connection, which whoever made it closes."""
        self._client = client

    def arrange(self, layout: Layout) -> None:
        """Put every named thing in its place.

        Raises:
            RigError: The rig has no such thing, or does not answer.
        """
        self._client.ask(
            "arrange", layout={name: _numbers_of(pose) for name, pose in layout.items()}
        )

    def poses(self) -> Layout | None:
        """Where the things are now.

        Raises:
            RigError: The rig does not answer.
        """
        found = self._client.ask("poses")
        return None if found is None else {name: _pose_of(found[name]) for name in found}

    def verdict(self) -> bool | None:
        """What the rig's own scene says: None where poses are measured, so that the task judges."""
        verdict: bool | None = self._client.ask("verdict")
        return verdict


def _numbers_of(pose: Pose) -> list[float]:
    """X y z, w x y z."""
    numbers: list[float] = [*pose.position.tolist(), *pose.quaternion.tolist()]
    return numbers


def _pose_of(numbers: Any) -> Pose:
    values = np.array(numbers, dtype=np.float64)
    if values.shape != (7,):
        raise ValueError(f"{numbers} is not a pose of 7 numbers (x y z, w x y z)")
    return Pose(position=values[:3], quaternion=values[3:])
